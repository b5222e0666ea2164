/** What processes hold and have used, from /proc. Linux only; of the own user, or as root. */
import { readFileSync } from 'node:fs';

/** Of the kernel's clock that /proc counts in; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Their share of memory, MiB: a page that several of them map is counted once. */
export function sharedMib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0) / 1024;
}

/** CPU that they have used since they began, in user and kernel mode, ms. */
export function usedMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = textOf(`/proc/${pid}/stat`);
    // The second field is the name in parentheses and may hold anything; count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
  }, 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}
