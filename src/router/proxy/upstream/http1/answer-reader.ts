/**
 * Reads the answers on one connection to a worker, one after the other.
 *
 *   begin -> HEAD -> LENGTH ------ all read -----> WHOLE
 *             |   -> CHUNKED ----- last chunk ---> WHOLE
 *             |   -> UNTIL_CLOSE   (the connection sees the FIN)
 *             '-- 1xx: stays in HEAD
 */
import { BAD_CHUNK, ChunkedFramer } from '../../../../wire/http1/chunked-framer.ts';
import { BAD_HEAD, MAX_HEAD_BYTES, NEED_MORE } from '../../../../wire/http1/head-end.ts';
import { HeadError } from '../../../../wire/http1/head-error.ts';
import type { ResponseHead } from '../../../../wire/http1/response-head.ts';
import type { ResponseHeadMemo } from '../../../../wire/http1/response-head-memo.ts';
import type { Http1Flight } from './flight.ts';
import { ReadPieces } from './read-pieces.ts';

/** `excess`: the answer is whole, and bytes follow that belong to none. */
export type ReadResult = 'more' | 'whole' | 'excess' | 'malformed';

export class AnswerReader {
  readonly #heads: ResponseHeadMemo;
  readonly #framer = new ChunkedFramer();
  readonly #pieces = new ReadPieces();
  #state: 'head' | 'length' | 'chunked' | 'until-close' | 'whole' = 'head';
  /** Beginning of a head that came in several reads. */
  #partial: Buffer | null = null;
  #scanned = 0;
  #left = 0;
  /** Of the last head: the worker keeps the connection open after the answer. */
  keepAlive = false;
  /** Of the last head that named one (Keep-Alive: timeout=); -1: none did. */
  keepAliveTimeoutMs = -1;

  constructor(heads: ResponseHeadMemo) {
    this.#heads = heads;
  }

  /** The next answer begins. */
  begin(): void {
    this.#state = 'head';
  }

  /** The head of the answer is not whole yet. */
  get isInHead(): boolean {
    return this.#state === 'head';
  }

  /** The answer ends with the connection. */
  get isUntilClose(): boolean {
    return this.#state === 'until-close';
  }

  /** Passes the bytes of one read, buf[0, bytes), to the sink of `flight`. The result means nothing if the sink has cancelled the flight. */
  read(flight: Http1Flight, buf: Buffer, bytes: number): ReadResult {
    return this.#state === 'head' ? this.#readHead(flight, buf, bytes) : this.#readBody(flight, buf, 0, bytes);
  }

  #readHead(flight: Http1Flight, read: Buffer, bytes: number): ReadResult {
    let buf = read;
    let end = bytes;
    if (this.#partial !== null) {
      buf = Buffer.concat([this.#partial, read.subarray(0, bytes)]);
      end = buf.length;
    }
    for (let at = 0; ; at = this.#heads.end) {
      const head = this.#heads.read(buf, at, Math.max(at, this.#scanned - 3), end, flight.request.method);
      if (head === NEED_MORE && end - at <= MAX_HEAD_BYTES) {
        this.#partial = Buffer.from(buf.subarray(at, end));
        this.#scanned = end - at;
        return 'more';
      }
      this.#scanned = 0;
      this.#partial = null;
      if (head === NEED_MORE || head === BAD_HEAD || head instanceof HeadError) return 'malformed';
      if (head.status < 200) continue;
      const bodyStart = this.#heads.end;
      this.#expectBody(head);
      flight.sink.onHead(head);
      return flight.over ? 'more' : this.#readBody(flight, buf, bodyStart, end);
    }
  }

  #expectBody(head: ResponseHead): void {
    this.keepAlive = head.keepAlive;
    if (head.keepAliveTimeoutMs >= 0) this.keepAliveTimeoutMs = head.keepAliveTimeoutMs;
    if (head.hasBody && head.chunked) {
      this.#state = 'chunked';
      this.#framer.reset();
    } else if (head.hasBody && head.contentLength < 0) {
      this.#state = 'until-close';
      this.keepAlive = false;
    } else {
      this.#state = 'length';
      this.#left = head.hasBody ? head.contentLength : 0;
    }
  }

  #readBody(flight: Http1Flight, buf: Buffer, start: number, end: number): ReadResult {
    if (this.#state === 'chunked') return this.#readChunks(flight, buf, start, end);
    if (this.#state === 'until-close') {
      flight.sink.onPieces(buf, start, end, end > start ? this.#pieces.one(start, end, false, false) : this.#pieces.none());
      return 'more';
    }
    const take = Math.min(this.#left, end - start);
    this.#left -= take;
    const isLast = this.#left === 0;
    if (take > 0) flight.sink.onPieces(buf, start, start + take, this.#pieces.one(start, start + take, false, isLast));
    else if (!isLast) flight.sink.onPieces(buf, start, start, this.#pieces.none());
    return isLast ? this.#end(start + take === end) : 'more';
  }

  #readChunks(flight: Http1Flight, buf: Buffer, start: number, end: number): ReadResult {
    const framer = this.#framer;
    const sink = flight.sink;
    if (start === end) {
      sink.onPieces(buf, start, end, this.#pieces.none());
      return 'more';
    }
    const payload = framer.wholeChunk(buf, start, end);
    if (payload > 0) {
      sink.onPieces(buf, start, end, this.#pieces.one(payload, end - 2, true, false));
      return 'more';
    }
    const consumed = framer.feed(buf, start, end);
    if (consumed === BAD_CHUNK) return 'malformed';
    if (framer.pieceCount > 0 || !framer.done) {
      sink.onPieces(buf, start, framer.terminatorStart >= 0 ? framer.terminatorStart : consumed, this.#pieces.of(framer));
    }
    return framer.done ? this.#end(consumed === end) : 'more';
  }

  #end(isClean: boolean): ReadResult {
    this.#state = 'whole';
    return isClean ? 'whole' : 'excess';
  }
}
