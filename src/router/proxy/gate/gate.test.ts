import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestRecord } from '../routing/request-record.ts';
import { type Check, Gate, isRefusal, type Refusal, type Taken, type Ticket, type TicketHolder, type Verdict } from './gate.ts';

/** The checks of these tests do not look at it. */
const REQUEST = {} as RequestRecord;
const FULL: Refusal = { code: 'router_busy', message: 'full' };

const pass: Check = () => null;
const refuse: Check = () => FULL;

/** A place that opens, or is refused, when the test says so. */
class Place implements Ticket {
  readonly #taken: Taken;
  releases = 0;
  holder: TicketHolder | null = null;

  constructor(taken: Taken) {
    this.#taken = taken;
  }

  take(holder: TicketHolder): Taken {
    this.holder = holder;
    return this.#taken;
  }

  release(): void {
    this.releases++;
  }
}

function ticketOf(verdict: Verdict): Ticket {
  assert.ok(verdict !== null && !isRefusal(verdict));
  return verdict;
}

/** Takes the ticket of a gate that gives these places; `heard`: what its holder hears. */
function take(...places: readonly Place[]): { readonly ticket: Ticket; readonly taken: Taken; readonly heard: readonly string[] } {
  const heard: string[] = [];
  const ticket = ticketOf(new Gate([pass, ...places.map((place) => () => place), pass]).admit(REQUEST));
  const taken = ticket.take({ admitted: () => heard.push('admitted'), refused: ({ message }) => heard.push(message) });
  return { ticket, taken, heard };
}

const releases = (...places: readonly Place[]): number[] => places.map((place) => place.releases);

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
    assert.equal(new Gate([count, () => new Place('open'), refuse, count]).admit(REQUEST), FULL);
    assert.equal(ran, 1);
  });

  test('asks for no place before the request can be dispatched', () => {
    const place = new Place('open');
    const ticket = ticketOf(new Gate([() => place]).admit(REQUEST));
    assert.equal(place.holder, null);
    ticket.release();
    assert.equal(place.releases, 1);
  });
});

describe('several tickets', () => {
  test('are open when all of them are, and are given back once', () => {
    const [first, second] = [new Place('open'), new Place('open')];
    const { ticket, taken } = take(first, second);
    assert.equal(taken, 'open');
    ticket.release();
    ticket.release();
    assert.deepEqual(releases(first, second), [1, 1]);
  });

  test('are asked one after the other, each when the one before it has opened', () => {
    const [first, second, third] = [new Place('waits'), new Place('open'), new Place('waits')];
    const { ticket, taken, heard } = take(first, second, third);
    assert.deepEqual([taken, second.holder], ['waits', null]);
    first.holder?.admitted();
    assert.notEqual(third.holder, null);
    assert.deepEqual(heard, []);
    third.holder?.admitted();
    assert.deepEqual(heard, ['admitted']);
    ticket.release();
    assert.deepEqual(releases(first, second, third), [1, 1, 1]);
  });

  test('are all given back when one refuses, at once or later', () => {
    const atOnce = [new Place('open'), new Place(FULL)] as const;
    assert.equal(take(...atOnce).taken, FULL);
    assert.deepEqual(releases(...atOnce), [1, 1]);

    const later = [new Place('waits'), new Place(FULL)] as const;
    const { heard } = take(...later);
    later[0].holder?.admitted();
    assert.deepEqual([heard, ...releases(...later)], [['full'], 1, 1]);

    const waited = [new Place('open'), new Place('waits')] as const;
    const other = take(...waited);
    waited[1].holder?.refused(FULL);
    assert.deepEqual([other.heard, ...releases(...waited)], [['full'], 1, 1]);
  });

  test('say nothing to a holder that has left', () => {
    const [first, second] = [new Place('waits'), new Place('open')];
    const { ticket, heard } = take(first, second);
    ticket.release();
    first.holder?.admitted();
    assert.deepEqual([heard, second.holder, ...releases(first, second)], [[], null, 1, 1]);
  });
});
