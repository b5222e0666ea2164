/**
 * Workers that were removed and still finish requests.
 *
 *   removed ──► draining: `n` in flight ── the last one ended, and `settleMs` have passed ──► drained: nothing is known of it any more
 */
import type { Clock } from '../../../base/core/clock.ts';
import type { LoadTable } from '../../../base/core/load.ts';
import type { Logger } from '../../../base/core/logger.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { JobStatus } from './registration-jobs.ts';
import { MAX_WORKERS } from './worker-limit.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';

export class Drain {
  readonly record: WorkerRecord;
  readonly sinceMs: number;
  readonly #wallMs: number;
  readonly #load: LoadTable;
  /** The index may belong to another worker by now. */
  #isIdle = false;

  constructor(record: WorkerRecord, load: LoadTable, clock: Clock) {
    this.record = record;
    this.sinceMs = clock.nowMs();
    this.#wallMs = clock.wallMs();
    this.#load = load;
  }

  /** Requests in flight, all ranks together. */
  get inflight(): number {
    if (this.#isIdle) return 0;
    const inflight = this.record.ranks.reduce((sum, { index }) => sum + (this.#load.inflight[index] ?? 0), 0);
    this.#isIdle = inflight === 0;
    return inflight;
  }

  has(worker: WorkerIndex): boolean {
    return !this.#isIdle && this.record.ranks.some(({ index }) => index === worker);
  }

  get status(): JobStatus {
    const { inflight } = this;
    const message = inflight === 1 ? '1 request in flight' : `${inflight} requests in flight`;
    const timestamp = Math.floor(this.#wallMs / 1000);
    return { job_type: 'RemoveWorker', worker_url: this.record.worker.url, status: 'processing', message, timestamp };
  }
}

export class Drains implements WorkerObserver {
  /** How long a worker that has served stays draining at least. */
  settleMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #load: LoadTable;
  /** In the order of removal. */
  readonly #drains = new Set<Drain>();

  constructor(clock: Clock, logger: Logger, load: LoadTable, settleMs: number) {
    this.#clock = clock;
    this.#logger = logger;
    this.#load = load;
    this.settleMs = settleMs;
  }

  list(): readonly Drain[] {
    return [...this.#drains];
  }

  /** `idOrUrl`: of the worker or of one of its ranks; of several with one URL the one that was removed last. */
  find(idOrUrl: string): Drain | null {
    const isNamed = ({ id, url }: { readonly id: string; readonly url: string }): boolean => id === idOrUrl || url === idOrUrl;
    return [...this.#drains].findLast(({ record }) => isNamed(record.worker) || record.ranks.some(isNamed)) ?? null;
  }

  workerRemoved(record: WorkerRecord): void {
    const drain = new Drain(record, this.#load, this.#clock);
    const hasServed = record.ranks.some(({ index }) => (this.#load.processed[index] ?? 0) > 0);
    const settleMs = hasServed && this.#drains.size < MAX_WORKERS ? this.settleMs : 0;
    if (drain.inflight === 0 && settleMs === 0) return;
    this.#drains.add(drain);
    if (settleMs > 0) this.#clock.after(settleMs, () => this.#check(drain));
  }

  /** An attempt at a worker that has been removed ended. */
  strayEnded(worker: WorkerIndex): void {
    for (const drain of this.#drains) if (drain.has(worker)) this.#check(drain);
  }

  #check(drain: Drain): void {
    const passedMs = this.#clock.nowMs() - drain.sinceMs;
    if (drain.inflight > 0 || passedMs < this.settleMs || !this.#drains.delete(drain)) return;
    const { url, id } = drain.record.worker;
    this.#logger.info({ worker: url, id, seconds: Math.round(passedMs) / 1000 }, 'worker drained');
  }
}
