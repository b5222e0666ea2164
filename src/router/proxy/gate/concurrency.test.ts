import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EndOfTurn } from '../../../base/runtime/end-of-turn.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import { Concurrency, type ConcurrencySettings } from './concurrency.ts';
import { isRefusal, type Refusal, type Ticket } from './gate.ts';

/** A limit on a clock that stands still, and what the requests behind it hear. */
class Rig {
  readonly clock = new FakeClock();
  readonly endOfTurn = new EndOfTurn();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly counted: string[] = [];
  readonly heard: string[] = [];
  readonly refusals: Refusal[] = [];
  readonly limit: Concurrency;

  constructor(settings: Partial<ConcurrencySettings>) {
    const count = (what: string) => (waitedMs?: number) => this.counted.push(waitedMs === undefined ? what : `${what} ${waitedMs}`);
    const counts = { admitted: count('admitted'), full: count('full'), late: count('late'), left: count('left') };
    this.limit = new Concurrency({ maxRequests: null, requestsPerSecond: null, queueSize: 10, queueTimeoutMs: 5000, ...settings }, counts, {
      clock: this.clock,
      wheel: this.wheel,
      endOfTurn: this.endOfTurn,
    });
  }

  /** A request arrives; `name`: for what it hears later. */
  ask(name = '', whenAdmitted: () => void = () => {}): { readonly ticket: Ticket; readonly taken: string } {
    const ticket = this.limit.check({ route: { kind: 'policy' } } as RequestRecord);
    assert.ok(ticket !== null && !isRefusal(ticket));
    const taken = ticket.take({
      admitted: () => {
        this.heard.push(name);
        whenAdmitted();
      },
      refused: (refusal) => {
        this.heard.push(`${name}: ${refusal.code}`);
        this.refusals.push(refusal);
      },
    });
    if (typeof taken !== 'string') this.refusals.push(taken);
    return { ticket, taken: typeof taken === 'string' ? taken : taken.code };
  }

  turn(): void {
    this.endOfTurn.flush();
  }

  retryAfter(): string | undefined {
    return this.refusals.at(-1)?.headers?.['retry-after'];
  }
}

describe('a limit on requests under way', () => {
  test('counts requests to workers, and nothing that the router or any worker answers about itself', () => {
    const { limit } = new Rig({ maxRequests: 1 });
    const isCounted = (kind: string): boolean => limit.check({ route: { kind } } as RequestRecord) !== null;
    assert.deepEqual(['policy', 'every', 'any', 'local', 'closed'].map(isCounted), [true, true, false, false, false]);
  });

  test('holds a slot until it is given back, once', () => {
    const rig = new Rig({ maxRequests: 1 });
    const first = rig.ask();
    rig.ask('a');
    rig.ask('b');
    assert.deepEqual([first.taken, rig.limit.inUse, rig.limit.waiting], ['open', 1, 2]);
    first.ticket.release();
    first.ticket.release();
    assert.deepEqual(rig.heard, [], 'not before the end of the turn');
    rig.turn();
    assert.deepEqual([rig.heard, rig.limit.inUse, rig.limit.waiting], [['a'], 1, 1]);
  });

  test('is not taken by a request that never asked', () => {
    const rig = new Rig({ maxRequests: 1 });
    const ticket = rig.limit.check({ route: { kind: 'policy' } } as RequestRecord) as Ticket;
    ticket.release();
    assert.deepEqual([rig.ask().taken, rig.limit.inUse], ['open', 1]);
  });

  test('lets nobody in between a slot that came back and the request that waits for it', () => {
    const rig = new Rig({ maxRequests: 1 });
    const first = rig.ask();
    rig.ask('waiting');
    first.ticket.release();
    assert.equal(rig.ask('greedy').taken, 'waits');
    rig.turn();
    assert.deepEqual(rig.heard, ['waiting']);
  });

  test('refuses at once when the queue is full, and those that have waited too long', () => {
    const rig = new Rig({ maxRequests: 1, queueSize: 1 });
    rig.ask();
    rig.ask('a');
    assert.equal(rig.ask().taken, 'admission_queue_full');
    rig.clock.advance(4900);
    assert.deepEqual(rig.heard, []);
    rig.clock.advance(300);
    assert.deepEqual([rig.heard, rig.limit.waiting], [['a: admission_queue_timeout'], 0]);
    assert.match(rig.refusals.at(-1)?.message ?? '', /^the request has waited for 5 s/);
  });

  test('forgets one whose client has left, at once, and its place is free', () => {
    const rig = new Rig({ maxRequests: 1, queueSize: 1 });
    const first = rig.ask();
    const gone = rig.ask('gone');
    rig.clock.advance(100);
    gone.ticket.release();
    assert.equal(rig.ask('b').taken, 'waits');
    first.ticket.release();
    rig.turn();
    assert.deepEqual(rig.heard, ['b']);
    assert.deepEqual(rig.counted, ['admitted 0', 'left 100', 'admitted 0']);
  });

  test('serves requests that end while they begin, all of them, without a deep stack', () => {
    const rig = new Rig({ maxRequests: 1, queueSize: 20_000, queueTimeoutMs: 60_000 });
    const first = rig.ask();
    let deepest = 0;
    let depth = 0;
    for (let i = 0; i < 10_000; i++) {
      const { ticket } = rig.ask('', () => {
        deepest = Math.max(deepest, ++depth);
        ticket.release();
        depth--;
      });
    }
    first.ticket.release();
    for (let turns = 0; rig.limit.waiting > 0; turns++) {
      assert.ok(turns < 200);
      rig.turn();
    }
    assert.deepEqual([rig.heard.length, deepest, rig.limit.inUse], [10_000, 1, 0]);
  });

  test('begins no more than 64 requests in one turn', () => {
    const rig = new Rig({ maxRequests: 200, queueSize: 1000 });
    const held = Array.from({ length: 200 }, () => rig.ask());
    for (let i = 0; i < 200; i++) rig.ask('x');
    for (const { ticket } of held) ticket.release();
    rig.turn();
    assert.equal(rig.heard.length, 64);
    rig.turn();
    assert.equal(rig.heard.length, 128);
  });

  test('leaves no timer behind', () => {
    const rig = new Rig({ maxRequests: 1 });
    const first = rig.ask();
    const second = rig.ask('a');
    assert.equal(rig.wheel.armed, 1);
    second.ticket.release();
    assert.equal(rig.wheel.armed, 0);
    first.ticket.release();
    rig.turn();
    assert.deepEqual([rig.wheel.armed, rig.limit.inUse], [0, 0]);
  });
});

