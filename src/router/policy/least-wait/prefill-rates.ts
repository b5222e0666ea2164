/**
 * How long a worker takes to prefill, learned from its first tokens: a time per request and a time per byte that it has to compute.
 *
 *   observation: a time in which the worker had prefill to do, the requests and the bytes that it finished in it
 *   milliseconds = requests x base + bytes x slope          least squares; what is older counts less
 *
 * A worker about which little is known is taken for one like the others.
 */
import type { WorkerIndex } from '../../../base/core/worker.ts';

/** Weight of an observation after each later one of the same worker. */
const FADE = 0.97;
/** The others count for a worker as this many observations of it. */
const PEERS = 4;
/** What is assumed before anything is known: about 10,000 tokens of four bytes per second. */
const FIRST_BASE_MS = 10;
const FIRST_SLOPE_MS = 0.025;
const FIRST_BYTES = 16_384;
const LEAST_SLOPE_MS = 1e-7;
const MOST_MS = 3_600_000;
/** A base below 0 takes no more than this share of the mean request, and leaves this share of any. */
const MOST_OFFSET = 0.8;
const LEAST_SHARE = 0.2;
/** Longer means are as good as infinite for sums of squares. */
const MOST_BYTES = 2 ** 30;
/** A large group of requests is not worth more than this many. */
const MOST_WEIGHT = 8;

class Sums {
  weight = 0;
  x = 0;
  y = 0;
  xx = 0;
  xy = 0;

  fade(): void {
    this.weight *= FADE;
    this.x *= FADE;
    this.y *= FADE;
    this.xx *= FADE;
    this.xy *= FADE;
  }

  add(weight: number, x: number, y: number): void {
    this.weight += weight;
    this.x += weight * x;
    this.y += weight * y;
    this.xx += weight * x * x;
    this.xy += weight * x * y;
  }
}

export interface PrefillRate {
  /** Milliseconds of a request, whatever its length. Below 0 where less is computed than predicted, as answers are cached too. */
  readonly baseMs: number;
  /** Milliseconds of a byte. */
  readonly slopeMs: number;
}

export class PrefillRates {
  readonly #fleet = new Sums();
  readonly #sums: (Sums | undefined)[] = [];
  readonly #rates: (PrefillRate | undefined)[] = [];
  #mean: PrefillRate = { baseMs: FIRST_BASE_MS, slopeMs: FIRST_SLOPE_MS };

  constructor() {
    // Two points of the assumption: they fix the slope until real ones do.
    this.#fleet.add(0.5, 0, FIRST_BASE_MS);
    this.#fleet.add(0.5, FIRST_BYTES, FIRST_BASE_MS + FIRST_BYTES * FIRST_SLOPE_MS);
  }

  join(worker: WorkerIndex): void {
    this.#sums[worker] = new Sums();
    this.#rates[worker] = undefined;
  }

  leave(worker: WorkerIndex): void {
    this.#sums[worker] = undefined;
    this.#rates[worker] = undefined;
  }

  of(worker: WorkerIndex): PrefillRate {
    return this.#rates[worker] ?? this.#mean;
  }

  /** Milliseconds that `worker` needs for a request of which it has to compute `bytes`. */
  ms(worker: WorkerIndex, bytes: number): number {
    const { baseMs, slopeMs } = this.of(worker);
    return Math.max(LEAST_SHARE * bytes * slopeMs, baseMs + bytes * slopeMs);
  }

  /**
   * Milliseconds that `worker` needs more for `bytes` than a worker of the mean, to a factor of two: the same for workers that are about
   * equal, whatever was observed of them last.
   */
  delayMs(worker: WorkerIndex, bytes: number): number {
    const steps = Math.round(Math.log2(this.of(worker).slopeMs / this.#mean.slopeMs));
    return steps === 0 ? 0 : (2 ** steps - 1) * bytes * this.#mean.slopeMs;
  }

  /** `worker` finished `requests` with `bytes` to compute in `ms`. */
  observe(worker: WorkerIndex, requests: number, bytes: number, ms: number): void {
    const own = this.#sums[worker];
    if (own === undefined || !Number.isFinite(requests) || !(requests > 0) || !(ms >= 0) || !(bytes >= 0)) return;
    const weight = Math.min(requests, MOST_WEIGHT);
    const x = Math.min(bytes / requests, MOST_BYTES);
    const y = Math.min(ms / requests, MOST_MS);
    own.fade();
    own.add(weight, x, y);
    this.#fleet.fade();
    this.#fleet.add(weight, x, y);
    this.#mean = rateOf(this.#fleet, null);
    this.#rates[worker] = rateOf(own, this.#fleet);
  }
}

/** `peers`: count as PEERS observations more. */
function rateOf(own: Sums, peers: Sums | null): PrefillRate {
  const share = peers === null ? 0 : PEERS / peers.weight;
  const weight = own.weight + share * (peers?.weight ?? 0);
  const x = own.x + share * (peers?.x ?? 0);
  const y = own.y + share * (peers?.y ?? 0);
  const xx = own.xx + share * (peers?.xx ?? 0);
  const xy = own.xy + share * (peers?.xy ?? 0);
  const spread = weight * xx - x * x;
  const slopeMs = spread > 0 ? (weight * xy - x * y) / spread : 0;
  const baseMs = (y - slopeMs * x) / weight;
  if (slopeMs > LEAST_SLOPE_MS && baseMs >= -MOST_OFFSET * slopeMs * (x / weight)) return { baseMs, slopeMs };
  // Observations that no sensible line fits: all time is due to bytes.
  return { baseMs: 0, slopeMs: Math.max(LEAST_SLOPE_MS, x > 0 ? y / x : 0) };
}
