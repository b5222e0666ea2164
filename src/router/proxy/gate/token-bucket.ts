/**
 * Tokens that come at a steady rate; a request takes one. What is not taken is saved, one second's worth at most, so a client that was
 * quiet may send a burst of that size. Pure: the caller says what time it is.
 */

/** Rounding must not turn a whole token into none. */
const WHOLE = 1 - 1e-9;

export class TokenBucket {
  #perMs: number;
  #most: number;
  #tokens: number;
  #atMs: number;

  /** Full at `nowMs`. `perSecond`: above 0. */
  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#most = Math.max(1, perSecond);
    this.#tokens = this.#most;
    this.#atMs = nowMs;
  }

  /** Another rate from now on. What has been saved stays, up to one second's worth. */
  setRate(perSecond: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#perMs = perSecond / 1000;
    this.#most = Math.max(1, perSecond);
    this.#tokens = Math.min(this.#tokens, this.#most);
  }

  /** Takes one token; false: there is none. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < WHOLE) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  /** Milliseconds until `count` tokens are there if nobody takes any; 0: they are. */
  waitMs(nowMs: number, count = 1): number {
    this.#refill(nowMs);
    return this.#tokens >= count * WHOLE ? 0 : (count - this.#tokens) / this.#perMs;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#tokens = Math.min(this.#most, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
  }
}
