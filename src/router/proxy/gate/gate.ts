/**
 * What a request must pass before it may be dispatched: checks in a fixed order, each in a file of this folder. compose.ts lists them.
 *
 *   head of the request:   check 1 -> check 2 -> ... -> passed (null)
 *                             |          '-- a ticket: a right to ask for a place, for example behind a limit
 *                             '-- a refusal: the answer to the client
 *   it can be dispatched:  ticket 1 -> ticket 2 -> ... -> open
 *                             |           '-- waits: the next ticket is asked when this one opens
 *                             '-- a refusal
 *
 * A request can be dispatched when its body is whole, or longer than what is held of it: a slow upload takes no place. It keeps its
 * places until it is settled.
 *
 *   Tickets:  NEW --take--> WAITING --the last ticket opens--> OPEN --release--> RELEASED
 *                               |--a ticket refuses--> refused, RELEASED
 *                               '--release (the client left, a deadline passed)--> RELEASED
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

/** What asking for a place brings. 'waits': the holder hears once how the wait ends. */
export type Taken = 'open' | 'waits' | Refusal;

/** A right to ask for a place behind the gate. */
export interface Ticket {
  /** Asks for the place, once, when the request can be dispatched. */
  take(holder: TicketHolder): Taken;
  /** Gives the place back, or leaves the queue: the holder hears nothing more. Idempotent, and allowed before `take`. */
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
    let first: Ticket | null = null;
    let all: Ticket[] | null = null;
    for (let i = 0; i < checks.length; i++) {
      const verdict = checks[i]!(request);
      if (verdict === null) continue;
      if (isRefusal(verdict)) return verdict;
      if (first === null) first = verdict;
      else if (all === null) all = [first, verdict];
      else all.push(verdict);
    }
    return all === null ? first : new Tickets(all);
  }
}

/** Several tickets of one request, as one. */
class Tickets implements Ticket, TicketHolder {
  readonly #tickets: readonly Ticket[];
  /** The next one to ask. */
  #at = 0;
  #holder: TicketHolder | null = null;
  #isReleased = false;

  constructor(tickets: readonly Ticket[]) {
    this.#tickets = tickets;
  }

  take(holder: TicketHolder): Taken {
    const taken = this.#takeNext();
    if (taken === 'waits') this.#holder = holder;
    else if (taken !== 'open') this.release();
    return taken;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#holder = null;
    for (const ticket of this.#tickets) ticket.release();
  }

  /** The ticket that was waited for has opened. */
  admitted(): void {
    if (this.#isReleased) return;
    const taken = this.#takeNext();
    if (taken === 'open') this.#holder?.admitted();
    else if (taken !== 'waits') this.refused(taken);
  }

  refused(refusal: Refusal): void {
    const holder = this.#holder;
    this.release();
    holder?.refused(refusal);
  }

  /** Asks tickets until one waits or refuses, or all are open. */
  #takeNext(): Taken {
    while (this.#at < this.#tickets.length) {
      const taken = this.#tickets[this.#at++]!.take(this);
      if (taken !== 'open') return taken;
    }
    return 'open';
  }
}
