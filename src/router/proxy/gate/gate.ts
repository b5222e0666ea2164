/**
 * What a request must pass before it may be dispatched: checks in a fixed order, each in a file of this folder. compose.ts lists them.
 *
 *   admit: check 1 -> check 2 -> ... -> passed (null)
 *            |          '-- a ticket: the request holds a place until it is settled; it may have to wait for it
 *            '-- a refusal: the answer to the client
 *
 * A check that waits stops those after it: they run when its ticket opens.
 *
 *   Admission:  WAITING --ticket opens, later checks pass--> OPEN --release--> RELEASED
 *                  |--a later check, or the ticket itself, refuses--> refused, RELEASED
 *                  '--release (the client left, a deadline passed)--> RELEASED
 */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { RequestRecord } from '../routing/request-record.ts';

/** Why a request is not admitted. */
export interface Refusal {
  readonly code: ErrorCode;
  /** For the client: no address, no path of this machine. */
  readonly message: string;
  /** Header fields of the answer besides the usual ones, for example `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A place behind the gate. */
export interface Ticket {
  /** The request may be dispatched now. */
  readonly isOpen: boolean;
  /** Of a ticket that is not open: `holder` hears once how the wait ends. */
  wait(holder: TicketHolder): void;
  /** Gives the place back, or leaves the queue: the holder hears nothing more. Idempotent. */
  release(): void;
}

export interface TicketHolder {
  admitted(): void;
  refused(refusal: Refusal): void;
}

export type Verdict = null | Refusal | Ticket;

/** One condition. Runs when the head of the request is known and its body has not been read. */
export type Check = (request: RequestRecord) => Verdict;

export function isRefusal(verdict: Refusal | Ticket): verdict is Refusal {
  return 'code' in verdict;
}

export class Gate {
  readonly #checks: readonly Check[];

  constructor(checks: readonly Check[]) {
    this.#checks = checks;
  }

  admit(request: RequestRecord): Verdict {
    const checks = this.#checks;
    for (let i = 0; i < checks.length; i++) {
      const verdict = checks[i]!(request);
      if (verdict === null) continue;
      return isRefusal(verdict) ? verdict : new Admission(checks, request, i + 1, verdict).begin();
    }
    return null;
  }
}

/** The tickets of one request. */
class Admission implements Ticket, TicketHolder {
  isOpen = false;
  readonly #checks: readonly Check[];
  readonly #request: RequestRecord;
  /** The next check. */
  #at: number;
  readonly #tickets: Ticket[];
  #holder: TicketHolder | null = null;
  #isReleased = false;

  constructor(checks: readonly Check[], request: RequestRecord, at: number, first: Ticket) {
    this.#checks = checks;
    this.#request = request;
    this.#at = at;
    this.#tickets = [first];
  }

  /** What the request gets now: a refusal of a later check, or this. */
  begin(): Verdict {
    const refusal = this.#proceed();
    if (refusal === null) return this;
    this.release();
    return refusal;
  }

  wait(holder: TicketHolder): void {
    this.#holder = holder;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#holder = null;
    for (const ticket of this.#tickets) ticket.release();
  }

  /** The ticket that was waited for has opened. */
  admitted(): void {
    const refusal = this.#proceed();
    if (refusal !== null) this.refused(refusal);
    else if (this.isOpen) this.#holder?.admitted();
  }

  refused(refusal: Refusal): void {
    const holder = this.#holder;
    this.release();
    holder?.refused(refusal);
  }

  /** Runs checks until one refuses or waits, or all have passed. */
  #proceed(): Refusal | null {
    while (!this.#waits()) {
      if (this.#at === this.#checks.length) {
        this.isOpen = true;
        return null;
      }
      const verdict = this.#checks[this.#at++]!(this.#request);
      if (verdict === null) continue;
      if (isRefusal(verdict)) return verdict;
      this.#tickets.push(verdict);
    }
    return null;
  }

  #waits(): boolean {
    const last = this.#tickets.at(-1);
    if (last === undefined || last.isOpen) return false;
    last.wait(this);
    return true;
  }
}
