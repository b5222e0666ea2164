/** Results as a table for people. Pure. */
import type { PointResult } from './point-result.ts';
import { ENOUGH_FOR_P99 } from './verdict.ts';

type Column = readonly [heading: string, cell: (result: PointResult) => string];

/** Columns of some benchmarks only. */
const PREFIX: Column = ['prefix ratio', (result) => String(result.prefix_ratio ?? '-')];
const GOOD: Column = ['good req/s', (result) => result.request_goodput?.toFixed(2) ?? '-'];

const COLUMNS: readonly Column[] = [
  [
    'concurrency',
    (result) => `${result.max_concurrency ?? 'timed'}${result.partial ? ' (partial)' : ''}${result.run > 1 ? ` run ${result.run}` : ''}`,
  ],
  ['requests', (result) => `${result.completed}/${result.num_prompts}`],
  ['seconds', (result) => result.duration.toFixed(1)],
  ['req/s', (result) => result.request_throughput.toFixed(2)],
  ['out tok/s', (result) => result.output_throughput.toFixed(0)],
  ['TTFT ms mean', (result) => fixed(result.mean_ttft_ms, 1)],
  ['p99', (result) => p99(result, result.p99_ttft_ms, 1)],
  ['TPOT ms mean', (result) => fixed(result.mean_tpot_ms, 2)],
  ['p99', (result) => p99(result, result.p99_tpot_ms, 2)],
  ['ITL ms mean', (result) => fixed(result.mean_itl_ms, 2)],
  ['p99', (result) => p99(result, result.p99_itl_ms, 2)],
  ['E2E ms mean', (result) => fixed(result.mean_e2el_ms, 0)],
  ['p99', (result) => p99(result, result.p99_e2el_ms, 0)],
];

/** `~`: of few samples. */
function p99({ completed }: PointResult, value: number | null, digits: number): string {
  return `${fixed(value, digits)}${value !== null && completed < ENOUGH_FOR_P99 ? '~' : ''}`;
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

/** The worst of all points. */
export function verdictOf(results: readonly Pick<PointResult, 'verdict'>[]): PointResult['verdict'] {
  return (['failed', 'partial', 'warnings'] as const).find((one) => results.some(({ verdict }) => verdict === one)) ?? 'ok';
}

/** Ends with a line end. Under the table, what is to be known before the numbers are quoted. */
export function summaryTable(results: readonly PointResult[]): string {
  const columns = [
    ...(results.some((result) => result.prefix_ratio !== null) ? [PREFIX] : []),
    ...COLUMNS,
    ...(results.some((result) => result.request_goodput !== null) ? [GOOD] : []),
  ];
  const rows = [columns.map(([heading]) => heading), ...results.map((result) => columns.map(([, cell]) => cell(result)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const notes = [
    ...(results.some(({ completed }) => completed < ENOUGH_FOR_P99) ? [`~ p99 of fewer than ${ENOUGH_FOR_P99} requests`] : []),
    ...results.flatMap(({ marks }) => marks.filter((mark) => mark.includes('client')).map((mark) => `note: ${mark}`)),
    ...results.flatMap(({ failures }) => failures.map((failure) => `failed: ${failure}`)),
    ...results.flatMap(({ warnings }) => warnings.map((warning) => `warning: ${warning}`)),
    `verdict: ${verdictOf(results)}`,
  ];
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  '));
  return [...lines, '', ...notes].map((line) => `${line}\n`).join('');
}
