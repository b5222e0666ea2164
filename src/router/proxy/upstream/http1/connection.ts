/**
 * One socket to a worker, and whose request is on it. A RequestWriter writes the requests, an AnswerReader reads the answers.
 *
 *   CONNECTING -- connected --> BUSY -- answer whole, both sides keep the connection --> IDLE
 *                                 ^------------------- start ------------------------------'
 *   any error, any byte that does not belong, FIN, cancel, an answer that ends with the connection: CLOSED
 *
 * Bytes are read into one buffer that all connections share; it is valid during the callback only.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { Linked } from '../../../../base/core/linked-list.ts';
import type { OutcomeKind } from '../../../../base/core/outcome.ts';
import type { EndOfTurn } from '../../../../base/runtime/end-of-turn.ts';
import { Deadline, type TimerWheel } from '../../../../base/runtime/timer-wheel.ts';
import type { ResponseHeadMemo } from '../../../../wire/http1/response-head-memo.ts';
import { AnswerReader } from './answer-reader.ts';
import type { Carrier, Http1Flight } from './flight.ts';
import { IdleTimes } from './idle-times.ts';
import type { HeadTarget } from './request-head-text.ts';
import { RequestWriter } from './request-writer.ts';
import { keepOnWriteError, readAfterError } from './write-errors.ts';

/** Certificates for connections to workers; those that Node knows, and none of our own, if `context` is undefined. */
export interface WorkerTls {
  readonly context?: tls.SecureContext | undefined;
}

/** What a connection needs to know of its worker. */
export interface Http1Target extends HeadTarget {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: WorkerTls | null;
  /** As they are now: a reload may change them. */
  readonly times: { readonly connectTimeoutMs: number; readonly keepAliveMs: number };
}

export interface ConnectionOwner {
  /** Reads of answers, all connections together. */
  reads: number;
  /** The answer is whole and the connection can carry another request. */
  connectionIdle(connection: Http1Connection): void;
  connectionClosed(connection: Http1Connection): void;
  /**
   * A pooled connection died before any byte of the answer. True: it had been dead when the request was sent, and the request
   * is now on a fresh one.
   */
  replaceStale(flight: Http1Flight, connection: Http1Connection): boolean;
}

/** How long an answer may take that a worker sent before it closed: it has arrived, or it never will. */
const LAST_WORDS_MS = 1000;

export class Http1Connection implements Carrier, Linked<Http1Connection> {
  /** In the list of its pool. */
  previous: Http1Connection | null = null;
  next: Http1Connection | null = null;
  isListed = false;
  readonly #owner: ConnectionOwner;
  readonly #wheel: TimerWheel;
  readonly #socket: net.Socket;
  readonly #writer: RequestWriter;
  readonly #reader: AnswerReader;
  /** For the connect, and for the answer of a worker that takes no more of the request. */
  readonly #deadline: Deadline;
  #state: 'connecting' | 'busy' | 'idle' | 'closed' = 'connecting';
  #flight: Http1Flight | null = null;
  /** A byte of the present answer has arrived. */
  #answered = false;
  /** The present request is not the first. */
  #reused = false;
  #paused = false;
  readonly times: IdleTimes;