describe('a limit on requests per second', () => {
  test('lets a burst of one second pass, and then one request for each token', () => {
    const rig = new Rig({ requestsPerSecond: 4 });
    for (let i = 0; i < 4; i++) assert.equal(rig.ask().taken, 'open');
    for (const name of 'abc') assert.equal(rig.ask(name).taken, 'waits');
    rig.clock.advance(240);
    assert.deepEqual(rig.heard, []);
    // The wheel fires up to two ticks late.
    rig.clock.advance(200);
    assert.deepEqual(rig.heard, ['a']);
    rig.clock.advance(600);
    assert.deepEqual(rig.heard, ['a', 'b', 'c']);
  });

  test('keeps its rate although the timer is coarse', () => {
    const rig = new Rig({ requestsPerSecond: 50, queueSize: 1000, queueTimeoutMs: 60_000 });
    for (let i = 0; i < 600; i++) rig.ask('x');
    rig.clock.advance(10_000);
    assert.ok(Math.abs(rig.heard.length - 500) <= 10, String(rig.heard.length));
  });
});

describe('Retry-After', () => {
  test('is the time after which the queue is gone, at the pace of the last requests', () => {
    const rig = new Rig({ maxRequests: 2, queueSize: 4, queueTimeoutMs: 60_000 });
    let held = [rig.ask(), rig.ask()];
    for (let round = 0; round < 16; round++) {
      rig.clock.advance(6000);
      for (const { ticket } of held) ticket.release();
      held = [rig.ask(), rig.ask()];
    }
    for (const name of 'abcd') rig.ask(name);
    assert.equal(rig.ask().taken, 'admission_queue_full');
    // Five requests, each for 6 s, on two slots.
    assert.equal(rig.retryAfter(), '15');
  });

  test('is at most the time after which all who wait are gone, and at least a second', () => {
    const rig = new Rig({ maxRequests: 1, queueSize: 1, queueTimeoutMs: 30_000 });
    const first = rig.ask();
    rig.ask();
    rig.ask();
    assert.equal(rig.retryAfter(), '1', 'nothing is known yet');
    rig.clock.advance(20_000);
    rig.ask();
    assert.equal(rig.retryAfter(), '30', 'the first request has taken 20 s so far, and two are to come');
    first.ticket.release();
  });

  test('counts with the tokens that all who wait will take', () => {
    const rig = new Rig({ requestsPerSecond: 2, queueSize: 5, queueTimeoutMs: 60_000 });
    for (let i = 0; i < 7; i++) rig.ask();
    assert.equal(rig.ask().taken, 'admission_queue_full');
    assert.equal(rig.retryAfter(), '3');
    const direct = new Rig({ requestsPerSecond: 1, queueSize: 0 });
    direct.ask();
    assert.deepEqual([direct.ask().taken, direct.retryAfter()], ['admission_queue_full', '1']);
  });

  test('comes with the refusal of one that has waited too long', () => {
    const rig = new Rig({ maxRequests: 1, queueTimeoutMs: 3000 });
    rig.ask();
    rig.ask('a');
    rig.clock.advance(3300);
    assert.deepEqual(rig.heard, ['a: admission_queue_timeout']);
    assert.equal(rig.retryAfter(), '3');
  });
});
