import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { workerOf } from '../../../../test/support/worker-of.ts';
import { EMPTY_FLEET, type FleetSnapshot } from '../../../base/core/fleet.ts';
import { EndOfTurn } from '../../../base/runtime/end-of-turn.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { TimerWheel } from '../../../base/runtime/timer-wheel.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import { isRefusal, type Refusal, type Ticket } from './gate.ts';
import { Priority, type PriorityClassSettings, type PrioritySettings } from './priority.ts';

const classOf = (name: string, changes: Partial<PriorityClassSettings> = {}): PriorityClassSettings => ({
  name,
  floor: 0,
  share: 0,
  queueSize: 10,
  queueTimeoutMs: 10_000,
  starvationMs: 5000,
  weight: 1,
  ...changes,
});

/** Regular workers that run so many requests at the same time. */
function fleetOf(...running: readonly (number | null)[]): FleetSnapshot {
  const workers = running.map((maxRunningRequests, index) => workerOf(index, { maxRunningRequests }));
  return {
    ...EMPTY_FLEET,
    workers,
    eligible: { ...EMPTY_FLEET.eligible, regular: Int32Array.from(workers.keys()) },
    total: workers.length,
  };
}

class Rig {
  readonly clock = new FakeClock();
  readonly endOfTurn = new EndOfTurn();
  readonly counted: string[] = [];
  readonly heard: string[] = [];
  readonly priority: Priority;

  constructor(settings: Partial<PrioritySettings>, fleet: FleetSnapshot = fleetOf(2)) {
    const classes = ['system', 'interactive', 'default', 'bulk'].map((name) => classOf(name));
    const counts = {
      of: (name: string) => ({
        admitted: (_waitedMs: number, isLent: boolean) => this.counted.push(`${name}${isLent ? ' lent' : ''}`),
        full: () => this.counted.push(`${name} full`),
        late: () => this.counted.push(`${name} late`),
        left: () => this.counted.push(`${name} left`),
      }),
      clamped: (from: string, to: string) => this.counted.push(`${from} as ${to}`),
      unknown: () => this.counted.push('unknown'),
    };
    const all = { classes, ceiling: 'system', standard: 'default', requestsPerSecond: null, maxRequests: null, ...settings };
    const parts = { clock: this.clock, wheel: new TimerWheel(this.clock), endOfTurn: this.endOfTurn };
    this.priority = new Priority(all, 'regular', fleet, counts, parts);
  }

  /** A request with this header field arrives; the name of its class is heard when it gets a slot later. */
  ask(value?: string, name = value ?? 'none'): { readonly ticket: Ticket; readonly taken: string | Refusal } {
    const head = { find: (field: string) => (field === 'x-smg-priority' ? value : undefined) };
    const ticket = this.priority.check({ route: { kind: 'policy' }, head } as unknown as RequestRecord);
    assert.ok(ticket !== null && !isRefusal(ticket));
    const taken = ticket.take({ admitted: () => this.heard.push(name), refused: ({ code }) => this.heard.push(`${name}: ${code}`) });
    return { ticket, taken };
  }

  turn(): void {
    this.endOfTurn.flush();
  }
}

describe('the class of a request', () => {
  test('is what its header field names, in any case; without one, or with an unknown one, it is the standard class', () => {
    const rig = new Rig({}, fleetOf(100));
    for (const value of ['system', 'Interactive', ' BULK ', undefined, 'urgent', '']) rig.ask(value);
    assert.deepEqual(rig.counted, ['system', 'interactive', 'bulk', 'default', 'unknown', 'default', 'unknown', 'default']);
  });

  test('is at most the ceiling', () => {
    const rig = new Rig({ ceiling: 'default' }, fleetOf(100));
    for (const value of ['system', 'default', 'bulk', undefined]) rig.ask(value);
    assert.deepEqual(rig.counted, ['system as default', 'default', 'default', 'bulk', 'default']);
    const low = new Rig({ ceiling: 'bulk' }, fleetOf(100));
    low.ask();
    assert.deepEqual(low.counted, ['bulk']);
  });
});

describe('slots of priority classes', () => {
  test('are what the eligible workers report, 64 for one that does not, and enough to be refused while there is none', () => {
    const { priority } = new Rig({}, fleetOf(10, null, 5));
    assert.equal(priority.slots, 79);
    priority.snapshotChanged(fleetOf(3));
    assert.equal(priority.slots, 3);
    priority.snapshotChanged(EMPTY_FLEET);
    assert.equal(priority.slots, 1024);
    assert.equal(new Rig({ maxRequests: 7 }).priority.slots, 7);
  });

  test('that come with a worker go to those who wait', () => {
    const rig = new Rig({}, fleetOf(1));
    rig.ask('bulk');
    rig.ask('bulk', 'a');
    rig.ask('bulk', 'b');
    rig.priority.snapshotChanged(fleetOf(1, 2));
    rig.turn();
    assert.deepEqual(rig.heard, ['a', 'b']);
  });

  test('that leave with a worker are missed by nobody who has one', () => {
    const rig = new Rig({}, fleetOf(2, 2));
    const held = [1, 2, 3, 4].map(() => rig.ask('bulk'));
    rig.ask('bulk', 'a');
    rig.priority.snapshotChanged(fleetOf(2));
    for (const { ticket } of held.slice(0, 2)) ticket.release();
    rig.turn();
    assert.deepEqual(rig.heard, []);
    held[2]!.ticket.release();
    rig.turn();
    assert.deepEqual(rig.heard, ['a']);
  });

  test('go to higher classes first', () => {
    const rig = new Rig({}, fleetOf(1));
    rig.ask('bulk');
    for (const value of ['bulk', 'default', 'interactive', 'system']) rig.ask(value);
    rig.priority.snapshotChanged(fleetOf(5));
    rig.turn();
    assert.deepEqual(rig.heard, ['system', 'interactive', 'default', 'bulk']);
  });

  test('are kept for a class that is quiet, and lent to one that has waited too long', () => {
    const classes = [classOf('interactive', { share: 0.5 }), classOf('bulk', { starvationMs: 3000 })];
    const rig = new Rig({ classes, ceiling: 'interactive', standard: 'bulk' }, fleetOf(4));
    assert.deepEqual([rig.ask('bulk').taken, rig.ask('bulk').taken, rig.ask('bulk', 'late').taken], ['open', 'open', 'waits']);
    assert.equal(rig.ask('interactive').taken, 'open');
    rig.clock.advance(2900);
    assert.deepEqual(rig.heard, []);
    rig.clock.advance(300);
    assert.deepEqual(rig.heard, ['late']);
    assert.equal(rig.counted.at(-1), 'bulk lent');
  });

  test('are refused with the words of the class', () => {
    const classes = [classOf('interactive', { queueSize: 0 }), classOf('bulk', { queueTimeoutMs: 1000 })];
    const rig = new Rig({ classes, ceiling: 'interactive', standard: 'bulk' }, fleetOf(1));
    rig.ask('bulk');
    rig.ask('bulk', 'late');
    const { taken } = rig.ask('interactive');
    assert.ok(typeof taken !== 'string');
    assert.deepEqual([taken.code, taken.message], ['scheduler_queue_full', 'as many requests of class interactive wait as may: 0']);
    rig.clock.advance(1200);
    assert.deepEqual(rig.heard, ['late: scheduler_queue_timeout']);
    assert.deepEqual(rig.counted, ['bulk', 'interactive full', 'bulk late']);
  });
});
