/** What the hot path increments: numbers in objects of one shape. They know no name and no label; families.ts does. */

/** Only grows; starts at 0 with the process. */
export class Counter {
  value = 0;
}

/** Goes up and down. */
export class Gauge {
  value = 0;
}

/**
 * Counts of observations per bucket, not cumulative (the exposition adds them up).
 *
 *   bounds   b0   b1   b2          ascending, a bound belongs to its own bucket (value <= bound)
 *   counts [ c0 | c1 | c2 | rest ] one longer than bounds
 */
export class Histogram {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  sum = 0;

  /** `bounds`: upper bounds in the unit of what is observed, ascending, at least one. */
  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    this.observeMany(seconds, 1);
  }

  /** Counts `times` observations of the same value; what came together in one read has one time. */
  observeMany(seconds: number, times: number): void {
    const { bounds, counts } = this;
    const last = bounds.length;
    let bucket = 0;
    while (bucket < last && seconds > bounds[bucket]!) bucket++;
    counts[bucket]! += times;
    this.sum += seconds * times;
  }
}
