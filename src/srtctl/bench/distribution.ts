/** Mean, deviation and percentiles of many numbers. Pure. */

export interface Distribution {
  readonly mean: number;
  readonly median: number;
  /** Of the population, as numpy's `std`. */
  readonly std: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
}

/** Null for no values. Takes them in any order. */
export function distributionOf(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (const value of sorted) sum += value;
  const mean = sum / sorted.length;
  let squares = 0;
  for (const value of sorted) squares += (value - mean) ** 2;
  return {
    mean,
    median: percentile(sorted, 50),
    std: Math.sqrt(squares / sorted.length),
    p50: percentile(sorted, 50),
    p75: percentile(sorted, 75),
    p90: percentile(sorted, 90),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
    p99_9: percentile(sorted, 99.9),
  };
}

/** Between the two values next to it in proportion, as numpy's default. `sorted` is ascending and not empty; `percent` is 0 to 100. */
function percentile(sorted: Float64Array, percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}
