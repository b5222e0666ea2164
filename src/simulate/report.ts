/** The table of a comparison, as Markdown: it reads well on a terminal too. */
import type { Comparison, Spread } from './compare.ts';
import type { RunMeasures } from './measures.ts';

type Column = readonly [title: string, measure: keyof RunMeasures, digits: number];

const COLUMNS: readonly Column[] = [
  ['TTFT p50', 'ttftP50', 2],
  ['TTFT p99', 'ttftP99', 2],
  ['ITL p50', 'itlP50', 4],
  ['ITL p99', 'itlP99', 3],
  ['E2E p50', 'e2eP50', 2],
  ['E2E p99', 'e2eP99', 1],
  ['hits', 'hits', 3],
  ['imbalance', 'imbalance', 2],
];

/** Times in seconds: the mean over the seeds, and behind it the least and the most where there are several. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const titles = ['traffic', 'policy', ...COLUMNS.map(([title]) => title)];
  const rows = comparisons.map(({ traffic, policy, summary, runs }) => [
    traffic,
    policy,
    ...COLUMNS.map(([, measure, digits]) => cell(summary[measure], digits, runs.length > 1)),
  ]);
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |\n`;
  return line(titles) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('');
}

function cell({ mean, least, most }: Spread, digits: number, hasSpread: boolean): string {
  const text = mean.toFixed(digits);
  return hasSpread ? `${text} (${least.toFixed(digits)}-${most.toFixed(digits)})` : text;
}
