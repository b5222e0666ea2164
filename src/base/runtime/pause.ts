/** A wait that can be ended early, once for all: after `end` every wait is over at once. */
import type { Clock, TimerHandle } from '../core/clock.ts';

export class Pause {
  readonly #clock: Clock;
  #isOver = false;
  #waiting: { readonly timer: TimerHandle; readonly resolve: () => void } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At most one at a time. */
  wait(delayMs: number): Promise<void> {
    if (this.#isOver || delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { timer: this.#clock.after(delayMs, resolve), resolve };
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#waiting?.timer.cancel();
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}
