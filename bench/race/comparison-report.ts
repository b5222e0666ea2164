/** The table and the lines that a race of two builds prints. Pure. */
import { type Comparison, isDisturbed, type Pair, ratioOf, type Spread } from './comparison.ts';
import { fixed, markdownTable } from './report.ts';
import { WORKLOADS } from './workloads.ts';

const middleHalf = ({ q1, q3 }: Spread, digits: number): string =>
  Number.isFinite(q1) ? `${fixed(q1, digits)}-${fixed(q3, digits)}` : '-';

const HEAD = ['workload', '', 'new us', '25-75 %', 'old us', '25-75 %', 'new/old', '25-75 %', 'rounds', 'p99 ms', 'RSS MiB', 'verdict'];

function row(one: Comparison): string[] {
  const mark = one.is_doubtful ? '~' : '';
  const both = ([fresh, old]: readonly [number, number], divisor: number, digits: number) =>
    `${fixed(fresh / divisor, digits)} / ${fixed(old / divisor, digits)}`;
  return [
    `${one.workload}, us/${one.unit}`,
    one.variant,
    fixed(one.new_us.median),
    middleHalf(one.new_us, 1),
    fixed(one.old_us.median),
    middleHalf(one.old_us, 1),
    mark + fixed(one.ratio.median, 3),
    middleHalf(one.ratio, 3),
    String(one.rounds),
    both(one.p99_us, 1000, 1),
    both(one.rss_mib, 1, 0),
    one.verdict,
  ];
}

/** One row for each workload and variant, and a line that sums the verdicts up. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  return [markdownTable(HEAD, comparisons.map(row)), '', summary(comparisons)].join('\n');
}

function summary(comparisons: readonly Comparison[]): string {
  const named = (wanted: string) =>
    comparisons
      .filter(({ verdict }) => verdict === wanted)
      .map(
        ({ workload, variant, ratio }) => `${workload} ${variant}${Number.isFinite(ratio.median) ? ` x${ratio.median.toFixed(3)}` : ''}`,
      );
  const unmeasured = named('not measured');
  const dearer = named('dearer');
  const parts = [dearer.length > 0 ? `dearer: ${dearer.join(', ')}` : 'no workload is dearer'];
  if (unmeasured.length > 0) parts.push(`not measured: ${unmeasured.join(', ')}`);
  return parts.join('; ');
}

/** Both builds in one round, while the race runs. */
export function pairLine(pair: Pair): string {
  const unit = WORKLOADS[pair.workload]?.unit ?? 'request';
  const ratio = ratioOf(pair);
  const cores = Math.max(pair.new.other_cores, pair.old.other_cores);
  return [
    `${pair.workload} ${pair.variant}`.padEnd(12),
    `new ${fixed(pair.new.cpu_us_per_unit)} old ${fixed(pair.old.cpu_us_per_unit)} us/${unit}`,
    `x${fixed(ratio, 3)} `,
    `other programs ${fixed(cores)} cores${isDisturbed(pair) ? ', DISTURBED' : ''}`,
  ].join('  ');
}
