/** Memory of a process over time, and whether it is flat. */
import { readFileSync } from 'node:fs';

export interface MemorySample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Resident memory. Source: proc(5). */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} shows no memory`);
  return Number(kib) * 1024;
}

/** The share of the time after which memory must be flat: heaps of V8 grow to their size under load. */
const WARM_UP = 0.25;
/** By which the last quarter may be above the first one after the warm-up. */
export const MAX_GROWTH = 0.1;

export interface MemoryJudgement {
  /** Median of the first and of the last quarter of the time after the warm-up. */
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** 0.1: 10 % more. */
  readonly growth: number;
}

export function judgeMemory(samples: readonly MemorySample[]): MemoryJudgement {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const quarter = Math.ceil(warm.length / 4);
  const firstBytes = median(warm.slice(0, quarter));
  const lastBytes = median(warm.slice(-quarter));
  return { firstBytes, lastBytes, growth: lastBytes / firstBytes - 1 };
}

function median(samples: readonly MemorySample[]): number {
  const sorted = samples.map(({ bytes }) => bytes).sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('no sample of memory');
  return middle;
}
