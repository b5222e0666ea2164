/** Where the payload of one read of an HTTP/1.1 answer lies; one object per connection, filled again for every read. */
import type { ChunkedFramer } from '../../../../wire/http1/chunked-framer.ts';
import type { Pieces } from '../seam.ts';

const NOWHERE = new Int32Array(0);

export class ReadPieces implements Pieces {
  offsets: Int32Array = NOWHERE;
  count = 0;
  isChunked = false;
  isLast = false;
  readonly #single = new Int32Array(2);

  /** The read brought no payload, for example only the head. */
  none(): this {
    this.offsets = NOWHERE;
    this.count = 0;
    this.isChunked = false;
    this.isLast = false;
    return this;
  }

  /** The payload is [start, end), one whole chunk if `isChunked`. */
  one(start: number, end: number, isChunked: boolean, isLast: boolean): this {
    this.#single[0] = start;
    this.#single[1] = end;
    this.offsets = this.#single;
    this.count = 1;
    this.isChunked = isChunked;
    this.isLast = isLast;
    return this;
  }

  /** What `framer` found in its last feed. */
  of(framer: ChunkedFramer): this {
    this.offsets = framer.pieces;
    this.count = framer.pieceCount;
    this.isChunked = framer.pieceCount > 0 && framer.wholeChunks;
    this.isLast = framer.done;
    return this;
  }
}
