/**
 * Whether and when a request is tried again after an attempt has failed, and which workers the next attempt avoids. One plan per
 * request, made at its first failure. A plan never speaks of a request whose answer has begun: nobody asks it then.
 *
 *   after(failure) -> 'stop' | { afterMs, exclude }
 */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import type { Retry } from '../upstream/seam.ts';

export interface RetrySettings {
  /** Attempts (or pairs) of one request at most, the first included. */
  readonly maxAttempts: number;
  /** A request that a worker may have received is sent again, not only one that never left. */
  readonly repeatsSent: boolean;
  /** Pause after the n-th failure (from 1) of a request that a worker may have received, ms; one that never left is sent at once. */
  backoffMs(failures: number): number;
}

export interface AttemptFailure {
  readonly kind: OutcomeKind;
  /** Set where the failure was found. */
  readonly retry: Retry;
  /** Since the request was sent to the worker, ms. */
  readonly afterMs: number;
  readonly worker: WorkerIndex;
  readonly type: WorkerType;
}

export interface Again {
  readonly afterMs: number;
  /** Workers of the failed one's type that have failed this request, in order. */
  readonly exclude: readonly WorkerIndex[];
}

/**
 * A request can kill its engine: SGLang 0.5.23 dies of a token id that its model does not have. It hangs for 5 s, then the process is
 * gone. An engine that dies this long after it got the request may have died of it; one more is all that is risked.
 */
const SLOW_DEATH_MS = 1000;
const MAX_SLOW_DEATHS = 2;

const NOBODY: readonly WorkerIndex[] = [];

export class RetryPlan {
  readonly #settings: RetrySettings;
  readonly #failed: Partial<Record<WorkerType, readonly WorkerIndex[]>> = {};
  #failures = 0;
  #slowDeaths = 0;

  constructor(settings: RetrySettings) {
    this.#settings = settings;
  }

  /** Workers of a type that have failed this request, in order. */
  failed(type: WorkerType): readonly WorkerIndex[] {
    return this.#failed[type] ?? NOBODY;
  }

  /** Avoids a worker that has not failed itself: the other half of a pair. */
  avoid(type: WorkerType, worker: WorkerIndex): void {
    this.#failed[type] = [...this.failed(type), worker];
  }

  /** Call once for each attempt that failed. Whether another worker exists is for the caller to see. */
  after({ kind, retry, afterMs, worker, type }: AttemptFailure): 'stop' | Again {
    const { maxAttempts, repeatsSent } = this.#settings;
    this.#failures++;
    if ((kind === 'reset' || kind === 'cut') && afterMs >= SLOW_DEATH_MS) this.#slowDeaths++;
    this.avoid(type, worker);
    const mayRepeat = retry === 'unsent' || (retry === 'sent' && repeatsSent);
    if (!mayRepeat || this.#failures >= maxAttempts || this.#slowDeaths >= MAX_SLOW_DEATHS) return 'stop';
    return { afterMs: retry === 'unsent' ? 0 : this.#settings.backoffMs(this.#failures), exclude: this.failed(type) };
  }
}
