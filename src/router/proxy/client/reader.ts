/**
 * Reads the requests of one client, one after the other: finds their heads, and passes their bodies to what serves them.
 *
 *            first byte            head whole, body follows          body whole
 *   IDLE --------------> HEAD ---------------------------> BODY ------------------> BUSY
 *    ^                    |        head whole, no body                               | ^
 *    |                    '------------------------------------------------------------'
 *    '-------------------------------------- next -----------------------------------'
 *   stop, in any state: STOPPED, all that arrives is dropped
 *
 * Requests that arrive while one is under way (pipelining) wait in `#pending`, at most one head's worth; beyond that the socket is not
 * read.
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import { BAD_HEAD, findHeadEnd, MAX_HEAD_BYTES, NEED_MORE } from '../../../wire/http1/head-end.ts';
import { HeadError } from '../../../wire/http1/head-error.ts';
import { headTooLarge, parseRequestHead, type RequestHead } from '../../../wire/http1/request-head.ts';
import { BAD_CHUNK, BodyFraming } from './body-framing.ts';
import type { ConnectionParts } from './connection-host.ts';
import type { ServedRequest } from './served-request.ts';

type State = 'idle' | 'head' | 'body' | 'busy' | 'stopped';

/** The connection, as its reader sees it. */
export interface ReaderOwner {
  /** Begins a request; null: it is answered already. */
  open(head: RequestHead): ServedRequest | null;
  /** Answers bytes that are no request, and stops the reader. */
  refuse(code: ErrorCode, message: string): void;
  /** The client waits for a word before it sends the body (Expect: 100-continue). */
  sendContinue(): void;
  /** How long the next bytes may take. */
  setDue(delayMs: number): void;
  /** Stops and resumes reading the socket. */
  holdSocket(isHeld: boolean): void;
}

/** A body with this much to come is read into its own memory; less is copied. */
const LEAST_DIRECT_BYTES = 8 * 1024;

export class ClientReader {
  readonly #owner: ReaderOwner;
  readonly #parts: ConnectionParts;
  readonly #body: BodyFraming;
  #state: State = 'idle';
  #request: ServedRequest | null = null;
  /** Bytes read and not consumed: the beginning of a head, or pipelined requests. */
  #pending: Buffer | null = null;
  #scanned = 0;
  /** What the socket reads into, when it is the memory of a body. */
  #direct: Buffer | null = null;
  #isConsuming = false;
  /** The worker takes less of the body than arrives. */
  #isHeld = false;
  #isPendingHeld = false;

  constructor(owner: ReaderOwner, parts: ConnectionParts) {
    this.#owner = owner;
    this.#parts = parts;
    this.#body = new BodyFraming(parts.settings);
  }

  get state(): State {
    return this.#state;
  }

  /** The request under way. */
  get request(): ServedRequest | null {
    return this.#request;
  }

  /** The last request has been read to its end. */
  get isWhole(): boolean {
    return this.#body.isWhole;
  }

  /** Bytes of a later request have arrived. */
  get hasPending(): boolean {
    return this.#pending !== null;
  }

