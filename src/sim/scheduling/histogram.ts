/** A cumulative histogram with fixed bounds, as Prometheus counts. */
export class Histogram {
  readonly bounds: readonly number[];
  /** Observations per bucket, the last one beyond all bounds. */
  readonly counts: number[];
  sum = 0;
  total = 0;

  /** `bounds`: upper bounds, ascending. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
    this.total++;
  }
}
