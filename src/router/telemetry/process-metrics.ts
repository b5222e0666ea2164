/** Metrics of the process and of Node, under the names that prom-client made usual. Sampled once per scrape. */
import { readdir, readFile } from 'node:fs/promises';
import { type IntervalHistogram, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import type { Clock } from '../../base/core/clock.ts';
import type { Histogram } from '../../base/telemetry/cells.ts';
import type { Families } from './families.ts';

/** Between two looks at the event loop: a timer inside libuv, which does not keep the process alive. */
const LAG_RESOLUTION_MS = 20;
const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;
/** `detail.kind` of a collection. Source: NODE_PERFORMANCE_GC_* of perf_hooks. */
const COLLECTION_KINDS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

export class ProcessMetrics {
  readonly #lag: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  readonly #collections: PerformanceObserver;
  readonly #byKind = new Map<string, Histogram>();
  readonly #families: Families;
  #utilization = performance.eventLoopUtilization();

  /** Watches from now on, until `stop`. */
  constructor(families: Families, clock: Clock) {
    this.#families = families;
    const startSeconds = clock.wallMs() / 1000 - process.uptime();
    families.processStart.gauge({}).value = startSeconds;
    families.nodeVersion.gauge({ version: process.version }).value = 1;
    this.#lag.enable();
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#collected(entry);
    });
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  /** Brings the gauges and counters up to date. Never rejects: what this machine cannot tell has no value. */
  async sample(): Promise<void> {
    const families = this.#families;
    const cpu = process.cpuUsage();
    families.processCpuUser.counter({}).value = cpu.user / US_PER_SECOND;
    families.processCpuSystem.counter({}).value = cpu.system / US_PER_SECOND;
    families.processCpu.counter({}).value = (cpu.user + cpu.system) / US_PER_SECOND;
    const memory = process.memoryUsage();
    families.processResident.gauge({}).value = memory.rss;
    families.nodeHeapTotal.gauge({}).value = memory.heapTotal;
    families.nodeHeapUsed.gauge({}).value = memory.heapUsed;
    families.nodeExternal.gauge({}).value = memory.external;
    this.#sampleLoop();
    await this.#sampleDescriptors();
  }

  /** Idempotent. */
  stop(): void {
    this.#lag.disable();
    this.#collections.disconnect();
  }

  #sampleLoop(): void {
    const families = this.#families;
    const lag = this.#lag;
    // Node counts the time between two looks; what is beyond the resolution is the delay. Nothing seen yet: no delay.
    const seconds = (ns: number): number => (lag.count === 0 ? 0 : Math.max(0, ns / NS_PER_SECOND - LAG_RESOLUTION_MS / 1000));
    families.nodeLagMean.gauge({}).value = seconds(lag.mean);
    families.nodeLagMax.gauge({}).value = seconds(lag.max);
    families.nodeLagP50.gauge({}).value = seconds(lag.percentile(50));
    families.nodeLagP90.gauge({}).value = seconds(lag.percentile(90));
    families.nodeLagP99.gauge({}).value = seconds(lag.percentile(99));
    lag.reset();
    const now = performance.eventLoopUtilization();
    families.nodeUtilization.gauge({}).value = performance.eventLoopUtilization(now, this.#utilization).utilization;
    this.#utilization = now;
  }

  async #sampleDescriptors(): Promise<void> {
    try {
      const open = await readdir('/proc/self/fd');
      this.#families.processOpenFds.gauge({}).value = open.length;
      const limit = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
      if (limit !== undefined) this.#families.processMaxFds.gauge({}).value = Number(limit);
    } catch {
      // Not Linux, or /proc is closed: no such metrics then, which is what a scraper expects.
    }
  }

  #collected(entry: { readonly duration: number; readonly detail?: unknown }): void {
    const code = (entry.detail as { readonly kind?: number } | undefined)?.kind ?? 0;
    const kind = COLLECTION_KINDS[code] ?? 'other';
    let histogram = this.#byKind.get(kind);
    if (histogram === undefined) {
      histogram = this.#families.nodeCollections.histogram({ kind });
      this.#byKind.set(kind, histogram);
    }
    histogram.observe(entry.duration / 1000);
  }
}
