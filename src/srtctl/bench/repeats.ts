/** Points that are measured several times, and how much their results differ. Pure. */
import type { PointResult } from './point-result.ts';
import type { BenchPoint, Workload } from './workload.ts';

/** Each point `times` times, one after the other; the prompts of every measurement are its own. */
export function repeated(workload: Workload, times: number): Workload {
  const points = workload.points.flatMap((point): BenchPoint[] => Array.from({ length: times }, () => point));
  return { ...workload, points };
}

/** Figures by which results are compared. */
export const COMPARED = [
  'output_throughput',
  'request_throughput',
  'mean_ttft_ms',
  'p99_ttft_ms',
  'mean_tpot_ms',
  'p99_tpot_ms',
  'mean_itl_ms',
  'p99_itl_ms',
  'mean_e2el_ms',
  'p99_e2el_ms',
] as const;
export type Compared = (typeof COMPARED)[number];

/** Of the repeats of one point. */
export interface Spread {
  readonly mean: number;
  /** Of a sample (n - 1); null for a single measurement. */
  readonly std: number | null;
  readonly min: number;
  readonly max: number;
}

export interface PointSpread {
  readonly point: string;
  readonly runs: number;
  /** Without figures that were not measured. */
  readonly figures: Readonly<Partial<Record<Compared, Spread>>>;
}

type Figures = Pick<PointResult, 'point' | Compared>;

/** In the order of the points. */
export function spreads(results: readonly Figures[]): PointSpread[] {
  const points = [...new Set(results.map(({ point }) => point))];
  return points.map((point) => {
    const runs = results.filter((one) => one.point === point);
    const figures = COMPARED.flatMap((name): [Compared, Spread][] => {
      const values = runs.map((run) => run[name]).filter((value) => value !== null);
      return values.length === 0 ? [] : [[name, spreadOf(values)]];
    });
    return { point, runs: runs.length, figures: Object.fromEntries(figures) };
  });
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const std = values.length < 2 ? null : Math.sqrt(squares / (values.length - 1));
  return { mean, std, min: Math.min(...values), max: Math.max(...values) };
}
