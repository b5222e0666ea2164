/** Random quantities of generators, from a seeded source of chance. */
import type { Rng } from '../../base/core/rng.ts';

export class Draws {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** [0, 1). */
  share(): number {
    return this.#rng.nextUint32() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.share() < probability;
  }

  /** Whole, both ends included. */
  between(least: number, most: number): number {
    return least + this.#rng.below(most - least + 1);
  }

  /** A seed of text that no other piece has, as far as 2^32 allows. */
  seed(): number {
    return this.#rng.nextUint32();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.share());
  }

  /** Whole, at least `least` and at most `most`; half of the values are below `median`. `sigma`: of the logarithm. */
  lognormal(median: number, sigma: number, least: number, most: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.share())) * Math.cos(2 * Math.PI * this.share());
    return Math.round(Math.min(most, Math.max(least, median * Math.exp(sigma * normal))));
  }

  /** 0 .. count-1: the n-th with a probability proportional to 1 / (n+1)^exponent. */
  zipf(count: number, exponent: number): number {
    let sum = 0;
    for (let n = 1; n <= count; n++) sum += n ** -exponent;
    let rest = this.share() * sum;
    for (let n = 1; n < count; n++) {
      rest -= n ** -exponent;
      if (rest < 0) return n - 1;
    }
    return count - 1;
  }

  /** Start times of a Poisson process, ascending. */
  arrivals(perSecond: number, seconds: number): number[] {
    const times: number[] = [];
    for (let at = this.exponential(1 / perSecond); at < seconds; at += this.exponential(1 / perSecond)) times.push(at * 1000);
    return times;
  }
}
