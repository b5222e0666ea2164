/** The tables and lines that a race prints. Pure. */
import { isYardstick } from './entrants/catalogue.ts';
import { median, quantile, type Rated, undisturbed, yardstickError } from './statistics.ts';
import type { WindowResult } from './window.ts';
import type { Workload } from './workloads.ts';

export const fixed = (value: number | null, digits = 1): string => (value !== null && Number.isFinite(value) ? value.toFixed(digits) : '-');

function row(name: string, workload: Workload, windows: readonly Rated[]): string[] {
  const cost = undisturbed(
    windows.filter((w) => w.name !== 'direct'),
    (w) => w.cpu_us_per_unit,
    (w) => w.is_disturbed,
  );
  const ratio = undisturbed(
    windows,
    (w) => w.ratio,
    (w) => w.is_ratio_disturbed,
  );
  const done = windows.filter((w) => w.units > 0);
  const mark = (isDoubtful: boolean) => (isDoubtful ? '~' : '');
  const range = (from: number, to: number) => (ratio.values.length > 0 ? `${fixed(from, 2)}-${fixed(to, 2)}` : '-');
  return [
    name + (workload.kind === 'pd' && isYardstick(name) ? ' (no pairs)' : ''),
    mark(cost.isDoubtful) + fixed(median(cost.values)),
    mark(ratio.isDoubtful) + fixed(median(ratio.values), 2),
    range(quantile(ratio.values, 0.25), quantile(ratio.values, 0.75)),
    range(Math.min(...ratio.values), Math.max(...ratio.values)),
    fixed(median(done.map((w) => w.per_s)), 0),
    fixed(median(done.map((w) => w.p50_us)) / 1000, 2),
    fixed(median(done.map((w) => w.p99_us)) / 1000, 2),
    fixed(windows.at(-1)?.rss_mib ?? null, 0),
    fixed(median(done.flatMap((w) => w.affinity ?? [])), 2),
    workload.rate > 0 ? `${windows.filter((w) => w.is_disturbed).length} of ${windows.length}` : '-',
    String(windows.reduce((sum, w) => sum + w.errors, 0)),
  ];
}

/** The first column aligned left, the others right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** A Markdown table of one workload over all rounds; `windows` are that workload's, entrants appear in order of first appearance in `order`. */
export function resultTable(name: string, workload: Workload, windows: readonly Rated[], order: readonly string[]): string {
  const { unit } = workload;
  const head = [
    'proxy',
    `CPU us/${unit}`,
    'x nginx',
    '25-75 %',
    'min-max',
    `${unit}s/s`,
    'p50 ms',
    'p99 ms',
    'RSS MiB',
    'affinity',
    'disturbed',
    'errors',
  ];
  const present = order.filter((entrant) => windows.some((w) => w.name === entrant));
  const rows = present.map((entrant) =>
    row(
      entrant,
      workload,
      windows.filter((w) => w.name === entrant),
    ),
  );
  const error = yardstickError(windows);
  const foot = Number.isFinite(error) ? ['', `nginx-again / nginx: ${fixed(error, 2)}`] : [];
  return [`### ${name}: ${workload.text}`, '', markdownTable(head, rows), ...foot, ''].join('\n');
}

/** One line per window, while the race runs. */
export function windowLine(window: Rated, workload: Workload): string {
  const parts = [
    `${String(window.round).padStart(2)} ${window.workload.padEnd(8)} ${window.name.padEnd(17)}`,
    `${fixed(window.cpu_us_per_unit).padStart(7)} us/${workload.unit.padEnd(7)} x${fixed(window.ratio, 2).padEnd(5)}`,
    `${fixed(window.per_s, 0).padStart(6)}/s  p50 ${fixed(window.p50_us / 1000, 2)} p99 ${fixed(window.p99_us / 1000, 2)} ms`,
    ` RSS ${fixed(window.rss_mib, 0)} MiB  threads ${window.threads}  split ${window.split.join(':')}  others ${fixed(window.other_cores)} cores`,
  ];
  if (window.reconnects > 0) parts.push(` reconnects ${window.reconnects}`);
  if (window.is_disturbed) parts.push(' DISTURBED');
  return [parts.join(' '), ...windowErrors(window)].join('\n');
}

/** A line if answers of a window were wrong. */
export function windowErrors({ name, workload, errors, first_errors }: WindowResult): readonly string[] {
  return errors > 0 ? [`   *** ${name}, ${workload}: ${errors} errors: ${first_errors.join(' | ')}`] : [];
}
