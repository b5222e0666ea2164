/** One request to a worker over HTTP/1.1: waiting for a connection, then on one. */
import type { Linked } from '../../../../base/core/linked-list.ts';
import type { OutcomeKind } from '../../../../base/core/outcome.ts';
import type { Deadline } from '../../../../base/runtime/timer-wheel.ts';
import type { Flight, Retry, Sink, UpstreamRequest } from '../seam.ts';

export interface FlightOwner {
  /** Takes a flight that waits out of the queue. */
  forget(flight: Http1Flight): void;
}

/** The connection that carries a flight. */
export interface Carrier {
  /** Connected, and not closed. */
  readonly isOpen: boolean;
  /** False: wait for the sink's onDrain. */
  writeBody(buf: Buffer, start: number, end: number): boolean;
  endBody(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export class Http1Flight implements Flight, Linked<Http1Flight> {
  readonly request: UpstreamRequest;
  readonly sink: Sink;
  readonly #owner: FlightOwner;
  connection: Carrier | null = null;
  /** Armed while the flight waits for a connection. */
  queueDeadline: Deadline | null = null;
  /** In the queue of flights that wait for a connection. */
  previous: Http1Flight | null = null;
  next: Http1Flight | null = null;
  isListed = false;
  /** No call to the sink any more. */
  over = false;
  /** A stale pooled connection has been replaced once. */
  replaced = false;
  isBodyFree = false;
  /** Everything of the request has been handed to the socket. */
  sent: boolean;

  constructor(request: UpstreamRequest, sink: Sink, owner: FlightOwner) {
    this.request = request;
    this.sink = sink;
    this.#owner = owner;
    this.sent = request.body === null || request.body.complete;
  }

  /** The request can be sent again from the beginning. */
  get replayable(): boolean {
    const body = this.request.body;
    return body === null || (body.complete && !body.streamed);
  }

  get isOnWire(): boolean {
    return this.connection?.isOpen === true;
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    if (this.isListed) this.#owner.forget(this);
    this.connection?.destroy();
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  writeBody(buf: Buffer, start: number, end: number): boolean {
    if (this.connection?.isOpen === true) return this.connection.writeBody(buf, start, end);
    // Nothing has left yet: the bytes join the held body, and the exchange stops reading.
    this.request.body?.append(buf, start, end);
    return false;
  }

  endBody(): void {
    this.sent = true;
    if (this.connection?.isOpen === true) this.connection.endBody();
    else if (this.request.body !== null) this.request.body.complete = true;
  }

  /** Ends the flight; the worker has received nothing of the request. */
  failUnsent(kind: OutcomeKind): void {
    this.#fail(kind, 'unsent');
  }

  /** Ends the flight; the worker may have received the request. */
  fail(kind: OutcomeKind): void {
    this.#fail(kind, this.replayable ? 'sent' : 'never');
  }

  #fail(kind: OutcomeKind, retry: Retry): void {
    if (this.over) return;
    this.over = true;
    this.sink.onError(kind, retry);
  }
}
