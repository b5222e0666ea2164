/** Signals of the process: who is told, and how often. */
import { performance } from 'node:perf_hooks';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * SIGINT twice within this time is one: Ctrl-C reaches a program that npm started from the terminal and, a moment later,
 * from npm, which passes it on. Nobody presses it twice that quickly.
 */
const ECHO_MS = 150;

/**
 * Calls `onSignal` for every SIGINT and SIGTERM with the number of signals so far (1 for the first). The process does
 * not end by itself any more. Returns a function that gives the signals back.
 */
export function watchSignals(onSignal: (signal: StopSignal, count: number) => void): () => void {
  let count = 0;
  let lastInterruptMs = Number.NEGATIVE_INFINITY;
  const handler = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (signal === 'SIGINT' && nowMs - lastInterruptMs < ECHO_MS) return;
    if (signal === 'SIGINT') lastInterruptMs = nowMs;
    onSignal(signal as StopSignal, ++count);
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return () => {
    process.off('SIGINT', handler);
    process.off('SIGTERM', handler);
  };
}

/** Calls `onSignal` for every SIGUSR1, which then no longer starts Node's debugger. Returns a function that gives the signal back. */
export function watchUserSignal(onSignal: () => void): () => void {
  process.on('SIGUSR1', onSignal);
  return () => void process.off('SIGUSR1', onSignal);
}
