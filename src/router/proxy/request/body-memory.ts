/**
 * The memory that request bodies are held in: how much all of them may take, and used buffers to take again. A fresh
 * buffer of some hundred KiB costs a page fault for each of its pages, more than moving the body does.
 */

/** Smaller ones come from Node's own slab. */
const LEAST_POOLED_BYTES = 2 * 1024;
const MOST_POOLED_BYTES = 1024 * 1024;
/** Kept for later, all sizes together. */
const MAX_IDLE_BYTES = 8 * 1024 * 1024;

export class BodyMemory {
  /** Beyond it bodies are held less and streamed sooner. */
  readonly limitBytes: number;
  /** Left free in front of every body, for what the protocol to the workers puts there. */
  readonly frontBytes: number;
  heldBytes = 0;
  /** Free buffers by the logarithm of their size. */
  readonly #idle: Buffer[][] = Array.from({ length: 32 }, () => []);
  #idleBytes = 0;

  constructor(limitBytes: number, frontBytes: number) {
    this.limitBytes = limitBytes;
    this.frontBytes = frontBytes;
  }

  get isShort(): boolean {
    return this.heldBytes >= this.limitBytes;
  }

  /** At least `bytes` long, with any content. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_POOLED_BYTES || bytes > MOST_POOLED_BYTES) return this.#count(Buffer.allocUnsafe(bytes));
    const size = sizeClass(bytes);
    const idle = this.#idle[size]!.pop();
    if (idle === undefined) return this.#count(Buffer.allocUnsafeSlow(2 ** size));
    this.#idleBytes -= idle.length;
    return this.#count(idle);
  }

  /** `isFree`: nobody reads or writes it any more, so that it can be taken again. */
  give(buf: Buffer, isFree: boolean): void {
    this.heldBytes -= buf.length;
    if (!isFree || buf.length < LEAST_POOLED_BYTES || buf.length > MOST_POOLED_BYTES) return;
    if (this.#idleBytes + buf.length > MAX_IDLE_BYTES || buf.length !== 2 ** sizeClass(buf.length)) return;
    this.#idle[sizeClass(buf.length)]!.push(buf);
    this.#idleBytes += buf.length;
  }

  #count(buf: Buffer): Buffer {
    this.heldBytes += buf.length;
    return buf;
  }
}

function sizeClass(bytes: number): number {
  return 32 - Math.clz32(bytes - 1);
}