  /** Backpressure of an upload: nothing is read. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** What the socket has read: buf[0, bytes). */
  received(buf: Buffer, bytes: number): void {
    if (buf === this.#direct) this.#placed(bytes);
    else this.#consume(buf, 0, bytes);
  }

  /** Asked after every read; undefined: the same buffer again. */
  nextBuffer(): Buffer | undefined {
    if (this.#state === 'body' && this.#body.left >= LEAST_DIRECT_BYTES) {
      const space = this.#request?.bodySpace(this.#body.left) ?? null;
      if (space !== null) {
        this.#direct = space;
        return space;
      }
    }
    if (this.#direct === null) return undefined;
    this.#direct = null;
    return this.#parts.receive;
  }

  /** The request is over: its answer was whole, or the connection ends. */
  release(): void {
    this.#request = null;
  }

  /** Reads the next request, which may have arrived. */
  next(): void {
    this.#state = 'idle';
    if (!this.#isConsuming) this.#consumePending();
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#state = 'stopped';
    this.#request = null;
    this.#pending = null;
    this.#isHeld = false;
  }

  hold(): void {
    this.#isHeld = true;
    // From now on the router waits for the worker.
    this.#owner.setDue(this.#parts.settings.requestTimeoutMs);
    this.#owner.holdSocket(true);
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#parts.turn.begin();
    if (this.#state === 'body') this.#owner.setDue(this.#parts.settings.bodyTimeoutMs);
    this.#owner.holdSocket(false);
  }

  /** Bytes that the socket has read into the memory of the body. */
  #placed(bytes: number): void {
    this.#parts.turn.begin();
    const request = this.#request;
    if (request === null || this.#state !== 'body') return;
    this.#owner.setDue(this.#parts.settings.bodyTimeoutMs);
    request.bodyPlaced(bytes);
    this.#body.skip(bytes);
    if (!this.#body.isWhole || this.#request !== request) return;
    this.#state = 'busy';
    this.#isConsuming = true;
    request.bodyEnd();
    this.#isConsuming = false;
  }

  #consume(data: Buffer, from: number, to: number): void {
    this.#isConsuming = true;
    this.#parts.turn.begin();
    let buf = data;
    let at = from;
    let end = to;
    if (this.#pending !== null && this.#state !== 'busy') {
      buf = Buffer.concat([this.#pending, data.subarray(from, to)]);
      this.#pending = null;
      at = 0;
      end = buf.length;
    }
    while (at < end && this.#state !== 'stopped') {
      if (this.#state === 'body') at = this.#readBody(buf, at, end);
      else if (this.#state === 'busy') at = this.#keepPending(buf, at, end);
      else at = this.#readHead(buf, at, end);
    }
    this.#isConsuming = false;
  }

  #consumePending(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    if (this.#isPendingHeld) {
      this.#isPendingHeld = false;
      this.#owner.holdSocket(false);
    }
    this.#consume(pending, 0, pending.length);
  }

  /** Returns the offset up to which bytes are consumed; all of them when the head is not whole yet. */
  #readHead(buf: Buffer, start: number, end: number): number {
    if (this.#state === 'idle') {
      this.#state = 'head';
      this.#scanned = 0;
      this.#owner.setDue(this.#parts.settings.headerTimeoutMs);
    }
    const headEnd = findHeadEnd(buf, start, start + Math.max(0, this.#scanned - 3), end);
    if (headEnd === NEED_MORE && end - start <= MAX_HEAD_BYTES) {
      this.#pending = Buffer.from(buf.subarray(start, end));
      this.#scanned = end - start;
      return end;
    }
    const head = headEnd === NEED_MORE ? headTooLarge(buf, start, end) : parseHead(buf, start, headEnd);
    if (head instanceof HeadError) {
      this.#owner.refuse(head.code, head.message);
      return end;
    }
    this.#begin(head, headEnd < end);
    return headEnd;
  }

  #begin(head: RequestHead, bodyFollows: boolean): void {
    this.#body.begin(head);
    const { isWhole } = this.#body;
    this.#state = isWhole ? 'busy' : 'body';
    const request = this.#owner.open(head);
    // A request that was refused is answered and over by now.
    if (request === null) return;
    this.#request = request;
    if (isWhole) request.bodyEnd();
    else {
      this.#owner.setDue(this.#parts.settings.bodyTimeoutMs);
      if (head.expectContinue && !bodyFollows) this.#owner.sendContinue();
    }
  }

  #readBody(buf: Buffer, start: number, end: number): number {
    const request = this.#request;
    if (request === null) return end;
    this.#owner.setDue(this.#parts.settings.bodyTimeoutMs);
    const body = this.#body;
    const stop = body.read(buf, start, end);
    if (stop === BAD_CHUNK) {
      request.bodyFailed('bad_request', 'the chunked request body is malformed');
      return end;
    }
    if (stop < 0) {
      request.bodyFailed('payload_too_large', `the request body is larger than ${this.#parts.settings.maxPayloadBytes} bytes`);
      return end;
    }
    // The request may end with any of these calls, and the next one begin.
    const { isWhole } = body;
    if (isWhole) this.#state = 'busy';
    for (let i = 0; i < body.pieceCount && this.#request === request; i++) {
      request.bodyData(buf, body.pieces[2 * i]!, body.pieces[2 * i + 1]!);
    }
    if (isWhole && this.#request === request) request.bodyEnd();
    return stop;
  }

  /** Bytes of a later request. The socket is read until a head's worth waits, because only a reader sees the client leave. */
  #keepPending(buf: Buffer, start: number, end: number): number {
    const more = buf.subarray(start, end);
    this.#pending = this.#pending === null ? Buffer.from(more) : Buffer.concat([this.#pending, more]);
    this.#scanned = 0;
    if (this.#pending.length > MAX_HEAD_BYTES && !this.#isPendingHeld) {
      this.#isPendingHeld = true;
      this.#owner.holdSocket(true);
    }
    return end;
  }
}

function parseHead(buf: Buffer, start: number, headEnd: number): RequestHead | HeadError {
  if (headEnd === BAD_HEAD) return new HeadError(400, 'the request head is not valid HTTP/1.1');
  return parseRequestHead(buf, start, headEnd);
}
