/** Results as a table for people. Pure. */
import type { PointResult } from './point-result.ts';

type Column = readonly [heading: string, cell: (result: PointResult) => string];

/** Columns of some benchmarks only. */
const PREFIX: Column = ['prefix ratio', (result) => String(result.prefix_ratio ?? '-')];
const GOOD: Column = ['good req/s', (result) => result.request_goodput?.toFixed(2) ?? '-'];

const COLUMNS: readonly Column[] = [
  ['concurrency', (result) => `${result.max_concurrency ?? 'timed'}${result.partial ? ' (partial)' : ''}`],
  ['requests', (result) => `${result.completed}/${result.num_prompts}`],
  ['seconds', (result) => result.duration.toFixed(1)],
  ['req/s', (result) => result.request_throughput.toFixed(2)],
  ['out tok/s', (result) => result.output_throughput.toFixed(0)],
  ['TTFT ms mean', (result) => result.mean_ttft_ms.toFixed(1)],
  ['p99', (result) => result.p99_ttft_ms.toFixed(1)],
  ['TPOT ms mean', (result) => result.mean_tpot_ms.toFixed(2)],
  ['p99', (result) => result.p99_tpot_ms.toFixed(2)],
  ['ITL ms mean', (result) => result.mean_itl_ms.toFixed(2)],
  ['p99', (result) => result.p99_itl_ms.toFixed(2)],
  ['E2E ms mean', (result) => result.mean_e2el_ms.toFixed(0)],
  ['p99', (result) => result.p99_e2el_ms.toFixed(0)],
];

/** Ends with a line end. */
export function summaryTable(results: readonly PointResult[]): string {
  const columns = [
    ...(results.some((result) => result.prefix_ratio !== null) ? [PREFIX] : []),
    ...COLUMNS,
    ...(results.some((result) => result.request_goodput !== null) ? [GOOD] : []),
  ];
  const rows = [columns.map(([heading]) => heading), ...results.map((result) => columns.map(([, cell]) => cell(result)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `${row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')}\n`).join('');
}
