/**
 * One deadline that moves with every step of a connection. Moving it later costs nothing: the deadline enters the wheel again only if it
 * must fire earlier than before; if it fires too early it waits for the rest.
 */
import { Deadline, type TimerWheel } from '../../../base/runtime/timer-wheel.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class MovableDeadline {
  readonly #wheel: TimerWheel;
  readonly #deadline: Deadline;
  #dueMs = NEVER;
  #armedForMs = NEVER;

  /** `nowMs`: on the scale of the wheel's clock. `passed` is called when the last due time is over; set another in it, or none. */
  constructor(wheel: TimerWheel, nowMs: () => number, passed: () => void) {
    this.#wheel = wheel;
    this.#deadline = new Deadline(() => {
      const now = nowMs();
      this.#armedForMs = NEVER;
      if (now >= this.#dueMs) {
        this.#dueMs = NEVER;
        passed();
      } else if (this.#dueMs !== NEVER) this.#arm(this.#dueMs - now);
    });
  }

  /** `nowMs` + `delayMs` in place of the due time so far. */
  set(nowMs: number, delayMs: number): void {
    this.#dueMs = nowMs + delayMs;
    if (this.#dueMs < this.#armedForMs) this.#arm(delayMs);
  }

  cancel(): void {
    this.#dueMs = NEVER;
    this.#armedForMs = NEVER;
    this.#wheel.cancel(this.#deadline);
  }

  #arm(delayMs: number): void {
    this.#armedForMs = this.#dueMs;
    this.#wheel.arm(this.#deadline, delayMs);
  }
}
