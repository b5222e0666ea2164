/**
 * Warns while no worker can take requests, with what is known of each: after 5 s, and then at pauses that double up to 5 minutes.
 * Workers at a bound of their load do not count as missing (FleetLog reports them).
 *
 *   SERVED --no worker of a type is well at a look--> UNSERVED --5, 10, 20 ... 300 s over--> warning
 *      ^-----------------one is well at a look-----------'
 */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { Logger } from '../../../base/core/logger.ts';
import type { WorkerType } from '../../../base/core/worker.ts';
import { isLastResort, isWell } from './eligibility.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';
import type { WorkerEvent } from './worker-state.ts';

/** Between looks, and before the first warning. */
const LOOK_MS = 5000;
const MAX_PAUSE_MS = 300_000;
/** Workers in one warning. */
const MAX_SHOWN = 10;

interface NoWorkerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isPaired: boolean;
}

export class NoWorkerWatch implements WorkerObserver {
  readonly #parts: NoWorkerParts;
  /** What the last probe of each registered worker saw. */
  readonly #seen = new Map<string, { readonly record: WorkerRecord; readonly detail: string | null }>();
  #timer: TimerHandle | null = null;
  /** When the next warning is due; null: served. */
  #dueMs: number | null = null;
  #pauseMs = LOOK_MS;

  constructor(parts: NoWorkerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#dueMs = this.#parts.clock.nowMs() + LOOK_MS;
    this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  workerAdded(record: WorkerRecord): void {
    this.#seen.set(record.worker.id, { record, detail: null });
  }

  workerRemoved({ worker }: WorkerRecord): void {
    this.#seen.delete(worker.id);
  }

  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    const hasPassed = event === 'probe-passed' || event === 'health-passed' || event === 'unchecked';
    this.#seen.set(record.worker.id, { record, detail: hasPassed ? null : detail });
  }

  #lookLater(): void {
    this.#timer = this.#parts.clock.after(LOOK_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const { clock, logger } = this.#parts;
    const missing = this.#missing();
    if (missing.length === 0) {
      this.#dueMs = null;
      this.#pauseMs = LOOK_MS;
      return;
    }
    const now = clock.nowMs();
    this.#dueMs ??= now + LOOK_MS;
    if (now < this.#dueMs) return;
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    this.#dueMs = now + this.#pauseMs;
    const all = [...this.#seen.values()].filter(({ record }) => missing.includes(record.worker.type));
    const workers = all.slice(0, MAX_SHOWN).map(({ record: { worker, state }, detail }) => ({
      worker: worker.url,
      phase: state.phase,
      ...(detail === null ? {} : { detail }),
    }));
    const more = all.length - workers.length;
    logger.warn({ type: missing.join(', '), workers, ...(more === 0 ? {} : { more }) }, 'no worker can take requests: clients get 503');
  }

  /** Types of which a request needs a worker, and none would get it. */
  #missing(): readonly WorkerType[] {
    const needed: readonly WorkerType[] = this.#parts.isPaired ? ['prefill', 'decode'] : ['regular'];
    const records = [...this.#seen.values()].map(({ record }) => record);
    return needed.filter((type) => !records.some((record) => record.worker.type === type && (isWell(record) || isLastResort(record))));
  }
}
