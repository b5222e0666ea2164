/** Reads one body with our framers from a buffer that fills up bit by bit. */
import { BAD_CHUNK, ChunkedFramer } from '../../../src/wire/http1/chunked-framer.ts';

/** Remembers the body of one message while `end` grows. */
export class BodyReader {
  body = '';
  isDone = false;
  private readonly framer: ChunkedFramer | undefined;
  private remaining: number;

  /** `bytes` is void for a chunked body; Infinity reads until close. */
  constructor(chunked: boolean, bytes: number) {
    this.framer = chunked ? new ChunkedFramer() : undefined;
    this.remaining = bytes;
    this.isDone = !chunked && bytes === 0;
  }

  /** Takes from buf[at, end); returns where it stopped or BAD_CHUNK. */
  take(buf: Buffer, at: number, end: number): number {
    if (this.framer === undefined) {
      const stop = Math.min(end, at + this.remaining);
      this.body += buf.toString('latin1', at, stop);
      this.remaining -= stop - at;
      this.isDone = this.remaining === 0;
      return stop;
    }
    const stop = this.framer.feed(buf, at, end);
    if (stop === BAD_CHUNK) return stop;
    for (let i = 0; i < this.framer.pieceCount; i += 1) {
      this.body += buf.toString('latin1', this.framer.pieces[2 * i], this.framer.pieces[2 * i + 1]);
    }
    this.isDone = this.framer.done;
    return stop;
  }
}
