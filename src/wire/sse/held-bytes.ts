/** Bytes that have to wait until more is known, in one piece and bounded. */

const EMPTY = Buffer.alloc(0);
const LEAST_BYTES = 1024;

export class HeldBytes {
  #buf: Buffer = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies `buf[start..end)`; false, and nothing is kept, if there would be more than `maxBytes`. */
  push(buf: Buffer, start: number, end: number, maxBytes: number): boolean {
    const length = this.#length + end - start;
    if (length > maxBytes) return false;
    if (length > this.#buf.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, Math.min(2 * length, maxBytes)));
      this.#buf.copy(larger, 0, 0, this.#length);
      this.#buf = larger;
    }
    buf.copy(this.#buf, this.#length, start, end);
    this.#length = length;
    return true;
  }

  /** All of them, given away: what is pushed next goes to new memory. */
  take(): Buffer {
    const bytes = this.#buf.subarray(0, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#buf = EMPTY;
    this.#length = 0;
  }
}
