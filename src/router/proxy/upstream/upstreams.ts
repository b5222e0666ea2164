/** One upstream per worker, or one for all ranks of an engine: made when the first joins and drained when the last leaves. */
import type { Clock } from '../../../base/core/clock.ts';
import type { FleetListener } from '../../../base/core/fleet.ts';
import type { Protocol, Worker, WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import type { EndOfTurn } from '../../../base/runtime/end-of-turn.ts';
import type { TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { WorkerTls } from './http1/connection.ts';
import { Http1Pool, type UpstreamSettings } from './http1/pool.ts';
import type { Upstream } from './seam.ts';

export type MakeUpstream = (worker: Worker) => Upstream;

/** Reads of this size see a whole burst of events at once; larger ones cost cache without saving calls. */
const RECEIVE_BYTES = 64 * 1024;

/** Chooses the upstream of a worker by its protocol. Throws a RangeError for a protocol without a maker. */
export function upstreamsByProtocol(makers: ReadonlyMap<Protocol, MakeUpstream>): MakeUpstream {
  return (worker) => {
    const make = makers.get(worker.protocol);
    if (make === undefined) throw new RangeError(`worker ${worker.url} speaks ${worker.protocol}: the router has no upstream for it`);
    return make(worker);
  };
}

/** Pools of HTTP/1.1 connections that share one receive buffer. `workerTls`: for workers with https URLs. */
export function http1Upstreams(
  settings: UpstreamSettings,
  clock: Clock,
  wheel: TimerWheel,
  endOfTurn: EndOfTurn,
  workerTls: WorkerTls = {},
): MakeUpstream {
  const receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  return (worker) => new Http1Pool(worker, settings, clock, wheel, receive, endOfTurn, workerTls);
}

export class Upstreams implements FleetListener {
  readonly #make: MakeUpstream;
  readonly #byIndex: (Upstream | undefined)[] = [];
  readonly #workers: (Worker | undefined)[] = [];
  /** Of workers that left, until their last request has ended. */
  readonly #leaving = new Set<Upstream>();

  constructor(make: MakeUpstream) {
    this.#make = make;
  }

  workerJoined(worker: Worker): void {
    const known = this.#workers[worker.index];
    this.#workers[worker.index] = worker;
    // Facts that change nothing about the connection (a model name) keep the pool.
    if (known !== undefined && known.url === worker.url && known.apiKey === worker.apiKey && known.protocol === worker.protocol) return;
    const left = this.#byIndex[worker.index];
    this.#byIndex[worker.index] = this.#findShared(worker) ?? this.#make(worker);
    this.#leave(left);
  }

  workerLeft(worker: Worker): void {
    const left = this.#byIndex[worker.index];
    this.#byIndex[worker.index] = undefined;
    this.#workers[worker.index] = undefined;
    this.#leave(left);
  }

  /** That of another rank of the same engine: they are one server, and its connections serve them all. */
  #findShared({ index, rank, apiKey }: Worker): Upstream | undefined {
    if (rank === null) return undefined;
    const other = this.#workers.find(
      (one) => one !== undefined && one.index !== index && one.rank?.engineUrl === rank.engineUrl && one.apiKey === apiKey,
    );
    return other === undefined ? undefined : this.#byIndex[other.index];
  }

  #leave(upstream: Upstream | undefined): void {
    if (upstream === undefined || this.#byIndex.includes(upstream)) return;
    upstream.drain();
    for (const one of this.#leaving) if (one.inUse === 0) this.#leaving.delete(one);
    if (upstream.inUse > 0) this.#leaving.add(upstream);
  }

  find(worker: WorkerIndex): Upstream | undefined {
    return this.#byIndex[worker];
  }

  /** Reads of answers of the worker so far. */
  reads(worker: WorkerIndex): number {
    return this.#byIndex[worker]?.reads ?? 0;
  }

  /** The worker hangs, with all of its ranks: its requests fail, so that they go to others. */
  giveUp(worker: WorkerIndex): void {
    this.#byIndex[worker]?.failAll('hung');
  }

  /** Reused connections to the worker that were dead; those to an engine count at its first rank. */
  staleConnections(worker: WorkerIndex): number {
    const rank = this.#workers[worker]?.rank?.number ?? 0;
    return rank === 0 ? (this.#byIndex[worker]?.staleConnections ?? 0) : 0;
  }

  /** Connections open to all workers. */
  get connections(): number {
    return sum(new Set(this.#byIndex));
  }

  /** Requests on connections to workers, or waiting for one; those of workers that have left included. */
  get inUse(): number {
    let requests = 0;
    for (const upstream of new Set([...this.#byIndex, ...this.#leaving])) requests += upstream?.inUse ?? 0;
    return requests;
  }

  /** Connections open to all workers of a type. */
  connectionsTo(type: WorkerType): number {
    return sum(new Set(this.#byIndex.filter((_, at) => this.#workers[at]?.type === type)));
  }

  drain(): void {
    for (const upstream of this.#byIndex) upstream?.drain();
  }
}

function sum(upstreams: Iterable<Upstream | undefined>): number {
  let connections = 0;
  for (const upstream of upstreams) connections += upstream?.connections ?? 0;
  return connections;
}
