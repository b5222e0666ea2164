/**
 * One connection from a client: a ClientReader reads its requests, a ClientWriter writes their answers, and the connection decides how
 * long it waits and how it ends. It knows framing and time-outs of this side, and nothing of what a request means.
 *
 *   OPEN -- answer whole, the connection does not persist; answer cut; request refused; idle too long --> LINGERING --> CLOSED
 *     '--- client gone: FIN or reset while a request is under way (as nginx has it) --------------------------------------^
 *
 * While LINGERING the client gets what is written, and what it still sends is dropped: a reset because of unread bytes would destroy the
 * answer on its way.
 */
import type net from 'node:net';
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { Linked } from '../../../base/core/linked-list.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import type { ConnectionHost, ConnectionParts } from './connection-host.ts';
import { MovableDeadline } from './movable-deadline.ts';
import { ClientReader, type ReaderOwner } from './reader.ts';
import { resetSocket } from './reset-socket.ts';
import type { ServedRequest } from './served-request.ts';
import { readShared } from './shared-receive.ts';
import { errorResponse, lastAnswerFrame } from './whole-answer.ts';
import { ClientWriter } from './writer.ts';

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

/** How long a lingering connection waits for the client's FIN after the last byte to it. */
const LINGER_MS = 2000;
/** How long a client has to read what was written before the connection is reset. */
const RESET_AFTER_MS = 100;

export class ClientConnection implements Linked<ClientConnection>, ReaderOwner {
  /** Among the connections of its listener. */
  previous: ClientConnection | null = null;
  next: ClientConnection | null = null;
  isListed = false;
  readonly socket: net.Socket;
  readonly #host: ConnectionHost<ClientConnection>;
  readonly #parts: ConnectionParts;
  readonly #deadline: MovableDeadline;
  readonly #reader: ClientReader;
  readonly #out: ClientWriter;
  #state: 'open' | 'lingering' | 'closed' = 'open';
  /** While lingering: the connection ends with a reset instead of FIN. */
  #resets = false;
  /** Bytes that the client had still to take when the deadline last passed. */
  #unsentBefore = 0;

  /** `accepted`: fresh from a server with `pauseOnConnect`. */
  constructor(accepted: net.Socket, host: ConnectionHost<ClientConnection>, parts: ConnectionParts) {
    const reader = new ClientReader(this, parts);
    const socket = readShared(
      accepted,
      parts.receive,
      (buf, bytes) => reader.received(buf, bytes),
      () => reader.nextBuffer(),
    );
    this.socket = socket;
    this.#reader = reader;
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
  }

