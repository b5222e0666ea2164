/**
 * How many requests may be under way at the workers, and how many may begin in a second. Those beyond it wait in one queue, first come,
 * first served. For --max-concurrent-requests, --rate-limit-tokens-per-second, --queue-size and --queue-timeout-secs.
 */
import type { Check } from './gate.ts';
import { type AdmissionCounts, isCounted, Limiter, type LimiterParts } from './limiter.ts';
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

  constructor(
    { maxRequests, requestsPerSecond, queueSize, queueTimeoutMs }: ConcurrencySettings,
    counts: AdmissionCounts,
    parts: LimiterParts,
  ) {
    const bucket = requestsPerSecond === null ? null : new TokenBucket(requestsPerSecond, parts.clock.nowMs());
    const all = {
      queueSize,
      queueTimeoutMs,
      starvationMs: Number.POSITIVE_INFINITY,
      weight: 1,
      counts,
      full: { code: 'admission_queue_full', message: fullMessage(queueSize) },
      late: { code: 'admission_queue_timeout', message: `the request has waited for ${queueTimeoutMs / 1000} s and its turn has not come` },
    } as const;
    this.#limiter = new Limiter([all], maxRequests ?? Number.POSITIVE_INFINITY, bucket, parts);
  }

  readonly check: Check = ({ route }) => (isCounted(route) ? this.#limiter.ticket(ALL) : null);

  /** Requests under way. */
  get inUse(): number {
    return this.#limiter.inUse(ALL);
  }

  get waiting(): number {
    return this.#limiter.waiting(ALL);
  }
}

function fullMessage(queueSize: number): string {
  const busy = 'the router has as many requests as it takes';
  return queueSize === 0 ? busy : `${busy}, and ${queueSize} more wait`;
}
