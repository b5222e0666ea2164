/** The framing of request bodies on one client connection: where the payload of a read lies, and when the body is whole. */
import { BAD_CHUNK, ChunkedFramer } from '../../../wire/http1/chunked-framer.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';

export { BAD_CHUNK };
/** The body has more payload than is allowed. */
export const TOO_LARGE = -3;

const NOWHERE = new Int32Array(0);

export class BodyFraming {
  readonly #framer = new ChunkedFramer();
  readonly #single = new Int32Array(2);
  readonly #limits: { readonly maxPayloadBytes: number };
  #isChunked = false;
  /** Of a body with a length: bytes to come. */
  #left = 0;
  /** Of a chunked body: payload so far. */
  #bytes = 0;
  /** The request has been read to its end. */
  isWhole = true;
  /** Payload of the last read: start, end of each piece in its buffer. Only the first 2 * pieceCount entries are valid. */
  pieces: Int32Array = NOWHERE;
  pieceCount = 0;

  /** `limits`: of chunked bodies; the length of others is checked before they are read. */
  constructor(limits: { readonly maxPayloadBytes: number }) {
    this.#limits = limits;
  }

  begin(head: RequestHead): void {
    this.#isChunked = head.chunked;
    this.#left = head.chunked ? 0 : Math.max(0, head.contentLength);
    this.#bytes = 0;
    this.isWhole = !head.chunked && this.#left === 0;
    if (head.chunked) this.#framer.reset();
  }

  /** Bytes to come of a body with a length; 0 for a chunked one. */
  get left(): number {
    return this.#left;
  }

  /** Finds the pieces in buf[start, end). Returns where the body stopped: `end`, or just past the body; or BAD_CHUNK or TOO_LARGE. */
  read(buf: Buffer, start: number, end: number): number {
    if (!this.#isChunked) {
      const stop = start + Math.min(this.#left, end - start);
      this.#single[0] = start;
      this.#single[1] = stop;
      this.pieces = this.#single;
      this.pieceCount = 1;
      this.skip(stop - start);
      return stop;
    }
    const framer = this.#framer;
    const stop = framer.feed(buf, start, end);
    if (stop === BAD_CHUNK) return BAD_CHUNK;
    this.#bytes += framer.payloadBytes;
    if (this.#bytes > this.#limits.maxPayloadBytes) return TOO_LARGE;
    this.pieces = framer.pieces;
    this.pieceCount = framer.pieceCount;
    this.isWhole = framer.done;
    return stop;
  }

  /** `bytes` of a body with a length have been read elsewhere. */
  skip(bytes: number): void {
    this.#left -= bytes;
    this.isWhole = this.#left === 0;
  }
}
