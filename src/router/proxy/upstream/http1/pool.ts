/**
 * The connections to one worker. The pool reuses idle ones, last in first out; beyond the limit requests wait in a bounded queue with a
 * deadline.
 *
 *   send: idle connection? -> start     room? -> connect     queue not full? -> wait     else fail
 */

import type { Clock } from '../../../../base/core/clock.ts';
import { LinkedList } from '../../../../base/core/linked-list.ts';
import type { OutcomeKind } from '../../../../base/core/outcome.ts';
import type { Worker } from '../../../../base/core/worker.ts';
import type { EndOfTurn } from '../../../../base/runtime/end-of-turn.ts';
import { Deadline, type TimerWheel } from '../../../../base/runtime/timer-wheel.ts';
import { ResponseHeadMemo } from '../../../../wire/http1/response-head-memo.ts';
import type { Flight, Sink, Upstream, UpstreamRequest } from '../seam.ts';
import { type ConnectionOwner, Http1Connection, type Http1Target, type WorkerTls } from './connection.ts';
import { type FlightOwner, Http1Flight } from './flight.ts';
import { OwnAddress } from './own-address.ts';

export interface UpstreamSettings {
  readonly connectTimeoutMs: number;
  /** Idle pooled connections are closed after this, or half a second before the worker's own `Keep-Alive: timeout` ends. */
  readonly keepAliveMs: number;
  readonly maxConnections: number;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
}

/** How often the pool closes connections that have idled too long. */
const SWEEP_MS = 500;
/** A connection that was dead when it was used fails within a round trip; one that fails later may have carried the request. */
const STALE_WITHIN_MS = 500;

export class Http1Pool implements Upstream, ConnectionOwner, FlightOwner {
  readonly #target: Http1Target;
  readonly #settings: UpstreamSettings;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #receive: Buffer;
  readonly #heads: ResponseHeadMemo;
  readonly #endOfTurn: EndOfTurn;
  /** Oldest first. */
  readonly #idle: Http1Connection[] = [];
  readonly #queue = new LinkedList<Http1Flight>();
  readonly #sweep: Deadline;
  staleConnections = 0;
  reads = 0;
  readonly #connections = new LinkedList<Http1Connection>();
  #draining = false;

  constructor(
    worker: Worker,
    settings: UpstreamSettings,
    clock: Clock,
    wheel: TimerWheel,
    receive: Buffer,
    endOfTurn: EndOfTurn,
    workerTls: WorkerTls,
  ) {
    this.#endOfTurn = endOfTurn;
    const own = new OwnAddress(worker);
    this.#heads = new ResponseHeadMemo((fields) => own.hide(fields));
    const key = worker.apiKey === null ? '' : `authorization: Bearer ${worker.apiKey}\r\n`;
    this.#target = {
      host: worker.host,
      port: worker.port,
      tls: worker.scheme === 'https' ? workerTls : null,
      basePath: worker.basePath,
      fixedFields: `host: ${worker.authority}\r\n${key}`,
      replacesAuthorization: worker.apiKey !== null,
      times: settings,
    };
    this.#settings = settings;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#receive = receive;
    this.#sweep = new Deadline(() => this.#closeExpired());
  }

  get connections(): number {
    return this.#connections.size;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get inUse(): number {
    return this.#connections.size - this.#idle.length + this.#queue.size;
  }

  send(request: UpstreamRequest, sink: Sink): Flight {
    const flight = new Http1Flight(request, sink, this);
    this.#dispatch(flight);
    return flight;
  }

  drain(): void {
    this.#draining = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#wheel.cancel(this.#sweep);
  }

  failAll(kind: OutcomeKind): void {
    // First those that wait: a connection that closes would send the next of them.
    for (const flight of this.#queue.list()) {
      this.forget(flight);
      flight.failUnsent(kind);
    }
    for (const connection of this.#connections.list()) connection.fail(kind);
  }

  connectionIdle(connection: Http1Connection): void {
    if (this.#queue.size > 0) {
      this.#serveQueue(connection);
      return;
    }
    if (this.#draining) {
      connection.destroy();
      return;
    }
    connection.times.idleSinceMs = this.#clock.nowMs();
    this.#idle.push(connection);
    if (!this.#sweep.armed) this.#wheel.arm(this.#sweep, SWEEP_MS);
  }

  #serveQueue(connection: Http1Connection): void {
    const next = this.#queue.first;
    // A request that cannot be sent again gets a fresh connection: closing this one makes room, and the first in the queue takes it.
    if (next === null || !next.replayable) {
      connection.destroy();
      return;
    }
    this.forget(next);
    connection.times.reusedAtMs = this.#clock.nowMs();
    connection.start(next);
  }

  connectionClosed(connection: Http1Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const next = this.#queue.first;
    if (next === null || this.#connections.size >= this.#settings.maxConnections) return;
    this.forget(next);
    this.#connect(next);
  }

  replaceStale(flight: Http1Flight, connection: Http1Connection): boolean {
    if (this.#clock.nowMs() - connection.times.reusedAtMs > STALE_WITHIN_MS) return false;
    flight.replaced = true;
    this.staleConnections++;
    // The other idle connections are as old as the one that died.
    this.#connect(flight);
    return true;
  }

  forget(flight: Http1Flight): void {
    if (!this.#queue.delete(flight)) return;
    if (flight.queueDeadline !== null) this.#wheel.cancel(flight.queueDeadline);
  }

  #queueDeadlinePassed(flight: Http1Flight): void {
    this.forget(flight);
    flight.failUnsent('queue-timeout');
  }

  #dispatch(flight: Http1Flight): void {
    // A request that cannot be sent again must not meet a connection that is already dead.
    const connection = flight.replayable ? this.#takeIdle() : null;
    if (connection !== null) {
      connection.start(flight);
      return;
    }
    if (this.#connections.size >= this.#settings.maxConnections) this.#idle.shift()?.destroy();
    if (this.#connections.size < this.#settings.maxConnections) {
      this.#connect(flight);
      return;
    }
    if (this.#queue.size >= this.#settings.queueSize) {
      flight.failUnsent('queue-full');
      return;
    }
    this.#queue.add(flight);
    flight.queueDeadline = new Deadline(() => this.#queueDeadlinePassed(flight));
    this.#wheel.arm(flight.queueDeadline, this.#settings.queueTimeoutMs);
  }

  #connect(flight: Http1Flight): void {
    const connection = new Http1Connection(this.#target, this, this.#wheel, this.#receive, this.#heads, this.#endOfTurn);
    this.#connections.add(connection);
    connection.start(flight);
  }

  #takeIdle(): Http1Connection | null {
    const now = this.#clock.nowMs();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.usable && !connection.times.isOver(now)) {
        connection.times.reusedAtMs = now;
        return connection;
      }
      connection.destroy();
    }
  }

  #closeExpired(): void {
    const now = this.#clock.nowMs();
    const expired = this.#idle.filter((connection) => connection.times.isOver(now));
    for (const connection of expired) connection.destroy();
    if (this.#idle.length > 0) this.#wheel.arm(this.#sweep, SWEEP_MS);
  }
}
