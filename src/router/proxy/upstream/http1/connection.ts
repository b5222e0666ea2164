/**
 * One socket to a worker, and the reading of its answers.
 *
 *   CONNECTING -> HEAD -> LENGTH  ---all read---> IDLE -> HEAD -> ...
 *                  |   -> CHUNKED --last chunk--> IDLE
 *                  |   -> UNTIL_CLOSE --FIN-----> CLOSED
 *                  '-- 1xx: stays in HEAD
 *   any error, any byte that does not belong, cancel: CLOSED
 *
 * Bytes are read into one buffer that all connections share; it is valid during the callback only.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { OutcomeKind } from '../../../../base/core/outcome.ts';
import type { EndOfTurn, EndOfTurnTask } from '../../../../base/runtime/end-of-turn.ts';
import { ShapeKeeper } from '../../../../base/runtime/object-shape.ts';
import { Deadline, type TimerWheel } from '../../../../base/runtime/timer-wheel.ts';
import { BAD_CHUNK, ChunkedFramer } from '../../../../wire/http1/chunked-framer.ts';
import { BAD_HEAD, MAX_HEAD_BYTES, NEED_MORE } from '../../../../wire/http1/head-end.ts';
import { HeadError } from '../../../../wire/http1/head-error.ts';
import type { ResponseHeadMemo } from '../../../../wire/http1/response-head-memo.ts';
import type { Http1Flight } from './flight.ts';
import { ReadPieces } from './read-pieces.ts';
import { type HeadTarget, requestHeadText } from './request-head-text.ts';
import { keepOnWriteError, readAfterError } from './write-errors.ts';

type State = 'connecting' | 'idle' | 'head' | 'length' | 'chunked' | 'until-close' | 'closed';

/** What a connection needs to know of its worker. */
export interface Http1Target extends HeadTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
}

export interface ConnectionOwner {
  /** The answer is whole and the connection can carry another request. */
  connectionIdle(connection: Http1Connection): void;
  connectionClosed(connection: Http1Connection): void;
  /**
   * A pooled connection died before any byte of the answer. True: it had been dead when the request was sent, and the request
   * is now on a fresh one.
   */
  replaceStale(flight: Http1Flight, connection: Http1Connection): boolean;
}

/** Half a second before the worker closes an idle connection we do: a request must not meet its FIN on the way. */
const KEEP_ALIVE_MARGIN_MS = 500;
/** How long an answer may take that a worker has sent before it closed; it is here already, or it never comes. */
const LAST_WORDS_MS = 1000;
const SHAPE = new ShapeKeeper();

export class Http1Connection implements EndOfTurnTask {
  readonly #owner: ConnectionOwner;
  readonly #target: Http1Target;
  readonly #wheel: TimerWheel;
  readonly #socket: net.Socket;
  readonly #connectDeadline: Deadline;
  readonly #framer = new ChunkedFramer();
  readonly #pieces = new ReadPieces();
  readonly #heads: ResponseHeadMemo;
  readonly #endOfTurn: EndOfTurn;
  /** A whole request that leaves at the end of the turn. */
  #outgoing: Buffer | null = null;
  #state: State = 'connecting';
  #flight: Http1Flight | null = null;
  /** Beginning of a head that came in several reads. */
  #partial: Buffer | null = null;
  #scanned = 0;
  #left = 0;
  #keepAlive = false;
  #answered = false;
  #reused = false;
  #paused = false;
  #timedOut = false;
  #sawEnd = false;
  /** A write has failed; only what the worker had sent before is still read. */
  #isBroken = false;
  /** How long it may idle, and since when it does. */
  keepAliveMs: number;
  idleSinceMs = 0;
  /** When the last request was put on it after it had idled. */
  reusedAtMs = 0;

