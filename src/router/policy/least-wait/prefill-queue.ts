/**
 * The requests that one worker has from this router: those whose first token has not come, in the order in which they were sent, and
 * the number of those that decode. Engines prefill in this order, so what waits is known from first tokens alone:
 *
 *   head ── second ── third            wait of a newcomer = rest of the head + second + third
 *   in prefill since `sinceMs`         the head counts down; the others count in full until it is done
 */

/** A request on its way, until it is settled. */
export class Flight {
  /** Bytes that the worker has to compute, as predicted. */
  readonly bytes: number;
  /** Time of its prefill, as predicted. */
  readonly costMs: number;
  isWaiting = true;
  /** The worker left meanwhile. */
  isForgotten = false;
  before: Flight | null = null;
  after: Flight | null = null;

  constructor(bytes: number, costMs: number) {
    this.bytes = bytes;
    this.costMs = costMs;
  }
}

/** A head that takes this much longer than predicted is taken to be done: its answer is not streamed. */
const LATE_FACTOR = 2;
const LATE_MS = 500;
/** First tokens this close come from the same step of the engine. */
const SAME_STEP_MS = 3;
/** A time without end is cut into observations after this many requests. */
const MOST_REQUESTS = 24;

/** A time in which prefill was under way, and what it finished. */
export interface PrefillWork {
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
}

export class PrefillQueue {
  /** Requests whose first token has come and that have not ended. */
  decoding = 0;
  waiting = 0;
  #head: Flight | null = null;
  #tail: Flight | null = null;
  #costMs = 0;
  /** The head is in prefill since then. */
  #sinceMs = 0;
  /** The observation under way: since when, until when, and what was finished. */
  #beganMs = 0;
  #lastMs = 0;
  #requests = 0;
  #bytes = 0;
  /** Something ended without a first token: what the time went into is not known. */
  #isSpoiled = false;

  /** When a request that is sent at `nowMs` would start its prefill, in milliseconds from now. */
  waitMs(nowMs: number): number {
    const head = this.#head;
    if (head === null) return 0;
    const spentMs = Math.max(0, nowMs - this.#sinceMs);
    if (spentMs > LATE_FACTOR * head.costMs + LATE_MS) return Math.max(0, this.#costMs - spentMs);
    return Math.max(0, head.costMs - spentMs) + this.#costMs - head.costMs;
  }

  /** The time at which all that waits is done, if it goes as predicted. */
  get freeAtMs(): number {
    return this.#sinceMs + this.#costMs;
  }

  add(flight: Flight, nowMs: number): void {
    flight.before = this.#tail;
    if (this.#tail === null) {
      this.#head = flight;
      this.#sinceMs = nowMs;
      this.#isSpoiled = false;
      this.#beginObservation(nowMs);
    } else this.#tail.after = flight;
    this.#tail = flight;
    this.#costMs += flight.costMs;
    this.waiting++;
  }

  /** The first token of `flight` came: whatever was sent before it has been computed too. Returns an observation that is complete. */
  firstToken(flight: Flight, nowMs: number): PrefillWork | null {
    if (!flight.isWaiting || flight.isForgotten) return null;
    const done = nowMs - this.#lastMs > SAME_STEP_MS && this.#requests >= MOST_REQUESTS ? this.#takeObservation(this.#lastMs) : null;
    while (this.#head !== null && this.#head !== flight) this.#passHead();
    this.#passHead();
    this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    if (this.#head !== null) return done;
    return done ?? this.#takeObservation(nowMs);
  }

  /** `flight` ended. `isComputed`: with an answer. */
  settled(flight: Flight, nowMs: number, isComputed: boolean): void {
    if (flight.isForgotten) return;
    if (!flight.isWaiting) {
      this.decoding--;
      return;
    }
    if (flight === this.#head) this.#sinceMs = isComputed ? Math.min(nowMs, this.#sinceMs + flight.costMs) : nowMs;
    this.#isSpoiled = true;
    this.#remove(flight);
  }

  /** The worker has left: flights that are settled later change nothing. */
  forget(): void {
    for (let flight = this.#head; flight !== null; flight = flight.after) flight.isForgotten = true;
  }

  #passHead(): void {
    const head = this.#head;
    if (head === null) return;
    this.#remove(head);
    this.decoding++;
    this.#requests++;
    this.#bytes += head.bytes;
  }

  #remove(flight: Flight): void {
    const { before, after } = flight;
    if (before === null) this.#head = after;
    else before.after = after;
    if (after === null) this.#tail = before;
    else after.before = before;
    flight.isWaiting = false;
    flight.before = null;
    flight.after = null;
    this.waiting--;
    // Sums of fractions drift; an empty queue has no cost.
    this.#costMs = this.#head === null ? 0 : this.#costMs - flight.costMs;
  }

  #beginObservation(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#requests = 0;
    this.#bytes = 0;
  }

  #takeObservation(untilMs: number): PrefillWork | null {
    const work = { requests: this.#requests, bytes: this.#bytes, ms: untilMs - this.#beganMs };
    this.#beginObservation(untilMs);
    return this.#isSpoiled ? null : work;
  }
}
