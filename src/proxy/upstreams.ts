/** One upstream per worker, made when the worker joins and drained when it leaves. */
import type { Clock } from '../core/clock.ts';
import type { FleetListener } from '../core/fleet.ts';
import type { Worker, WorkerIndex, WorkerType } from '../core/worker.ts';
import type { EndOfTurn } from '../runtime/end-of-turn.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { UpstreamSettings } from './settings.ts';
import { Http1Pool } from './upstream/http1-pool.ts';
import type { Upstream } from './upstream/seam.ts';

export type MakeUpstream = (worker: Worker) => Upstream;

/** Reads of this size see a whole burst of events at once; larger ones cost cache without saving calls. */
const RECEIVE_BYTES = 64 * 1024;

/** Pools of HTTP/1.1 connections that share one receive buffer. */
export function http1Upstreams(settings: UpstreamSettings, clock: Clock, wheel: TimerWheel, endOfTurn: EndOfTurn): MakeUpstream {
  const receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  return (worker) => new Http1Pool(worker, settings, clock, wheel, receive, endOfTurn);
}

export class Upstreams implements FleetListener {
  readonly #make: MakeUpstream;
  readonly #byIndex: (Upstream | undefined)[] = [];
  readonly #workers: (Worker | undefined)[] = [];

  constructor(make: MakeUpstream) {
    this.#make = make;
  }

  workerJoined(worker: Worker): void {
    const known = this.#workers[worker.index];
    this.#workers[worker.index] = worker;
    // Facts that change nothing about the connection (a model name) keep the pool.
    if (known !== undefined && known.url === worker.url && known.apiKey === worker.apiKey) return;
    this.#byIndex[worker.index]?.drain();
    this.#byIndex[worker.index] = this.#make(worker);
  }

  workerLeft(worker: Worker): void {
    this.#byIndex[worker.index]?.drain();
    this.#byIndex[worker.index] = undefined;
    this.#workers[worker.index] = undefined;
  }

  find(worker: WorkerIndex): Upstream | undefined {
    return this.#byIndex[worker];
  }

  /** Connections open to all workers. */
  get connections(): number {
    return this.#byIndex.reduce((sum, upstream) => sum + (upstream?.connections ?? 0), 0);
  }

  /** Connections open to all workers of a type. */
  connectionsTo(type: WorkerType): number {
    return this.#workers.reduce((sum, worker, at) => sum + (worker?.type === type ? (this.#byIndex[at]?.connections ?? 0) : 0), 0);
  }

  drain(): void {
    for (const upstream of this.#byIndex) upstream?.drain();
  }
}
