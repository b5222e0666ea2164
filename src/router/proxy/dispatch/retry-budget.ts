/**
 * How many retries all requests together may make: a share of the requests of the last 10 s, and a floor that is always allowed, so
 * that a quiet router can retry. Requests that never left a queue of the router, or never reached a worker, need no budget.
 *
 *   slots of one second:  | requests, retries | requests, retries | ... 10 of them; the oldest is dropped as time goes on
 */
const SLOTS = 10;
const SLOT_MS = 1000;
/** Retries in 10 s that are always allowed. */
const FLOOR = 100;

export class RetryBudget {
  /** Retries per request at most, beside the floor. */
  ratio: number;
  readonly #requests = new Float64Array(SLOTS);
  readonly #retries = new Float64Array(SLOTS);
  #requestSum = 0;
  #retrySum = 0;
  /** Number of the newest slot since the beginning of the clock. */
  #newest = 0;

  constructor(ratio: number) {
    this.ratio = ratio;
  }

  /** A request is dispatched for the first time. */
  request(nowMs: number): void {
    this.#requests[this.#slot(nowMs)]!++;
    this.#requestSum++;
  }

  /** Retries of the last 10 s that count against the budget. */
  used(nowMs: number): number {
    this.#slot(nowMs);
    return this.#retrySum;
  }

  /** False: the budget is used up. */
  takeRetry(nowMs: number): boolean {
    const slot = this.#slot(nowMs);
    if (this.#retrySum >= FLOOR + this.ratio * this.#requestSum) return false;
    this.#retries[slot]!++;
    this.#retrySum++;
    return true;
  }

  /** The slot of this time; clears those that have become too old. */
  #slot(nowMs: number): number {
    const number = Math.floor(nowMs / SLOT_MS);
    const steps = Math.min(number - this.#newest, SLOTS);
    for (let i = 0; i < steps; i++) {
      const old = (number - i) % SLOTS;
      this.#requestSum -= this.#requests[old]!;
      this.#retrySum -= this.#retries[old]!;
      this.#requests[old] = 0;
      this.#retries[old] = 0;
    }
    if (number > this.#newest) this.#newest = number;
    return this.#newest % SLOTS;
  }
}
