/** Prints a micro-benchmark: median and 99th percentile per call, in microseconds. */
import type { Bench } from 'tinybench';

export function report(bench: Bench, facts: Readonly<Record<string, string | number>> = {}): void {
  const rows = bench.tasks.map((task) => {
    const { result } = task;
    if (!('latency' in result)) return { name: task.name, 'median us': 'failed', 'mean us': '', 'p99 us': '' };
    const us = (ms: number) => Number((ms * 1000).toFixed(3));
    return { name: task.name, 'median us': us(result.latency.p50), 'mean us': us(result.latency.mean), 'p99 us': us(result.latency.p99) };
  });
  console.table(rows);
  for (const [name, value] of Object.entries(facts)) console.log(`${name}: ${value}`);
}
