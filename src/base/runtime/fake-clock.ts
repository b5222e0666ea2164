/** A clock that moves only when a test moves it. */
import type { Clock, TimerHandle } from '../core/clock.ts';

interface FakeTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * `advance(ms)` runs every timer that falls due on the way, ordered by due time (equal times: by the order in which they were set);
 * `nowMs()` is then the due time of the timer. A timer that a timer sets runs in the same `advance` if it falls due within it.
 */
export class FakeClock implements Clock {
  #nowMs = 0;
  #orders = 0;
  readonly #startWallMs: number;
  readonly #timers = new Set<FakeTimer>();

  constructor(startWallMs = Date.UTC(2025, 0, 1)) {
    this.#startWallMs = startWallMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }

  after(delayMs: number, run: () => void): TimerHandle {
    const timer: FakeTimer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#orders++, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers set and neither run nor cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer falls due, or null when there is none. */
  get untilNextMs(): number | null {
    const next = this.#next();
    return next === null ? null : next.dueMs - this.#nowMs;
  }

  /** Moves time forward by `ms` (>= 0). */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#next(); next !== null && next.dueMs <= endMs; next = this.#next()) {
      this.#nowMs = next.dueMs;
      this.#timers.delete(next);
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /** Moves time to the next timer and runs all that are due then; false when there is none. */
  advanceToNext(): boolean {
    const until = this.untilNextMs;
    if (until === null) return false;
    this.advance(until);
    return true;
  }

  #next(): FakeTimer | null {
    let first: FakeTimer | null = null;
    for (const timer of this.#timers) {
      if (first === null || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