  constructor(
    target: Http1Target,
    owner: ConnectionOwner,
    wheel: TimerWheel,
    receive: Buffer,
    heads: ResponseHeadMemo,
    endOfTurn: EndOfTurn,
  ) {
    this.#heads = heads;
    this.#endOfTurn = endOfTurn;
    this.#target = target;
    this.#owner = owner;
    this.#wheel = wheel;
    this.keepAliveMs = target.keepAliveMs;
    const onread = { buffer: receive, callback: (bytes: number, buf: Uint8Array): boolean => this.#read(buf as Buffer, bytes) };
    const options = { host: target.host, port: target.port, noDelay: true, onread };
    this.#socket = target.tls ? tlsConnect(target, (buf) => this.#read(buf, buf.length)) : net.connect(options);
    this.#socket.on(target.tls ? 'secureConnect' : 'connect', () => this.#connected());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#errored(error));
    this.#socket.on('close', () => this.#closed());
    this.#connectDeadline = new Deadline(() => {
      this.#timedOut = true;
      this.#socket.destroy();
      this.#failed();
    });
    wheel.arm(this.#connectDeadline, target.connectTimeoutMs);
    SHAPE.made(this);
  }

  get usable(): boolean {
    return this.#state === 'idle' && !this.#socket.destroyed;
  }

  get isOpen(): boolean {
    return this.#state !== 'connecting' && this.#state !== 'closed';
  }

  /** Sends a request. The connection is new, or idle. */
  start(flight: Http1Flight): void {
    this.#flight = flight;
    flight.connection = this;
    this.#answered = false;
    if (this.#state === 'idle') {
      this.#reused = true;
      this.#state = 'head';
    }
    // A body that streams is written when the connection stands: until then it can still go elsewhere.
    if (flight.request.body?.streamed !== true) this.#writeRequest(flight);
  }

  #writeRequest(flight: Http1Flight): void {
    const body = flight.request.body;
    const head = requestHeadText(flight.request, this.#target);
    if (body === null) {
      this.#socket.write(head, 'latin1');
      return;
    }
    // What is held of a chunked body leaves as its first chunk.
    const isChunk = !body.complete && body.declaredBytes < 0 && body.heldBytes > 0;
    const text = isChunk ? `${head}${body.heldBytes.toString(16)}\r\n` : head;
    const front = isChunk ? -1 : body.takeFront(text.length);
    if (front >= 0) {
      // The head goes in front of the body: one write, no copy of the body.
      body.buf.write(text, front, 'latin1');
      const bytes = body.buf.subarray(front, body.end);
      if (body.streamed) this.#socket.write(bytes);
      else this.#writeAtEndOfTurn(bytes);
      return;
    }
    this.#socket.cork();
    this.#socket.write(text, 'latin1');
    if (body.heldBytes > 0) this.#socket.write(body.buf.subarray(body.start, body.end));
    if (isChunk) this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
  }