  constructor(
    target: Http1Target,
    owner: ConnectionOwner,
    wheel: TimerWheel,
    receive: Buffer,
    heads: ResponseHeadMemo,
    endOfTurn: EndOfTurn,
  ) {
    this.#owner = owner;
    this.#wheel = wheel;
    this.times = new IdleTimes(target.times.keepAliveMs);
    const onread = { buffer: receive, callback: (bytes: number, buf: Uint8Array): boolean => this.#read(buf as Buffer, bytes) };
    const options = { host: target.host, port: target.port, noDelay: true, onread };
    this.#socket = target.tls !== null ? tlsConnect(target, target.tls, (buf) => this.#read(buf, buf.length)) : net.connect(options);
    this.#writer = new RequestWriter(this.#socket, target, endOfTurn);
    this.#reader = new AnswerReader(heads);
    this.#socket.on(target.tls !== null ? 'secureConnect' : 'connect', () => this.#connected());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#errored(error));
    this.#socket.on('close', () => this.#failed('connect-failed'));
    this.#deadline = new Deadline(() => this.#failed('connect-timeout'));
    wheel.arm(this.#deadline, target.times.connectTimeoutMs);
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
      this.#state = 'busy';
      this.#reader.begin();
    }
    // A body that streams is written once the connection is up: until then it can still go elsewhere.
    if (flight.request.body?.streamed !== true) this.#writer.write(flight.request);
  }

  writeBody(buf: Buffer, start: number, end: number): boolean {
    const body = this.#flight?.request.body;
    return body !== null && body !== undefined && this.#writer.writeBody(body, buf, start, end);
  }

  endBody(): void {
    this.#writer.endBody(this.#flight?.request.body ?? null);
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

  /** Closes the socket in this turn, without a word to the flight that is on it. */
  destroy(): void {
    this.#close();
    this.#socket.destroy();
  }

  /** Closes the socket and fails the request on it, if there is one. */
  fail(kind: OutcomeKind): void {
    const flight = this.#flight;
    const wasConnecting = this.#state === 'connecting';
    this.destroy();
    if (flight === null || flight.over) return;
    if (wasConnecting && !flight.replaced) flight.failUnsent(kind);
    else flight.fail(kind);
  }

  #connected(): void {
    this.#wheel.cancel(this.#deadline);
    if (this.#state !== 'connecting') return;
    this.#state = 'busy';
    const flight = this.#flight;
    const body = flight?.request.body;
    if (flight === null || body?.streamed !== true) return;
    keepOnWriteError(this.#socket);
    this.#writer.write(flight.request);
    body.release(this.#socket.writableLength === 0);
    if (!flight.sent && !this.#socket.writableNeedDrain) flight.sink.onDrain();
  }

  #drained(): void {
    const flight = this.#flight;
    if (flight !== null && !flight.over && !flight.sent) flight.sink.onDrain();
  }

  /** Returns true: the socket reads on; pause() stops it. */
  #read(buf: Buffer, bytes: number): boolean {
    const flight = this.#flight;
    if (flight === null || this.#state === 'connecting') {
      // Bytes that no request asked for: nothing that follows can be trusted.
      this.destroy();
      return true;
    }
    this.#answered = true;
    this.#owner.reads++;
    const result = this.#reader.read(flight, buf, bytes);
    if (result === 'more' || flight.over) return true;
    if (result === 'malformed') {
      this.destroy();
      flight.fail('malformed');
    } else this.#finish(flight, result === 'whole');
    return true;
  }

  /** The answer is whole. `isClean`: nothing followed it. */
  #finish(flight: Http1Flight, isClean: boolean): void {
    this.#flight = null;
    flight.over = true;
    flight.isBodyFree = flight.sent && this.#writer.isEmpty;
    if (isClean && this.#reader.keepAlive && flight.isBodyFree) {
      this.#state = 'idle';
      if (this.#reader.keepAliveTimeoutMs >= 0) this.times.announced(this.#reader.keepAliveTimeoutMs);
      this.resume();
      this.#owner.connectionIdle(this);
    } else {
      this.destroy();
    }
    flight.sink.onEnd();
  }

  /**
   * A worker that refuses a body answers and closes while the router still writes: the write fails first, but the answer may wait to
   * be read. The connection reads on until it ends by itself.
   */
  #errored(error: NodeJS.ErrnoException): void {
    const flight = this.#flight;
    if (error.syscall !== 'write' || flight === null || flight.sent || this.#socket.destroyed) {
      this.#failed('connect-failed');
      return;
    }
    this.#writer.close();
    readAfterError(this.#socket);
    if (!this.#answered) this.#wheel.arm(this.#deadline, LAST_WORDS_MS);
  }

  /** FIN. */
  #ended(): void {
    const flight = this.#flight;
    if (flight !== null && this.#reader.isUntilClose) this.#finish(flight, true);
    else this.#failed('connect-failed');
  }

  /** The connection is over, whatever was on it. `inConnecting`: what the request ends with if there was no connection yet. */
  #failed(inConnecting: OutcomeKind): void {
    const flight = this.#flight;
    const wasConnecting = this.#state === 'connecting';
    const mayBeStale = flight !== null && !flight.over && this.#reused && !this.#answered && flight.replayable && !flight.replaced;
    // Before this connection gives up its place, or one that waits in the queue takes it.
    const isReplaced = mayBeStale && this.#owner.replaceStale(flight, this);
    this.#close();
    this.#socket.destroy();
    if (flight === null || flight.over || isReplaced) return;
    // A request that has been on another connection may have reached the worker, and may be why it is gone.
    if (wasConnecting && !flight.replaced) flight.failUnsent(inConnecting);
    // A head that was never whole is no answer.
    else flight.fail(this.#answered && !this.#reader.isInHead ? 'cut' : 'reset');
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#flight = null;
    this.#writer.close();
    this.#wheel.cancel(this.#deadline);
    this.#owner.connectionClosed(this);
  }
}

/** TLS sockets have no shared receive buffer: they read the ordinary way. */
function tlsConnect(target: Http1Target, { context }: WorkerTls, read: (buf: Buffer) => void): net.Socket {
  const socket = tls.connect({
    host: target.host,
    port: target.port,
    ALPNProtocols: ['http/1.1'],
    ...(context === undefined ? {} : { secureContext: context }),
    ...(net.isIP(target.host) === 0 ? { servername: target.host } : {}),
  });
  socket.setNoDelay(true);
  socket.on('data', read);
  return socket;
}
