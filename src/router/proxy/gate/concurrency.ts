/**
 * How many requests may be under way at the workers, and how many may begin in a second. Those beyond it wait in one queue, first come,
 * first served. For --max-concurrent-requests, --rate-limit-tokens-per-second, --queue-size and --queue-timeout-secs.
 */
import type { Check } from './gate.ts';
import { type AdmissionCounts, isCounted, Limiter, type LimiterClass, type LimiterParts } from './limiter.ts';
import { TokenBucket } from './token-bucket.ts';

export interface ConcurrencySettings {
  /** Requests under way at most; null: any number. */
  readonly maxRequests: number | null;
  /** Requests that may begin in a second; null: any number. */
  readonly requestsPerSecond: number | null;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
}

/** One class, with rank 0. */
const ALL = 0;

export class Concurrency {
  readonly #limiter: Limiter;
  readonly #counts: AdmissionCounts;
  #isLimited = true;

  constructor(settings: ConcurrencySettings, counts: AdmissionCounts, parts: LimiterParts) {
    const { maxRequests, requestsPerSecond } = settings;
    const bucket = requestsPerSecond === null ? null : new TokenBucket(requestsPerSecond, parts.clock.nowMs());
    this.#counts = counts;
    this.#limiter = new Limiter([classOf(settings, counts)], maxRequests ?? Number.POSITIVE_INFINITY, bucket, parts);
  }

  readonly check: Check = ({ route }) => (this.#isLimited && isCounted(route) ? this.#limiter.ticket(ALL) : null);

  /**
   * Other limits from now on; null: none, and all who wait get their turn. Requests that began while there was no limit are not counted.
   */
  configure(settings: ConcurrencySettings | null): void {
    this.#isLimited = settings !== null;
    if (settings !== null) this.#limiter.configure([classOf(settings, this.#counts)], settings.requestsPerSecond);
    else this.#limiter.configure([classOf(NO_LIMITS, this.#counts)], null);
    this.#limiter.resize(settings?.maxRequests ?? Number.POSITIVE_INFINITY, []);
  }

  /** Requests under way. */
  get inUse(): number {
    return this.#limiter.inUse(ALL);
  }

  get waiting(): number {
    return this.#limiter.waiting(ALL);
  }
}

/** For those who wait when the limits end. */
const NO_LIMITS: ConcurrencySettings = {
  maxRequests: null,
  requestsPerSecond: null,
  queueSize: Number.POSITIVE_INFINITY,
  queueTimeoutMs: Number.POSITIVE_INFINITY,
};

function classOf({ queueSize, queueTimeoutMs }: ConcurrencySettings, counts: AdmissionCounts): LimiterClass {
  return {
    queueSize,
    queueTimeoutMs,
    starvationMs: Number.POSITIVE_INFINITY,
    weight: 1,
    counts,
    full: { code: 'admission_queue_full', message: fullMessage(queueSize) },
    late: { code: 'admission_queue_timeout', message: `the request has waited for ${queueTimeoutMs / 1000} s and its turn has not come` },
  };
}

function fullMessage(queueSize: number): string {
  const busy = 'the router has as many requests as it takes';
  return queueSize === 0 ? busy : `${busy}, and ${queueSize} more wait`;
}
