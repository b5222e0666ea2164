/** The time of one turn of the event loop: read once where a turn begins, used by everything that follows in it. */
import type { Clock } from '../../base/core/clock.ts';

export class Turn {
  /** Milliseconds on the scale of `clock`, as `begin` read it. */
  nowMs: number;
  readonly #clock: Clock;
  #date = '';
  #dateSecond = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.nowMs = clock.nowMs();
  }

  /** Reads the clock. Called wherever a turn may begin: bytes arrived, a deadline passed, a socket drained. */
  begin(): void {
    this.nowMs = this.#clock.nowMs();
  }

  /** Value of a Date field (RFC 9110 section 5.6.7), made once a second. */
  get date(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }
}
