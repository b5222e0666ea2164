/** Times between arrivals. Pure. */
import type { Rng } from '../../base/core/rng.ts';

/** Arrivals at random times. */
export interface ArrivalRate {
  /** In a second, on average. */
  readonly perSecond: number;
  /**
   * Shape of the gamma distribution of the times between arrivals: 1 is a Poisson process, less makes bursts, more evens times out. As in
   * vLLM's benchmark_serving.
   */
  readonly burstiness: number;
}

/** To the next arrival, ms. */
export function gapMs({ perSecond, burstiness }: ArrivalRate, rng: Rng): number {
  const mean = 1000 / perSecond;
  // The gamma distribution of shape 1 is the exponential one, which takes one draw.
  return burstiness === 1 ? -Math.log(1 - share(rng)) * mean : (gamma(burstiness, rng) / burstiness) * mean;
}

/** Source: Marsaglia and Tsang, A Simple Method for Generating Gamma Variables (2000). */
function gamma(shape: number, rng: Rng): number {
  if (shape < 1) return gamma(shape + 1, rng) * (1 - share(rng)) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(rng);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - share(rng)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box-Muller. */
function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - share(rng))) * Math.cos(2 * Math.PI * share(rng));
}

/** From 0 up to 1, without it. */
function share(rng: Rng): number {
  return rng.nextUint32() / 2 ** 32;
}
