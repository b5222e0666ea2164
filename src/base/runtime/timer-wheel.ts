/**
 * One coarse timer for all deadlines of the data plane: arming, moving and cancelling one is a few pointer writes,
 * and no timer object exists per request. Deadlines fire up to two ticks late, never early.
 *
 *   slots[tick % SLOTS] -> Deadline <-> Deadline <-> ...     each knows the tick at which it is due;
 *   a tick walks one slot and fires the deadlines that are due; those due a turn of the wheel later stay
 */

/** The part of a clock that the wheel uses (`core/clock.ts`). */
export interface WheelClock {
  nowMs(): number;
  after(delayMs: number, run: () => void): { cancel(): void };
}

const SLOTS = 512;

/** A place in the wheel, owned by the object that waits. Reusable: arm it again at any time. */
export class Deadline {
  /** Called when the deadline passes; the deadline is unarmed by then and may be armed again inside. */
  readonly passed: () => void;
  dueTick = -1;
  slot = -1;
  previous: Deadline | null = null;
  next: Deadline | null = null;

  constructor(passed: () => void) {
    this.passed = passed;
  }

  get armed(): boolean {
    return this.slot >= 0;
  }
}

export class TimerWheel {
  readonly #clock: WheelClock;
  readonly #tickMs: number;
  readonly #slots: (Deadline | null)[] = new Array(SLOTS).fill(null);
  readonly #originMs: number;
  #tick = 0;
  #armed = 0;
  #timer: { cancel(): void } | null = null;
  #stopped = false;
  /** A callback runs. Time may pass meanwhile, but the walk ends at the tick at which it began. */
  #advancing = false;

  constructor(clock: WheelClock, tickMs = 100) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#originMs = clock.nowMs();
  }

  /** Fires `deadline` about `delayMs` from now. An earlier due time is void. */
  arm(deadline: Deadline, delayMs: number): void {
    this.cancel(deadline);
    if (this.#stopped) return;
    const sinceOriginMs = this.#clock.nowMs() - this.#originMs;
    const current = Math.floor(sinceOriginMs / this.#tickMs);
    const isIdle = this.#timer === null && !this.#advancing;
    if (isIdle) this.#tick = current;
    // The first tick that begins when the delay is over, and none that is being walked.
    const due = Math.max(Math.ceil((sinceOriginMs + delayMs) / this.#tickMs), current + 1, this.#tick + 1);
    const slot = due % SLOTS;
    deadline.dueTick = due;
    deadline.slot = slot;
    const head = this.#slots[slot] ?? null;
    deadline.next = head;
    if (head !== null) head.previous = deadline;
    this.#slots[slot] = deadline;
    this.#armed++;
    if (isIdle) this.#schedule();
  }

  cancel(deadline: Deadline): void {
    if (deadline.slot < 0) return;
    if (deadline.previous !== null) deadline.previous.next = deadline.next;
    else this.#slots[deadline.slot] = deadline.next;
    if (deadline.next !== null) deadline.next.previous = deadline.previous;
    deadline.previous = null;
    deadline.next = null;
    deadline.slot = -1;
    this.#armed--;
  }

  /** Deadlines armed now. */
  get armed(): number {
    return this.#armed;
  }

  /** Ends the wheel: nothing fires any more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #currentTick(): number {
    return Math.floor((this.#clock.nowMs() - this.#originMs) / this.#tickMs);
  }

  #schedule(): void {
    this.#timer = this.#clock.after(this.#tickMs, () => {
      this.#timer = null;
      this.#advancing = true;
      this.#advance();
      this.#advancing = false;
      if (this.#armed > 0 && !this.#stopped) this.#schedule();
    });
  }

  #advance(): void {
    const now = this.#currentTick();
    // After a long stall every slot is walked once: more turns would find nothing new.
    const from = Math.max(this.#tick + 1, now - SLOTS + 1);
    for (let tick = from; tick <= now; tick++) this.#fire(tick % SLOTS, now);
    this.#tick = now;
  }

  /**
   * A callback may cancel or arm any deadline, so the walk begins again after each one. Deadlines that it arms are due later than
   * `now`, hence the walk ends.
   */
  #fire(slot: number, now: number): void {
    let deadline = this.#slots[slot] ?? null;
    while (deadline !== null && !this.#stopped) {
      if (deadline.dueTick > now) {
        deadline = deadline.next;
        continue;
      }
      this.cancel(deadline);
      deadline.passed();
      deadline = this.#slots[slot] ?? null;
    }
  }
}