  /** Ends the connection as soon as nothing is under way: at once, or after the exchange. */
  drain(): void {
    if (this.#reader.state !== 'idle') return;
    this.#parts.turn.begin();
    this.#leave();
  }

  /** The request has been read to its end. */
  get requestComplete(): boolean {
    return this.#reader.isWhole;
  }

  /** Whether an answer that begins now may leave the connection open. */
  persists(head: RequestHead): boolean {
    return head.keepAlive && this.#reader.isWhole && !this.#host.draining;
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
    this.#reader.release();
    if (this.#state === 'closed') return;
    // The answer may have begun before the router began to shut down.
    const isLast = this.#host.draining && !this.#reader.hasPending;
    if (!persist || !this.#reader.isWhole || isLast) {
      if (isLast && this.#reader.isWhole) this.#leave();
      else this.#linger();
      return;
    }
    this.setDue(this.#parts.settings.keepAliveTimeoutMs);
    // A client that asks and does not read gets no further answer until it has taken this one: `busy` without a request.
    if (this.#out.needsDrain) this.#unsentBefore = 0;
    else this.#reader.next();
  }

  /** The exchange is over and its answer is not whole: what was written leaves, then the connection ends in a way that no client takes for the end. */
  abort(readsUntilClose: boolean): void {
    this.#reader.release();
    if (this.#state === 'closed') return;
    // A client that takes the end of the connection for the end of the answer must see a reset; it must have read
    // what was written by then, for data and reset together look like data and an end.
    this.#resets = readsUntilClose;
    this.#linger();
  }

  /** Backpressure of an upload. */
  pauseReading(): void {
    this.#reader.hold();
  }

  resumeReading(): void {
    this.#reader.resume();
  }

  /** How long the connection waits from now on for whatever comes next; the last call counts. */
  setDue(delayMs: number): void {
    this.#deadline.set(this.#parts.turn.nowMs, delayMs);
  }

  /** The end of a shutdown: a request under way ends with what can be written at once. */
  destroy(): void {
    this.#reader.request?.bodyFailed('shutting_down', 'the router is shutting down');
    if (this.#resets) this.#reset();
    this.#gone();
    this.socket.destroy();
  }

  // ---- what the reader asks for

  open(head: RequestHead): ServedRequest | null {
    return this.#host.open(this, head);
  }

  /** Answers bytes that never became a request, and closes. */
  refuse(code: ErrorCode, message: string): void {
    this.#host.refused(code);
    this.write(errorResponse(code, message, lastAnswerFrame(this.#parts.turn.date)));
    this.#linger();
  }

  sendContinue(): void {
    this.write(CONTINUE);
  }

  holdSocket(isHeld: boolean): void {
    if (isHeld) this.socket.pause();
    else this.socket.resume();
  }

  // ---- what happens to the connection

  #duePassed(): void {
    if (this.#state === 'lingering') {
      this.#lingeredEnough();
      return;
    }
    const { request } = this.#reader;
    switch (this.#reader.state) {
      case 'idle':
        this.#linger();
        return;
      case 'head':
        this.refuse('request_timeout', 'the request head did not come in time');
        return;
      case 'body':
        // A client that the router does not read cannot be blamed for sending nothing.
        if (this.#reader.isHeld) request?.duePassed();
        else request?.bodyFailed('request_timeout', 'the request body did not come in time');
        return;
      case 'busy':
        if (request !== null) request.duePassed();
        else if (!this.#isFlushing()) this.socket.destroy();
        return;
      case 'stopped':
    }
  }

  #lingeredEnough(): void {
    if (this.#resets) this.#reset();
    else if (this.#out.unsentBytes === 0 || this.socket.destroyed || !this.#isFlushing()) this.socket.destroy();
  }

  /** A slow reader gets its last bytes as long as it takes some; one that takes none has had its time. */
  #isFlushing(): boolean {
    const unsent = this.#out.unsentBytes;
    if (unsent === this.#unsentBefore) return false;
    this.#unsentBefore = unsent;
    this.setDue(this.#parts.settings.keepAliveTimeoutMs);
    return true;
  }

  #linger(): void {
    if (this.#state === 'closed') return;
    this.#out.flush();
    this.#state = 'lingering';
    this.#reader.stop();
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
    if (this.#reader.request !== null) {
      this.#gone();
      this.socket.destroy();
      return;
    }
    if (this.#state !== 'lingering' || this.#out.unsentBytes === 0) this.#leave();
  }

  /**
   * The end of a connection on which nothing is under way. What was written still leaves, as long as the client takes it; then the socket
   * closes without a word of the client, who may not look at it for minutes (clients that pool connections).
   */
  #leave(): void {
    this.#out.flush();
    if (this.#out.unsentBytes > 0) {
      this.#linger();
      this.socket.once('finish', () => this.socket.destroy());
      return;
    }
    this.#close();
    this.socket.destroySoon();
  }

  #drained(): void {
    const { request } = this.#reader;
    if (request !== null) request.clientDrained();
    else if (this.#reader.state === 'busy') this.finish(true);
  }

  #gone(): void {
    const { request } = this.#reader;
    this.#close();
    if (request === null) return;
    this.#parts.turn.begin();
    request.clientGone();
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#out.close();
    this.#reader.stop();
    this.#deadline.cancel();
    this.#host.closed(this);
  }
}
