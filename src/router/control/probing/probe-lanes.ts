/**
 * Bounds how many probes run at once. A probe needs a lane to start and frees it after `holdMs`, even if it still waits for its
 * answer, so workers that hang do not delay the others. The number of open probes is bounded as well.
 */
import type { Clock } from '../../../base/core/clock.ts';

interface LaneLimits {
  /** At most this many probes in their first `holdMs`. */
  readonly lanes: number;
  readonly holdMs: number;
  /** At most this many probes in all. */
  readonly open: number;
}

/** Of each kind of probe. */
export const PROBE_LANES: LaneLimits = { lanes: 64, holdMs: 250, open: 1024 };

export class ProbeLanes {
  readonly #clock: Clock;
  readonly #limits: LaneLimits;
  #held = 0;
  #open = 0;
  /** First in, first out; a Set, so a waiting probe can be withdrawn. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, limits: LaneLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** True when half of the probes that may be open are: probes that can be left out should be. */
  get isCrowded(): boolean {
    return this.#open * 2 >= this.#limits.open;
  }

  /** Calls `start` now, or when a lane is free; `start` must call `enter`. The same function waits only once. */
  whenFree(start: () => void): void {
    this.#waiting.add(start);
    this.#startWaiting();
  }

  withdraw(start: () => void): void {
    this.#waiting.delete(start);
  }

  /** Takes a lane; the function returned ends the probe, once. */
  enter(): () => void {
    this.#held++;
    this.#open++;
    let holds = true;
    let isOpen = true;
    const release = (): void => {
      if (!holds) return;
      holds = false;
      this.#held--;
    };
    const timer = this.#clock.after(this.#limits.holdMs, () => {
      release();
      this.#startWaiting();
    });
    return () => {
      if (!isOpen) return;
      isOpen = false;
      timer.cancel();
      release();
      this.#open--;
      this.#startWaiting();
    };
  }

  #startWaiting(): void {
    for (const start of this.#waiting) {
      if (this.#held >= this.#limits.lanes || this.#open >= this.#limits.open) return;
      this.#waiting.delete(start);
      start();
    }
  }
}
