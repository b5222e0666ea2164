/**
 * Whether and when a request is tried again after an attempt has failed, and which workers the next attempt avoids. One plan per
 * request, made at its first failure. A plan never speaks of a request whose answer has begun: nobody asks it then.
 *
 *   after(failure) -> { stop: why } | { afterMs, exclude }
 *
 * | the worker                                   | next attempt                                                     |
 * | never got the request (refused, queue full)  | at once, at another worker                                       |
 * | asked for patience (429, 503)                | at once, at another worker: one round, then its answer goes out  |
 * | answered 500                                 | after a pause; 500 from a second worker is the request's fault   |
 * | answered another retryable status            | after a pause                                                    |
 * | was lost, hangs, or sent no HTTP             | after a pause, at another worker; no third one after two losses  |
 */
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex, WorkerType } from '../../../base/core/worker.ts';
import type { Retry } from '../upstream/seam.ts';
import type { RetryBudget } from './retry-budget.ts';

export interface RetrySettings {
  /** Attempts (or pairs) of one request at most, the first included. At least 1. */
  readonly maxAttempts: number;
  /** Also a request that a worker may have received is sent again; otherwise only one that never left. */
  readonly repeatsSent: boolean;
  /** Statuses of workers after which a request may be sent again. */
  readonly statuses: ReadonlySet<number>;
  /** Pause after the n-th failure (from 1), ms. */
  backoffMs(failures: number): number;
}

export interface AttemptFailure {
  readonly kind: OutcomeKind;
  /** What the worker answered, also in the first event of a stream; 0: nothing. */
  readonly status: number;
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
  /** Only a worker that has not failed it may get it. Otherwise the failed one is better than none. */
  readonly needsOther: boolean;
}

/**
 * unrepeatable: it cannot be sent again, or every worker would answer the same. attempts: as many as allowed. budget: the retries of all
 * requests are used up. blamed: two workers answered 500. poison: two workers were lost while they had it.
 */
export type StopReason = 'unrepeatable' | 'attempts' | 'budget' | 'blamed' | 'poison';

export interface Stop {
  readonly stop: StopReason;
}

/** What a plan asks of the router around it. */
export interface RetryWorld {
  readonly budget: RetryBudget;
  nowMs(): number;
  /** The worker takes no requests: it is away, leaving or new. */
  isAway(worker: WorkerIndex): boolean;
  /** It broke a connection, and whether it is gone is being found out. */
  isInDoubt(worker: WorkerIndex): boolean;
}

/**
 * A request can kill its engine: SGLang 0.5.23 dies of a token id that its model does not have. It hangs for 5 s, then the process is
 * gone. An engine that is lost this long after it got the request may have died of it, also if nobody has found it away yet.
 */
const SLOW_DEATH_MS = 1000;
/** A dead process refuses a probe within milliseconds. A request waits no longer than this for a probe that is slow. */
const MAX_VERDICT_MS = 1000;
const VERDICT_LOOK_MS = 10;

const NOBODY: readonly WorkerIndex[] = [];

export class RetryPlan {
  readonly #settings: RetrySettings;
  readonly #world: RetryWorld;
  readonly #failed: Partial<Record<WorkerType, readonly WorkerIndex[]>> = {};
  /** Workers that were lost with the request, and whether late. */
  readonly #lost: { readonly worker: WorkerIndex; readonly isSlow: boolean; readonly atMs: number }[] = [];
  /** Workers that answered 500. */
  readonly accused: WorkerIndex[] = [];
  /** The last failure does not speak against its worker: the request is to blame, or the worker has been blamed for it already. */
  isBlameless = false;
  /** Why the request is not tried again. */
  stopped: StopReason | null = null;
  #failures = 0;

  constructor(settings: RetrySettings, world: RetryWorld) {
    this.#settings = settings;
    this.#world = world;
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
  after(failure: AttemptFailure): Stop | Again {
    const { worker, type, retry, status } = failure;
    this.#failures++;
    this.avoid(type, worker);
    const isRepeated = status === 500 && this.accused.includes(worker);
    this.stopped = this.#stop(failure);
    this.isBlameless = isRepeated || this.stopped === 'blamed';
    if (this.stopped !== null) return { stop: this.stopped };
    const isAtOnce = retry === 'unsent' || status === 429 || status === 503;
    const afterMs = isAtOnce ? 0 : this.#settings.backoffMs(this.#failures);
    return { afterMs, exclude: this.failed(type), needsOther: isAtOnce || status === 0 };
  }

  /**
   * Milliseconds to wait before the next attempt, and then to ask again; 0: none. Whether the workers that were lost have died decides
   * whether the request may go on after a further loss, so this must be known before the next attempt.
   */
  get verdictMs(): number {
    const oldestMs = this.#world.nowMs() - MAX_VERDICT_MS;
    return this.#lost.some(({ worker, atMs }) => atMs > oldestMs && this.#world.isInDoubt(worker)) ? VERDICT_LOOK_MS : 0;
  }

  #stop({ kind, status, retry, afterMs, worker }: AttemptFailure): StopReason | null {
    const { maxAttempts, statuses, repeatsSent } = this.#settings;
    if (status === 500 && !this.accused.includes(worker)) this.accused.push(worker);
    if (this.accused.length >= 2) return 'blamed';
    if (kind === 'reset' || kind === 'cut' || (kind === 'hung' && retry !== 'unsent')) {
      const deaths = this.#lost.filter((one) => one.isSlow || this.#world.isAway(one.worker)).length;
      this.#lost.push({ worker, isSlow: afterMs >= SLOW_DEATH_MS || kind === 'hung', atMs: this.#world.nowMs() });
      if (deaths > 0) return 'poison';
    }
    if (retry === 'never' || (status > 0 && !statuses.has(status))) return 'unrepeatable';
    if (retry === 'sent' && !repeatsSent) return 'attempts';
    if (this.#failures >= maxAttempts) return 'attempts';
    // A worker that hangs is lost once, with all of its requests: moving them multiplies nothing.
    if (retry === 'unsent' || kind === 'hung') return null;
    return this.#world.budget.takeRetry(this.#world.nowMs()) ? null : 'budget';
  }
}

/** `min(initial * multiplier^(n - 1), max)` with up to `jitter` of it more or less. Source: sglang_router 0.3.2. `chance`: [0, 1). */
export function backoff(
  { initialMs, maxMs, multiplier, jitter }: { initialMs: number; maxMs: number; multiplier: number; jitter: number },
  chance: () => number,
): (failures: number) => number {
  return (failures) => {
    const plainMs = Math.min(initialMs * multiplier ** (failures - 1), maxMs);
    return plainMs * (1 + jitter * (2 * chance() - 1));
  };
}
