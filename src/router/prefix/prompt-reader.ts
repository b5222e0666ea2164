/** Reads the bytes of a prompt that consists of several ranges of a request body. Drops the body at `close`. */
import type { Prompt } from '../../base/core/route-input.ts';

const NO_BYTES = Buffer.alloc(0);

export class PromptReader {
  body: Buffer = NO_BYTES;
  /** Bytes of the prompt. */
  totalBytes = 0;
  #ranges: Int32Array = new Int32Array(0);
  #count = 0;
  /** The range in which the last seek ended, and the prompt offset of its first byte. */
  #range = 0;
  #rangeAt = 0;

  open(prompt: Prompt): void {
    this.body = prompt.body;
    this.#ranges = prompt.ranges;
    this.#count = prompt.rangeCount;
    this.#range = 0;
    this.#rangeAt = 0;
    this.totalBytes = 0;
    for (let i = 0; i < this.#count; i++) this.totalBytes += this.#ranges[2 * i + 1]! - this.#ranges[2 * i]!;
  }

  close(): void {
    this.body = NO_BYTES;
  }

  /** Offset in the body of the prompt's byte `at` (below totalBytes). `at` must not decrease from call to call. */
  seek(at: number): number {
    while (at >= this.#rangeAt + this.#rangeBytes()) {
      this.#rangeAt += this.#rangeBytes();
      this.#range++;
    }
    return this.#ranges[2 * this.#range]! + at - this.#rangeAt;
  }

  /** Bytes from the prompt offset `at` of the last seek to the end of the range that it found. */
  bytesInRange(at: number): number {
    return this.#rangeAt + this.#rangeBytes() - at;
  }

  /**
   * Copies stripes of `stripe` bytes, `step` apart, to the start of `out`: all whole stripes of the `length` bytes from prompt
   * offset `at`. Returns the bytes written. Does not change the place of `seek`.
   */
  gather(at: number, length: number, stripe: number, step: number, out: Buffer): number {
    let written = 0;
    let range = this.#range;
    let rangeAt = this.#rangeAt;
    for (let from = 0; from + stripe <= length; from += step) {
      for (let k = at + from; k < at + from + stripe; k++) {
        while (k >= rangeAt + this.#ranges[2 * range + 1]! - this.#ranges[2 * range]!) {
          rangeAt += this.#ranges[2 * range + 1]! - this.#ranges[2 * range]!;
          range++;
        }
        out[written++] = this.body[this.#ranges[2 * range]! + k - rangeAt]!;
      }
    }
    return written;
  }

  #rangeBytes(): number {
    return this.#ranges[2 * this.#range + 1]! - this.#ranges[2 * this.#range]!;
  }
}
