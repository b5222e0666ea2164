/** Runs cases with tinybench and gives figures per operation. */
import { Bench } from 'tinybench';
import type { Case } from './case.ts';

export interface Figure {
  readonly name: string;
  /** Median and 99th percentile over the calls of `run`, divided by `ops`. */
  readonly medianNs: number;
  readonly p99Ns: number;
  /** Bytes per nanosecond at the median; null when the case names no bytes. */
  readonly gigabytesPerSecond: number | null;
}

/** Measures one case after another, each for about `timeMs` after a warm-up of a quarter of that. Rejects if a case throws. */
export async function measure(cases: readonly Case[], timeMs: number): Promise<readonly Figure[]> {
  const bench = new Bench({ time: timeMs, iterations: 3, warmupTime: timeMs / 4, warmupIterations: 2, throws: true });
  for (const one of cases) bench.add(one.name, () => one.run());
  await bench.run();
  return cases.map((one) => {
    const result = bench.getTask(one.name)?.result;
    if (result?.state !== 'completed') throw new Error(`${one.name}: ${result?.state ?? 'not run'}`);
    const medianNs = (result.latency.p50 * 1e6) / one.ops;
    return {
      name: one.name,
      medianNs,
      p99Ns: (result.latency.p99 * 1e6) / one.ops,
      gigabytesPerSecond: one.bytesPerOp === undefined ? null : one.bytesPerOp / medianNs,
    };
  });
}

/** Figures as a Markdown table under a heading. */
export function figureTable(title: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    figure.medianNs.toFixed(figure.medianNs < 100 ? 1 : 0),
    figure.p99Ns.toFixed(figure.p99Ns < 100 ? 1 : 0),
    figure.gigabytesPerSecond === null ? '-' : figure.gigabytesPerSecond.toFixed(2),
  ]);
  const head = ['case', 'median ns', 'p99 ns', 'GB/s'];
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [`### ${title}`, '', line(head), rule, ...rows.map(line), ''].join('\n');
}
