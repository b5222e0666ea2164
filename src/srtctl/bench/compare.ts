/** What differs between two sets of results, against their spread, and whether they may be compared at all. Pure. */
import type { PointResult } from './point-result.ts';
import { COMPARED, type Compared, type PointSpread, spreads } from './repeats.ts';

/** Means further apart than so many deviations, with ranges that do not touch, differ. */
const DEVIATIONS = 2;

/** What was asked of a point: where it differs, two results are of different things. */
const ASKED = [
  ...(['backend', 'model_id', 'random_input_len', 'random_output_len', 'random_range_ratio', 'prefix_ratio'] as const),
  ...(['request_rate', 'burstiness', 'num_prompts'] as const),
] as const;

export interface Difference {
  readonly point: string;
  readonly figure: Compared;
  readonly a: number;
  readonly b: number;
  /** Of b against a; null: a is 0. */
  readonly share: number | null;
  /** Distance of the means in deviations; null: at least one side was measured once, so nobody knows. */
  readonly deviations: number | null;
  readonly verdict: 'differs' | 'within the spread' | 'spread unknown';
}

export interface Comparison {
  /** Why the two may not be compared; empty: they may. */
  readonly obstacles: readonly string[];
  /** What else was not the same: versions, hardware, flags. */
  readonly circumstances: readonly string[];
  readonly differences: readonly Difference[];
}

export function compare(a: readonly PointResult[], b: readonly PointResult[]): Comparison {
  const points = [...new Set(a.map(({ point }) => point))].filter((point) => b.some((one) => one.point === point));
  const obstacles = points.length === 0 ? ['they have no point in common'] : [];
  for (const [name, own, other] of [
    ['A', a, b],
    ['B', b, a],
  ] as const) {
    const alone = [...new Set(own.map(({ point }) => point))].filter((point) => !other.some((one) => one.point === point));
    if (alone.length > 0 && points.length > 0) obstacles.push(`only ${name} has ${alone.join(', ')}`);
  }
  for (const point of points) obstacles.push(...obstaclesAt(point, a, b));
  const inA = spreads(a);
  const inB = spreads(b);
  const differences = points.flatMap((point) =>
    COMPARED.flatMap((figure) => differenceOf(figure, inA.find((one) => one.point === point)!, inB.find((one) => one.point === point)!)),
  );
  return { obstacles: [...new Set(obstacles)], circumstances: circumstancesOf(a[0], b[0]), differences };
}

function obstaclesAt(point: string, a: readonly PointResult[], b: readonly PointResult[]): string[] {
  const [first, second] = [a, b].map((results) => results.filter((one) => one.point === point)) as [PointResult[], PointResult[]];
  const asked = ASKED.filter((key) => first[0]?.[key] !== second[0]?.[key]).map(
    (key) => `${key} of ${point}: ${shown(first[0]?.[key])} and ${shown(second[0]?.[key])}`,
  );
  const unfit = (['A', 'B'] as const).flatMap((name, index) =>
    (index === 0 ? first : second)
      .filter(({ verdict }) => verdict === 'failed' || verdict === 'partial')
      .map(({ verdict }) => `${point} of ${name} is ${verdict}`),
  );
  return [...asked, ...unfit];
}

function differenceOf(figure: Compared, a: PointSpread, b: PointSpread): Difference[] {
  const own = a.figures[figure];
  const other = b.figures[figure];
  if (own === undefined || other === undefined) return [];
  const distance = other.mean - own.mean;
  const common = { point: a.point, figure, a: own.mean, b: other.mean, share: own.mean === 0 ? null : distance / own.mean };
  if (own.std === null || other.std === null) return [{ ...common, deviations: null, verdict: 'spread unknown' }];
  const deviation = Math.sqrt((own.std ** 2 + other.std ** 2) / 2);
  const deviations = deviation === 0 ? (distance === 0 ? 0 : Number.POSITIVE_INFINITY) : Math.abs(distance) / deviation;
  const areApart = own.max < other.min || other.max < own.min;
  return [{ ...common, deviations, verdict: areApart && deviations > DEVIATIONS ? 'differs' : 'within the spread' }];
}

function circumstancesOf(a: PointResult | undefined, b: PointResult | undefined): string[] {
  const [first, second] = [a, b].map((one) => flat(one?.provenance)) as [Map<string, string>, Map<string, string>];
  return [...new Set([...first.keys(), ...second.keys()])]
    .filter((key) => first.get(key) !== second.get(key))
    .map((key) => `${key}: ${first.get(key) ?? 'unknown'} and ${second.get(key) ?? 'unknown'}`);
}

/** `hardware.cpu` and so on. Results of versions without provenance have none. */
function flat(value: unknown, prefix = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map(prefix === '' ? [] : [[prefix, shown(value)]]);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flat(inner, prefix === '' ? key : `${prefix}.${key}`)]));
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value ?? 'none');
}

/** Lines for people. */
export function comparisonText({ obstacles, circumstances, differences }: Comparison): string {
  const rows = differences.map(({ point, figure, a, b, share, deviations, verdict }) => [
    point,
    figure,
    a.toFixed(2),
    b.toFixed(2),
    share === null ? '-' : `${share < 0 ? '' : '+'}${(share * 100).toFixed(1)} %`,
    deviations === null ? '-' : `${Number.isFinite(deviations) ? deviations.toFixed(1) : 'inf'} x`,
    verdict,
  ]);
  const table = [['point', 'figure', 'A', 'B', 'B to A', 'spread', ''], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const isText = (column: number): boolean => column < 2 || column === 6;
  const lines = table.map((row) =>
    row
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${[
    ...obstacles.map((words) => `not comparable: ${words}`),
    ...circumstances.map((words) => `not the same: ${words}`),
    ...(obstacles.length + circumstances.length === 0 ? [] : ['']),
    ...lines,
  ].join('\n')}\n`;
}
