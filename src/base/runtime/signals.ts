/** Handlers for signals to the process. */
import { performance } from 'node:perf_hooks';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Two SIGINT within this time count as one: npm forwards Ctrl-C to its program, which has already got it from the terminal. A person
 * cannot press it twice that quickly.
 */
const ECHO_MS = 150;

/**
 * Calls `onSignal` for every SIGINT and SIGTERM with the number of signals so far (1 for the first). These signals no longer end the
 * process. `hangUp`: also for the first SIGHUP, which a terminal that closes may send several times. Returns a function that removes
 * the handlers.
 */
export function watchSignals(onSignal: (signal: StopSignal, count: number) => void, { hangUp = false } = {}): () => void {
  let count = 0;
  let lastInterruptMs = Number.NEGATIVE_INFINITY;
  const handler = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (signal === 'SIGINT' && nowMs - lastInterruptMs < ECHO_MS) return;
    if (signal === 'SIGINT') lastInterruptMs = nowMs;
    onSignal(signal as StopSignal, ++count);
  };
  let hasHungUp = false;
  const hungUp = (): void => {
    if (!hasHungUp) handler('SIGHUP');
    hasHungUp = true;
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  if (hangUp) process.on('SIGHUP', hungUp);
  return () => {
    process.off('SIGHUP', hungUp);
    process.off('SIGINT', handler);
    process.off('SIGTERM', handler);
  };
}

/** Calls `onSignal` for every SIGUSR1, which then no longer starts Node's debugger. Returns a function that removes the handler. */
export function watchUserSignal(onSignal: () => void): () => void {
  process.on('SIGUSR1', onSignal);
  return () => void process.off('SIGUSR1', onSignal);
}

/** SIGHUP, which no longer ends the process. One that comes before somebody listens counts when somebody does. */
export class HangUps {
  #listener: (() => void) | null = null;
  #isPending = false;

  constructor() {
    process.on('SIGHUP', () => {
      if (this.#listener === null) this.#isPending = true;
      else this.#listener();
    });
  }

  /** Once. */
  listen(listener: () => void): void {
    this.#listener = listener;
    if (this.#isPending) listener();
  }
}
