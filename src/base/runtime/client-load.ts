/** How late this process is: delays of its event loop and its use of CPU over a span of time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The loop is looked at so often; a delay is what a look came late by. */
const RESOLUTION_MS = 2;
const NANOSECONDS = 1e6;

export interface ClientLoad {
  /** What an event of the loop came late by, ms. */
  readonly mean_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** CPU time of the process over wall time; 1 is one core. */
  readonly cpu_share: number;
}

/** Begins to measure; the function returned ends it. */
export function measureClientLoad(): () => ClientLoad {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  return () => {
    delay.disable();
    const { user, system } = process.cpuUsage(startCpu);
    const wallMs = Math.max(1, performance.now() - startMs);
    const late = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, round(nanoseconds / NANOSECONDS - RESOLUTION_MS)) : 0;
    return {
      mean_ms: late(delay.mean),
      p99_ms: late(delay.percentile(99)),
      max_ms: late(delay.max),
      cpu_share: round((user + system) / 1000 / wallMs),
    };
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
