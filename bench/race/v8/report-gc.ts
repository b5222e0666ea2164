/**
 * For `--old-node` and `--new-node`, after another file of this folder: appends one line to the file GC_REPORT when the router ends. It
 * says how often the router collected its young generation, the median time of a collection, and the share of its CPU time that all of
 * them took. The share is count times median, so it holds on a busy machine too: most collections are too short to be interrupted.
 */
import { appendFileSync } from 'node:fs';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';

const SAMPLE_MS = 250;

const minor: number[] = [];
const young: number[] = [];
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    // `detail` of these entries is not in the public types.
    const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) minor.push(entry.duration);
  }
});
observer.observe({ entryTypes: ['gc'] });
setInterval(() => {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  young.push(Math.round((space?.space_size ?? 0) / 2 ** 20));
}, SAMPLE_MS).unref();

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  const share = (minor.length * middle(minor) * 1000) / (user + system);
  const line = [
    `${process.execArgv.join(' ')}: ${minor.length} collections, median ${middle(minor).toFixed(2)} ms, ${(100 * share).toFixed(1)} % of the CPU time;`,
    `young generation median ${middle(young)}, at most ${Math.max(0, ...young)} MiB; RSS ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  ];
  appendFileSync(process.env['GC_REPORT'] ?? '/dev/stderr', `${line.join(' ')}\n`);
});
