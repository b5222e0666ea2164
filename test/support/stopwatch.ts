/**
 * Time as a process has it: real time without the time in which it was ready to run and other processes had the cores. What worker, router
 * and client in one process do with each other takes as long by this clock on a busy machine as on an idle one.
 */
import { readFileSync } from 'node:fs';

/** Nanoseconds that the main thread of this process has waited for a core so far; 0 on systems that do not say. Source: proc(5), schedstat. */
function waitedNs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]);
  } catch {
    return 0;
  }
}

export class Stopwatch {
  readonly #startMs = performance.now();
  readonly #waitedNs = waitedNs();

  /** Since it was made. */
  get ms(): number {
    return performance.now() - this.#startMs - (waitedNs() - this.#waitedNs) / 1e6;
  }
}

/** Resolves after `ms` of such time, or when `until` resolves. */
export async function ownPause(ms: number, until: Promise<unknown> = new Promise(() => {})): Promise<void> {
  const watch = new Stopwatch();
  let isOver = false;
  const over = until.then(() => {
    isOver = true;
  });
  for (let left = ms; left > 0 && !isOver; left = ms - watch.ms)
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, left))]);
}
