/** What is measured of one run, as plain numbers. */

/** Counts times in steps of 2 %, for quantities of which there are too many to keep. */
export class TimeCounts {
  readonly #counts: Float64Array = new Float64Array(1024);
  #total = 0;

  add(ms: number): void {
    const step = Math.round(Math.log(Math.max(ms, 0.01) / 0.01) / Math.log(1.02));
    this.#counts[Math.min(step, this.#counts.length - 1)]!++;
    this.#total++;
  }

  /** The time that a share of the counted times does not exceed, ms; 0 if there are none. */
  quantile(share: number): number {
    let rest = share * this.#total;
    for (let step = 0; step < this.#counts.length; step++) {
      rest -= this.#counts[step]!;
      if (rest <= 0 && this.#total > 0) return 0.01 * 1.02 ** step;
    }
    return 0;
  }
}

/** Seconds, except for counts and shares. */
export interface RunMeasures {
  readonly requests: number;
  readonly ttftP50: number;
  readonly ttftP99: number;
  readonly ttftMean: number;
  readonly itlP50: number;
  readonly itlP99: number;
  readonly e2eP50: number;
  readonly e2eP99: number;
  /** Share of the prompt tokens that engines had in their caches. */
  readonly hits: number;
  /** Prefill time of the busiest worker by that of the mean one. */
  readonly imbalance: number;
}

export const MEASURES: readonly (keyof RunMeasures)[] = [
  'requests',
  'ttftP50',
  'ttftP99',
  'ttftMean',
  'itlP50',
  'itlP99',
  'e2eP50',
  'e2eP99',
  'hits',
  'imbalance',
];

/** The value at `share` of the sorted values; 0 if there are none. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
