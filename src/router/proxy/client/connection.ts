/**
 * One connection from a client: reads requests, hands each to an exchange, and writes what the exchange gives it.
 * It knows framing and time-outs of this side; what a request means is the exchange's business.
 *
 *            first byte            head whole, body follows          body whole
 *   IDLE --------------> HEAD ---------------------------> BODY ------------------> BUSY
 *    ^ 75 s: close        | 30 s: 408      head whole, no body                       |
 *    |                    '--------------------------------------------------------> |
 *    '------------------------- exchange finished, connection persists --------------'
 *   exchange finished, connection does not persist, or a refused request: LINGERING -> CLOSED
 *   (the answer must not be lost to a reset because bytes of the request are still on their way)
 *
 * Requests that arrive while one is under way (pipelining) wait in `#pending`, at most one head's worth; beyond that
 * nothing is read. FIN or reset while an exchange is under way means that the client is gone (as nginx has it).
 */
import type net from 'node:net';
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { Linked } from '../../../base/core/linked-list.ts';
import { ShapeKeeper } from '../../../base/runtime/object-shape.ts';
import { BAD_CHUNK, ChunkedFramer } from '../../../wire/http1/chunked-framer.ts';
import { BAD_HEAD, findHeadEnd, MAX_HEAD_BYTES, NEED_MORE } from '../../../wire/http1/head-end.ts';
import { HeadError } from '../../../wire/http1/head-error.ts';
import { headTooLarge, parseRequestHead, type RequestHead } from '../../../wire/http1/request-head.ts';
import type { ConnectionHost, ConnectionParts } from './connection-host.ts';
import { MovableDeadline } from './movable-deadline.ts';
import { resetSocket } from './reset-socket.ts';
import type { ServedRequest } from './served-request.ts';
import { readShared } from './shared-receive.ts';
import { errorResponse, lastAnswerFrame } from './whole-answer.ts';
import { ClientWriter } from './writer.ts';

type State = 'idle' | 'head' | 'body' | 'busy' | 'lingering' | 'closed';

/** A body with this much to come is read into its own memory; less is copied. */
const LEAST_DIRECT_BYTES = 8 * 1024;

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

/** How long a connection that we close waits for the client's FIN after our last byte. */
const LINGER_MS = 2000;
/** How long a client has to read what was written before the connection is reset. */
const RESET_AFTER_MS = 100;
const SHAPE = new ShapeKeeper();

export class ClientConnection implements Linked<ClientConnection> {
  /** Among the connections of its data plane. */
  previous: ClientConnection | null = null;
  next: ClientConnection | null = null;
  isListed = false;
  readonly socket: net.Socket;
  readonly #host: ConnectionHost<ClientConnection>;
  readonly #parts: ConnectionParts;
  readonly #deadline: MovableDeadline;
  readonly #out: ClientWriter;
  readonly #framer = new ChunkedFramer();
  #state: State = 'idle';
  #exchange: ServedRequest | null = null;
  /** Bytes read and not consumed: the beginning of a head, or pipelined requests. */
  #pending: Buffer | null = null;
  #scanned = 0;
  #chunked = false;
  #bodyLeft = 0;
  #bodyBytes = 0;
  /** What the socket reads into, when it is the memory of a body. */
  #direct: Buffer | null = null;
  #consuming = false;
  #readingPaused = false;
  #pendingPaused = false;
  /** While lingering: the connection ends with a reset instead of FIN. */
  #resets = false;
  /** The request has been read to its end. */
  requestComplete = true;

