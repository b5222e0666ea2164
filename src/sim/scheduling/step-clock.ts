/**
 * Runs the steps of one engine after each other on a Clock. A step has an ideal end; when a timer fires late, the steps
 * that should have ended by then are run at once, so that the rate of tokens does not depend on the timer's grain (1 ms
 * in Node). A lag beyond `MOST_LAG_MS` is forgotten: then the process cannot keep up, and the engine is slower.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts';

const MOST_LAG_MS = 100;
/** Steps that end within this time of a timer are run with it; below the grain of timers. */
const SLACK_MS = 0.5;
/** Steps run in one turn of the event loop before sockets get theirs. */
const MOST_STEPS_A_TURN = 32;

export class StepClock {
  readonly #clock: Clock;
  readonly #begin: () => number | null;
  readonly #end: () => void;
  #timer: TimerHandle | null = null;
  #endsAtMs = Number.NEGATIVE_INFINITY;
  /** A step has begun and not ended. */
  #isStepping = false;
  /** When it was frozen; null: it is not frozen. */
  #frozenAtMs: number | null = null;

  /** `begin` starts a step and returns its length in milliseconds, or null if there is nothing to do; `end` finishes it. */
  constructor(clock: Clock, begin: () => number | null, end: () => void) {
    this.#clock = clock;
    this.#begin = begin;
    this.#end = end;
  }

  /** Starts a step if there is work and none is running. */
  wake(): void {
    if (this.#timer !== null || this.#frozenAtMs !== null) return;
    const durationMs = this.#begin();
    if (durationMs === null) return;
    this.#isStepping = true;
    this.#endsAtMs = this.#clock.nowMs() + durationMs;
    this.#arm();
  }

  /** Stops time until `thaw`; the current step keeps its remaining time. */
  freeze(): void {
    this.#frozenAtMs ??= this.#clock.nowMs();
    this.stop();
  }

  thaw(): void {
    if (this.#frozenAtMs === null) return;
    const frozenMs = this.#clock.nowMs() - this.#frozenAtMs;
    this.#frozenAtMs = null;
    if (this.#isStepping) {
      this.#endsAtMs += frozenMs;
      this.#arm();
    } else this.wake();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = this.#clock.after(Math.max(0, this.#endsAtMs - this.#clock.nowMs()), () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.#clock.nowMs();
    for (let steps = 0; steps < MOST_STEPS_A_TURN && this.#endsAtMs <= nowMs + SLACK_MS; steps++) {
      this.#isStepping = false;
      this.#end();
      // `end` may have stopped this clock.
      if (this.#timer === null) return;
      const durationMs = this.#begin();
      if (durationMs === null) {
        this.#timer = null;
        return;
      }
      this.#isStepping = true;
      this.#endsAtMs = Math.max(this.#endsAtMs, nowMs - MOST_LAG_MS) + durationMs;
    }
    this.#arm();
  }
}
