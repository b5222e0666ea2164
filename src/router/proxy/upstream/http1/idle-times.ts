/** When a pooled connection last idled, and how long it may: the pool sets the times and reads them. */

/** The router closes an idle connection this long before the worker does: a request must not cross with the worker's FIN. */
const KEEP_ALIVE_MARGIN_MS = 500;

export class IdleTimes {
  readonly #longestMs: number;
  #allowedMs: number;
  idleSinceMs = 0;
  /** When the pool last gave the idle connection a request. */
  reusedAtMs = 0;

  /** `longestMs`: unless the worker announces less. */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
    this.#allowedMs = longestMs;
  }

  /** The worker closes the connection when it has idled that long. */
  announced(timeoutMs: number): void {
    this.#allowedMs = Math.min(this.#longestMs, Math.max(0, timeoutMs - KEEP_ALIVE_MARGIN_MS));
  }

  isOver(nowMs: number): boolean {
    return nowMs - this.idleSinceMs >= this.#allowedMs;
  }
}