  /** `accepted`: fresh from a server with `pauseOnConnect`. */
  constructor(accepted: net.Socket, host: ConnectionHost<ClientConnection>, parts: ConnectionParts) {
    const socket = readShared(
      accepted,
      parts.receive,
      (buf, bytes) => this.#received(buf, bytes),
      () => this.#nextBuffer(),
    );
    this.socket = socket;
    this.#out = new ClientWriter(
      parts.makeSocketWriter(socket, () => this.#drained()),
      parts.endOfTurn,
    );
    this.#host = host;
    this.#parts = parts;
    const { turn } = parts;
    const now = (): number => {
      turn.begin();
      return turn.nowMs;
    };
    this.#deadline = new MovableDeadline(parts.wheel, now, () => this.#duePassed());
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#ended());
    socket.on('error', () => this.#gone());
    socket.on('close', () => this.#gone());
    turn.begin();
    this.setDue(parts.settings.headerTimeoutMs);
    SHAPE.made(this);
  }

  /** Ends the connection as soon as nothing is under way: at once, or after the exchange. */
  drain(): void {
    if (this.#state !== 'idle') return;
    this.#parts.turn.begin();
    this.#linger();
  }

  /** Whether an answer that begins now may leave the connection open. */
  persists(head: RequestHead): boolean {
    return head.keepAlive && this.requestComplete && !this.#host.draining;
  }

  /** False: wait for clientDrained. */
  write(data: Buffer): boolean {
    return this.#out.write(data);
  }

  /** Like write; each character is one byte. */
  writeText(latin1: string): boolean {
    return this.#out.writeText(latin1);
  }

  /** For a whole answer, or the end of one: it may wait for the end of the turn. */
  writeLast(data: Buffer): void {
    this.#out.writeLast(data);
  }

  /** The exchange is over and its answer is whole. */
  finish(persist: boolean): void {
    this.#exchange = null;
    if (this.#state === 'closed') return;
    // The answer may have begun before the router was told to stop.
    const isLast = this.#host.draining && this.#pending === null;
    if (!persist || !this.requestComplete || isLast) {
      this.#linger();
      return;
    }
    this.setDue(this.#parts.settings.keepAliveTimeoutMs);
    // A client that asks and does not read gets no further answer until it has taken this one: `busy` without an exchange.
    if (this.#out.needsDrain) {
      this.#lingerLeft = 0;
      return;
    }
    this.#state = 'idle';
    if (!this.#consuming) this.#consumePending();
  }

  /** The exchange is over and its answer is not whole: what was written leaves, then the connection ends in a way that no client takes for the end. */
  abort(readsUntilClose: boolean): void {
    this.#exchange = null;
    if (this.#state === 'closed') return;
    // A client that takes the end of the connection for the end of the answer must see a reset; it must have read
    // what was written by then, for data and reset together look like data and an end.
    this.#resets = readsUntilClose;
    this.#linger();
  }

  /** Backpressure of an upload. */
  pauseReading(): void {
    this.#readingPaused = true;
    // From now on it is the worker who is waited for.
    this.setDue(this.#parts.settings.requestTimeoutMs);
    this.socket.pause();
  }

  resumeReading(): void {
    if (!this.#readingPaused) return;
    this.#readingPaused = false;
    this.#parts.turn.begin();
    if (this.#state === 'body') this.setDue(this.#parts.settings.bodyTimeoutMs);
    this.socket.resume();
  }

  /** How long whatever the connection waits for may take from now on; the last call counts. */
  setDue(delayMs: number): void {
    this.#deadline.set(this.#parts.turn.nowMs, delayMs);
  }

  /** The end of a shutdown: what is under way is told so as far as that can be written at once. */
  destroy(): void {
    this.#exchange?.bodyFailed('shutting_down', 'the router is shutting down');
    if (this.#resets) this.#reset();
    this.#gone();
    this.socket.destroy();
  }

  #received(buf: Buffer, bytes: number): void {
    if (buf !== this.#direct) {
      this.#consume(buf, 0, bytes);
      return;
    }
    // Read straight into the body.
    this.#parts.turn.begin();
    const exchange = this.#exchange;
    if (exchange === null || this.#state !== 'body') return;
    this.setDue(this.#parts.settings.bodyTimeoutMs);
    this.#bodyLeft -= bytes;
    exchange.bodyPlaced(bytes);
    if (this.#bodyLeft > 0) return;
    this.#completeRequest();
    this.#consuming = true;
    exchange.bodyEnd();
    this.#consuming = false;
  }

  /** Asked after every read; undefined: the same buffer again. */
  #nextBuffer(): Buffer | undefined {
    if (this.#state === 'body' && !this.#chunked && this.#bodyLeft >= LEAST_DIRECT_BYTES) {
      const space = this.#exchange?.bodySpace(this.#bodyLeft) ?? null;
      if (space !== null) {
        this.#direct = space;
        return space;
      }
    }
    if (this.#direct === null) return undefined;
    this.#direct = null;
    return this.#parts.receive;
  }

  #consume(data: Buffer, from: number, to: number): void {
    this.#consuming = true;
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
    while (at < end) {
      if (this.#state === 'idle' || this.#state === 'head') at = this.#readHead(buf, at, end);
      else if (this.#state === 'body') at = this.#readBody(buf, at, end);
      else if (this.#state === 'busy') {
        this.#keepPending(buf, at, end);
        break;
      } else break; // lingering or closed: nobody wants it
    }
    this.#consuming = false;
  }

  #consumePending(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    if (this.#pendingPaused) {
      this.#pendingPaused = false;
      this.socket.resume();
    }
    this.#consume(pending, 0, pending.length);
  }

  /** Returns the offset up to which bytes are consumed; all of them when the head is not whole yet. */
  #readHead(buf: Buffer, start: number, end: number): number {
    if (this.#state === 'idle') {
      this.#state = 'head';
      this.#scanned = 0;
      this.setDue(this.#parts.settings.headerTimeoutMs);
    }
    const headEnd = findHeadEnd(buf, start, start + Math.max(0, this.#scanned - 3), end);
    if (headEnd === NEED_MORE) {
      if (end - start > MAX_HEAD_BYTES) return this.#refuseHead(headTooLarge(buf, start, end), end);
      this.#pending = Buffer.from(buf.subarray(start, end));
      this.#scanned = end - start;
      return end;
    }
    if (headEnd === BAD_HEAD) return this.#refuse('bad_request', 'the request head is not valid HTTP/1.1', end);
    const head = parseRequestHead(buf, start, headEnd);
    if (head instanceof HeadError) return this.#refuseHead(head, end);
    this.#begin(head, headEnd < end);
    return headEnd;
  }

  #begin(head: RequestHead, bodyFollows: boolean): void {
    this.#chunked = head.chunked;
    this.#bodyLeft = head.chunked ? 0 : Math.max(0, head.contentLength);
    this.#bodyBytes = 0;
    this.requestComplete = !head.chunked && this.#bodyLeft === 0;
    this.#state = this.requestComplete ? 'busy' : 'body';
    if (head.chunked) this.#framer.reset();
    const exchange = this.#host.open(this, head);
    // A request that was refused is answered and over by now.
    if (exchange === null) return;
    this.#exchange = exchange;
    if (this.requestComplete) exchange.bodyEnd();
    else {
      this.setDue(this.#parts.settings.bodyTimeoutMs);
      if (head.expectContinue && !bodyFollows) this.write(CONTINUE);
    }
  }

  #readBody(buf: Buffer, start: number, end: number): number {
    const exchange = this.#exchange;
    if (exchange === null) return end;
    this.setDue(this.#parts.settings.bodyTimeoutMs);
    if (!this.#chunked) {
      const take = Math.min(this.#bodyLeft, end - start);
      this.#bodyLeft -= take;
      if (this.#bodyLeft === 0) this.#completeRequest();
      exchange.bodyData(buf, start, start + take);
      if (this.requestComplete && this.#exchange === exchange) exchange.bodyEnd();
      return start + take;
    }
    const framer = this.#framer;
    const consumed = framer.feed(buf, start, end);
    if (consumed === BAD_CHUNK) {
      exchange.bodyFailed('bad_request', 'the chunked request body is malformed');
      return end;
    }
    this.#bodyBytes += framer.payloadBytes;
    if (this.#bodyBytes > this.#parts.settings.maxPayloadBytes) {
      exchange.bodyFailed('payload_too_large', `the request body is larger than ${this.#parts.settings.maxPayloadBytes} bytes`);
      return end;
    }
    if (framer.done) this.#completeRequest();
    for (let i = 0; i < framer.pieceCount && this.#exchange === exchange; i++) {
      exchange.bodyData(buf, framer.pieces[2 * i]!, framer.pieces[2 * i + 1]!);
    }
    if (framer.done && this.#exchange === exchange) exchange.bodyEnd();
    return consumed;
  }

  #completeRequest(): void {
    this.requestComplete = true;
    this.#state = 'busy';
  }

  /** Bytes of a later request. Reading goes on, because only a reader sees the client leave, until a head's worth waits. */
  #keepPending(buf: Buffer, start: number, end: number): void {
    const more = buf.subarray(start, end);
    this.#pending = this.#pending === null ? Buffer.from(more) : Buffer.concat([this.#pending, more]);
    this.#scanned = 0;
    if (this.#pending.length > MAX_HEAD_BYTES && !this.#pendingPaused) {
      this.#pendingPaused = true;
      this.socket.pause();
    }
  }

  #refuseHead(error: HeadError, end: number): number {
    return this.#refuse(error.code, error.message, end);
  }

  /** Answers a request that never became an exchange, and closes. */
  #refuse(code: ErrorCode, message: string, end: number): number {
    this.#host.refused(code);
    this.requestComplete = false;
    this.write(errorResponse(code, message, lastAnswerFrame(this.#parts.turn.date)));
    this.#linger();
    return end;
  }

  #duePassed(): void {
    switch (this.#state) {
      case 'idle':
        this.#linger();
        return;
      case 'head':
        this.#refuse('request_timeout', 'the request head did not come in time', 0);
        return;
      case 'body':
        // While we do not read, the client cannot be blamed for sending nothing.
        if (this.#readingPaused) this.#exchange?.duePassed();
        else this.#exchange?.bodyFailed('request_timeout', 'the request body did not come in time');
        return;
      case 'busy':
        if (this.#exchange !== null) this.#exchange.duePassed();
        else if (!this.#flushing()) this.socket.destroy();
        return;
      case 'lingering':
        if (this.#resets) {
          this.#reset();
          return;
        }
        if (this.#out.unsentBytes > 0 && !this.socket.destroyed && this.#flushing()) return;
        this.socket.destroy();
        return;
      case 'closed':
    }
  }

  #lingerLeft = 0;

  /** A slow reader gets its last bytes as long as it takes some; one that takes none has had its time. */
  #flushing(): boolean {
    const left = this.#out.unsentBytes;
    if (left === this.#lingerLeft) return false;
    this.#lingerLeft = left;
    this.setDue(this.#parts.settings.keepAliveTimeoutMs);
    return true;
  }

  #linger(): void {
    if (this.#state === 'closed') return;
    this.#out.flush();
    this.#state = 'lingering';
    this.#exchange = null;
    this.#pending = null;
    this.#readingPaused = false;
    if (!this.#resets) this.socket.end();
    this.socket.resume();
    this.setDue(this.#resets ? RESET_AFTER_MS : LINGER_MS);
  }

  #reset(): void {
    this.#close();
    resetSocket(this.socket);
  }

  /** FIN: the client sends nothing more. While it waits for an answer, that means it has left. */
  #ended(): void {
    if (this.#resets) {
      this.#reset();
      return;
    }
    if (this.#state === 'lingering' || this.#exchange === null) {
      // Nothing is under way; what we wrote still leaves before the socket closes, as long as the client takes it.
      this.#out.flush();
      if (this.#out.unsentBytes > 0) {
        if (this.#state !== 'lingering') this.#linger();
        return;
      }
      this.#close();
      this.socket.destroySoon();
      return;
    }
    this.#gone();
    this.socket.destroy();
  }

  #drained(): void {
    if (this.#exchange !== null) this.#exchange.clientDrained();
    else if (this.#state === 'busy') this.finish(true);
  }

  #gone(): void {
    const exchange = this.#exchange;
    this.#close();
    if (exchange === null) return;
    this.#parts.turn.begin();
    exchange.clientGone();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#out.close();
    this.#exchange = null;
    this.#pending = null;
    this.#deadline.cancel();
    this.#host.closed(this);
  }
}
