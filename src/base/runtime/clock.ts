/** The real clock: the only place that reads the machine's time and sets its timers. */
import { performance } from 'node:perf_hooks';
import type { Clock, TimerHandle } from '../core/clock.ts';

/** Longest delay that one Node timer takes (about 24.8 days); longer ones are made of several. */
const LONGEST_MS = 2 ** 31 - 1;

export const realClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    return delayMs <= LONGEST_MS ? new Timer(delayMs, run) : new LongTimer(delayMs, run);
  },
};

class Timer implements TimerHandle {
  readonly #timeout: NodeJS.Timeout;

  constructor(delayMs: number, run: () => void) {
    this.#timeout = setTimeout(run, delayMs);
    this.#timeout.unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

class LongTimer implements TimerHandle {
  #timer: Timer;

  constructor(delayMs: number, run: () => void) {
    const step = (leftMs: number): Timer => {
      if (leftMs <= LONGEST_MS) return new Timer(leftMs, run);
      return new Timer(LONGEST_MS, () => {
        this.#timer = step(leftMs - LONGEST_MS);
      });
    };
    this.#timer = step(delayMs);
  }

  cancel(): void {
    this.#timer.cancel();
  }
}