  #writeAtEndOfTurn(bytes: Buffer): void {
    this.#outgoing = bytes;
    this.#endOfTurn.add(this);
  }

  endOfTurn(): void {
    const bytes = this.#outgoing;
    this.#outgoing = null;
    if (bytes !== null && this.#state !== 'closed') this.#socket.write(bytes);
  }

  writeBody(buf: Buffer, start: number, end: number): boolean {
    const body = this.#flight?.request.body;
    if (body === null || body === undefined || this.#isBroken) return false;
    if (body.declaredBytes >= 0) return this.#socket.write(Buffer.from(buf.subarray(start, end)));
    const size = `${(end - start).toString(16)}\r\n`;
    const chunk = Buffer.allocUnsafe(size.length + (end - start) + 2);
    chunk.write(size, 0, 'latin1');
    buf.copy(chunk, size.length, start, end);
    chunk[chunk.length - 2] = 13;
    chunk[chunk.length - 1] = 10;
    return this.#socket.write(chunk);
  }

  endBody(): void {
    if ((this.#flight?.request.body?.declaredBytes ?? 0) < 0) this.#socket.write('0\r\n\r\n', 'latin1');
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Closes the socket in this turn. Whoever waits for an answer must have been told, or does not want to be. */
  destroy(): void {
    this.#close();
    this.#socket.destroy();
  }

  #connected(): void {
    this.#wheel.cancel(this.#connectDeadline);
    if (this.#state !== 'connecting') return;
    this.#state = 'head';
    const flight = this.#flight;
    const body = flight?.request.body;
    if (flight === null || body?.streamed !== true) return;
    keepOnWriteError(this.#socket);
    this.#writeRequest(flight);
    body.release(this.#socket.writableLength === 0);
    if (!flight.sent && !this.#socket.writableNeedDrain) flight.sink.onDrain();
  }

  #drained(): void {
    const flight = this.#flight;
    if (flight !== null && !flight.over && !flight.sent) flight.sink.onDrain();
  }

  /** Returns true: reading goes on (pausing is done by pause()). */
  #read(buf: Buffer, bytes: number): boolean {
    const flight = this.#flight;
    if (flight === null || this.#state === 'connecting') {
      // Bytes that nobody asked for: whatever follows cannot be trusted.
      this.destroy();
      return true;
    }
    this.#answered = true;
    let at = 0;
    let data = buf;
    let end = bytes;
    if (this.#state === 'head') {
      if (this.#partial !== null) {
        data = Buffer.concat([this.#partial, buf.subarray(0, bytes)]);
        end = data.length;
      }
      at = this.#readHead(flight, data, end);
      if (at < 0 || this.#flight !== flight) return true;
    }
    this.#readBody(flight, data, at, end);
    return true;
  }

  /** Offset of the first byte after the head, or -1: more is needed, or it has failed. */
  #readHead(flight: Http1Flight, buf: Buffer, end: number): number {
    let at = 0;
    for (;;) {
      const head = this.#heads.read(buf, at, Math.max(at, this.#scanned - 3), end, flight.request.method);
      if (head === NEED_MORE && end - at <= MAX_HEAD_BYTES) {
        this.#partial = Buffer.from(buf.subarray(at, end));
        this.#scanned = end - at;
        return -1;
      }
      this.#scanned = 0;
      this.#partial = null;
      if (head === NEED_MORE || head === BAD_HEAD || head instanceof HeadError) return this.#malformed(flight);
      at = this.#heads.end;
      if (head.status < 200) continue;
      this.#keepAlive = head.keepAlive;
      if (head.keepAliveTimeoutMs >= 0) {
        this.keepAliveMs = Math.min(this.#target.keepAliveMs, Math.max(0, head.keepAliveTimeoutMs - KEEP_ALIVE_MARGIN_MS));
      }
      if (!head.hasBody) {
        this.#state = 'length';
        this.#left = 0;
      } else if (head.chunked) {
        this.#state = 'chunked';
        this.#framer.reset();
      } else if (head.contentLength >= 0) {
        this.#state = 'length';
        this.#left = head.contentLength;
      } else {
        this.#state = 'until-close';
        this.#keepAlive = false;
      }
      flight.sink.onHead(head);
      return at;
    }
  }

  #readBody(flight: Http1Flight, buf: Buffer, start: number, end: number): void {
    if (this.#state === 'chunked') {
      this.#readChunks(flight, buf, start, end);
      return;
    }
    if (this.#state === 'length') {
      const take = Math.min(this.#left, end - start);
      this.#left -= take;
      const isLast = this.#left === 0;
      if (take > 0) flight.sink.onPieces(buf, start, start + take, this.#pieces.one(start, start + take, false, isLast));
      else if (!isLast) flight.sink.onPieces(buf, start, start, this.#pieces.none());
      if (isLast && !flight.over) this.#finish(flight, start + take === end);
      return;
    }
    flight.sink.onPieces(buf, start, end, end > start ? this.#pieces.one(start, end, false, false) : this.#pieces.none());
  }

  #readChunks(flight: Http1Flight, buf: Buffer, start: number, end: number): void {
    const framer = this.#framer;
    const sink = flight.sink;
    if (start === end) {
      sink.onPieces(buf, start, end, this.#pieces.none());
      return;
    }
    const payload = framer.wholeChunk(buf, start, end);
    if (payload > 0) {
      sink.onPieces(buf, start, end, this.#pieces.one(payload, end - 2, true, false));
      return;
    }
    const consumed = framer.feed(buf, start, end);
    if (consumed === BAD_CHUNK) {
      this.#malformed(flight);
      return;
    }
    if (framer.pieceCount > 0 || !framer.done) {
      sink.onPieces(buf, start, framer.terminatorStart >= 0 ? framer.terminatorStart : consumed, this.#pieces.of(framer));
    }
    if (framer.done && !flight.over) this.#finish(flight, consumed === end);
  }

  /** The answer is whole. `clean`: nothing came after it. */
  #finish(flight: Http1Flight, clean: boolean): void {
    this.#flight = null;
    flight.over = true;
    flight.isBodyFree = flight.sent && this.#outgoing === null && this.#socket.writableLength === 0;
    if (clean && this.#keepAlive && flight.isBodyFree && !this.#sawEnd) {
      this.#state = 'idle';
      this.resume();
      this.#owner.connectionIdle(this);
    } else {
      this.destroy();
    }
    flight.sink.onEnd();
  }

  #malformed(flight: Http1Flight): -1 {
    this.destroy();
    flight.fail('malformed');
    return -1;
  }

  /**
   * A worker that refuses a body answers and closes while we still write: the write fails first, but the answer may wait to
   * be read. Reading goes on until it ends by itself.
   */
  #errored(error: NodeJS.ErrnoException): void {
    const flight = this.#flight;
    if (error.syscall !== 'write' || flight === null || flight.sent || this.#socket.destroyed) {
      this.#failed();
      return;
    }
    this.#isBroken = true;
    readAfterError(this.#socket);
    if (!this.#answered) this.#wheel.arm(this.#connectDeadline, LAST_WORDS_MS);
  }

  #ended(): void {
    this.#sawEnd = true;
    const flight = this.#flight;
    if (this.#state === 'until-close' && flight !== null) this.#finish(flight, true);
    else this.#failed();
  }

  #failed(): void {
    const flight = this.#flight;
    const state = this.#state;
    const mayBeStale = flight !== null && !flight.over && this.#reused && !this.#answered && flight.replayable && !flight.replaced;
    // Before this connection gives up its place, or one that waits in the queue takes it.
    const isReplaced = mayBeStale && this.#owner.replaceStale(flight, this);
    this.#close();
    this.#socket.destroy();
    if (flight === null || flight.over || isReplaced) return;
    // A request that has been on another connection may have reached the worker, and may be why it is gone.
    if (state === 'connecting' && !flight.replaced) flight.failUnsent(this.#timedOut ? 'connect-timeout' : 'connect-failed');
    else flight.fail(this.#answered ? causeOf(state) : 'reset');
  }

  #closed(): void {
    this.#failed();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#flight = null;
    this.#wheel.cancel(this.#connectDeadline);
    this.#owner.connectionClosed(this);
  }
}

/** Some bytes of an answer came; a head that was never whole is no answer. */
function causeOf(state: State): OutcomeKind {
  return state === 'head' ? 'reset' : 'cut';
}

/** TLS sockets have no shared receive buffer: they read the ordinary way. */
function tlsConnect(target: Http1Target, read: (buf: Buffer) => void): net.Socket {
  const socket = tls.connect({
    host: target.host,
    port: target.port,
    ALPNProtocols: ['http/1.1'],
    ...(net.isIP(target.host) === 0 ? { servername: target.host } : {}),
  });
  socket.setNoDelay(true);
  socket.on('data', read);
  return socket;
}
