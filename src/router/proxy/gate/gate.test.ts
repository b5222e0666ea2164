import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestRecord } from '../routing/request-record.ts';
import { type Check, Gate, isRefusal, type Refusal, type Ticket, type TicketHolder, type Verdict } from './gate.ts';

/** The checks of these tests do not look at it. */
const REQUEST = {} as RequestRecord;
const FULL: Refusal = { code: 'router_busy', message: 'full' };

const pass: Check = () => null;
const refuse: Check = () => FULL;

/** A place that opens, or is refused, when the test says so. */
class Place implements Ticket {
  isOpen: boolean;
  releases = 0;
  holder: TicketHolder | null = null;

  constructor(isOpen: boolean) {
    this.isOpen = isOpen;
  }

  wait(holder: TicketHolder): void {
    this.holder = holder;
  }

  release(): void {
    this.releases++;
  }

  open(): void {
    this.isOpen = true;
    this.holder?.admitted();
  }
}

function ticketOf(verdict: Verdict): Ticket {
  assert.ok(verdict !== null && !isRefusal(verdict));
  return verdict;
}

/** What a holder hears. */
function listen(ticket: Ticket): string[] {
  const heard: string[] = [];
  ticket.wait({ admitted: () => heard.push('admitted'), refused: ({ message }) => heard.push(message) });
  return heard;
}

describe('the gate', () => {
  test('passes a request that passes every check, without a ticket', () => {
    assert.equal(new Gate([pass, pass]).admit(REQUEST), null);
    assert.equal(new Gate([]).admit(REQUEST), null);
  });

  test('answers the first refusal and runs no check after it', () => {
    let ran = 0;
    const count: Check = () => {
      ran++;
      return null;
    };
    assert.equal(new Gate([count, refuse, count]).admit(REQUEST), FULL);
    assert.equal(ran, 1);
  });

  test('gives a ticket that is open where a check gave one', () => {
    const place = new Place(true);
    const ticket = ticketOf(new Gate([pass, () => place, pass]).admit(REQUEST));
    assert.equal(ticket.isOpen, true);
    ticket.release();
    ticket.release();
    assert.equal(place.releases, 1);
  });

  test('gives places back when a later check refuses', () => {
    const place = new Place(true);
    assert.equal(new Gate([() => place, refuse]).admit(REQUEST), FULL);
    assert.equal(place.releases, 1);
  });

  test('waits for a place, and runs the later checks only then', () => {
    const [first, second] = [new Place(false), new Place(false)];
    const ticket = ticketOf(new Gate([() => first, pass, () => second]).admit(REQUEST));
    const heard = listen(ticket);
    assert.equal(ticket.isOpen, false);
    first.open();
    assert.deepEqual([ticket.isOpen, heard], [false, []]);
    second.open();
    assert.deepEqual([ticket.isOpen, heard], [true, ['admitted']]);
    ticket.release();
    assert.deepEqual([first.releases, second.releases], [1, 1]);
  });

  test('refuses a request that waited, when a place or a later check refuses it', () => {
    const byPlace = new Place(false);
    const heard = listen(ticketOf(new Gate([() => byPlace]).admit(REQUEST)));
    byPlace.holder?.refused(FULL);
    assert.deepEqual([heard, byPlace.releases], [['full'], 1]);
    const byCheck = new Place(false);
    const later = listen(ticketOf(new Gate([() => byCheck, refuse]).admit(REQUEST)));
    byCheck.open();
    assert.deepEqual([later, byCheck.releases], [['full'], 1]);
  });

  test('tells a holder that has left nothing', () => {
    const place = new Place(false);
    const ticket = ticketOf(new Gate([() => place]).admit(REQUEST));
    const heard = listen(ticket);
    ticket.release();
    place.open();
    assert.deepEqual([heard, place.releases], [[], 1]);
  });
});
