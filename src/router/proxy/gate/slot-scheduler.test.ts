import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ClassRules, type Entry, SlotScheduler } from './slot-scheduler.ts';
import { TokenBucket } from './token-bucket.ts';

class Waiter implements Entry<Waiter> {
  readonly rank: number;
  readonly name: string;
  enteredMs = 0;
  isLent = false;
  previous: Waiter | null = null;
  next: Waiter | null = null;
  isListed = false;

  constructor(rank: number, name = '') {
    this.rank = rank;
    this.name = name;
  }
}

type Scheduler = SlotScheduler<Waiter>;

const rules = (changes: Partial<ClassRules> = {}): ClassRules => ({
  queueSize: 100,
  queueTimeoutMs: 60_000,
  starvationMs: Number.POSITIVE_INFINITY,
  weight: 1,
  ...changes,
});

const one = (slots: number, changes: Partial<ClassRules> = {}, bucket: TokenBucket | null = null): Scheduler =>
  new SlotScheduler<Waiter>([rules(changes)], slots, bucket);

/** Fills all slots, or takes `count` of them. */
function fill(scheduler: Scheduler, rank: number, count: number, nowMs = 0): Waiter[] {
  return Array.from({ length: count }, () => {
    const waiter = new Waiter(rank);
    assert.equal(scheduler.enter(waiter, nowMs), 'open');
    return waiter;
  });
}

function waitInLine(scheduler: Scheduler, rank: number, names: string, nowMs = 0): Waiter[] {
  return [...names].map((name) => {
    const waiter = new Waiter(rank, name);
    assert.equal(scheduler.enter(waiter, nowMs), 'waits');
    return waiter;
  });
}

/** All who can have a slot now, in order. */
function served(scheduler: Scheduler, nowMs = 0): string {
  let names = '';
  for (let waiter = scheduler.next(nowMs); waiter !== null; waiter = scheduler.next(nowMs)) names += waiter.name;
  return names;
}

describe('one class', () => {
  test('gives as many slots as there are, then lets wait in order, then is full', () => {
    const scheduler = one(2, { queueSize: 3 });
    const [first, second] = fill(scheduler, 0, 2);
    waitInLine(scheduler, 0, 'abc');
    assert.equal(scheduler.enter(new Waiter(0), 0), 'full');
    assert.equal(served(scheduler), '');
    scheduler.release(first!);
    scheduler.release(second!);
    assert.equal(served(scheduler), 'ab');
    assert.deepEqual([scheduler.inUse(0), scheduler.waiting(0)], [2, 1]);
  });

  test('lets nobody wait where the queue has no room', () => {
    const scheduler = one(1, { queueSize: 0 });
    fill(scheduler, 0, 1);
    assert.equal(scheduler.enter(new Waiter(0), 0), 'full');
  });

  test('lets nobody pass one that waits, although a slot is free', () => {
    const scheduler = one(1);
    const [holder] = fill(scheduler, 0, 1);
    waitInLine(scheduler, 0, 'a');
    scheduler.release(holder!);
    waitInLine(scheduler, 0, 'b');
    assert.equal(served(scheduler), 'a');
  });

  test('forgets one that leaves', () => {
    const scheduler = one(1, { queueSize: 2 });
    const [holder] = fill(scheduler, 0, 1);
    const [a] = waitInLine(scheduler, 0, 'ab');
    assert.equal(scheduler.leave(a!), true);
    assert.equal(scheduler.leave(a!), false);
    waitInLine(scheduler, 0, 'c');
    scheduler.release(holder!);
    assert.equal(served(scheduler), 'b');
  });

  test('takes out those whose time is over, the oldest first, and says when', () => {
    const scheduler = one(1, { queueTimeoutMs: 1000 });
    fill(scheduler, 0, 1);
    waitInLine(scheduler, 0, 'a', 100);
    waitInLine(scheduler, 0, 'b', 400);
    assert.equal(scheduler.dueMs(500), 1100);
    assert.equal(scheduler.nextLate(1099), null);
    assert.equal(scheduler.nextLate(1100)?.name, 'a');
    assert.equal(scheduler.nextLate(1100), null);
    assert.equal(scheduler.dueMs(1100), 1400);
  });

  test('takes no slot away when there are fewer, and fills the new ones when there are more', () => {
    const scheduler = one(3);
    const held = fill(scheduler, 0, 3);
    waitInLine(scheduler, 0, 'ab');
    scheduler.resize(1, []);
    scheduler.release(held[0]!);
    scheduler.release(held[1]!);
    assert.equal(served(scheduler), '');
    scheduler.resize(3, []);
    assert.equal(served(scheduler), 'ab');
  });

  test('needs a token for each slot, and says when the next one is there', () => {
    const scheduler = one(Number.POSITIVE_INFINITY, {}, new TokenBucket(2, 0));
    fill(scheduler, 0, 2);
    waitInLine(scheduler, 0, 'abc', 100);
    assert.equal(scheduler.dueMs(100), 500);
    assert.equal(served(scheduler, 499), '');
    assert.equal(served(scheduler, 500), 'a');
    assert.equal(served(scheduler, 10_000), 'bc');
  });

  test('spends no token on one that cannot have a slot', () => {
    const scheduler = one(1, {}, new TokenBucket(2, 0));
    const [holder] = fill(scheduler, 0, 1);
    waitInLine(scheduler, 0, 'a');
    assert.equal(served(scheduler), '');
    assert.equal(scheduler.dueMs(0), 60_000);
    scheduler.release(holder!);
    assert.equal(served(scheduler), 'a');
  });
});

/** 0 high, 1 middle, 2 low. */
function three(slots: number, reserved: readonly number[], changes: Partial<ClassRules> = {}): Scheduler {
  const classes = [9, 3, 1].map((weight) => rules({ weight, ...changes }));
  const scheduler = new SlotScheduler<Waiter>(classes, slots);
  scheduler.resize(slots, reserved);
  return scheduler;
}

describe('several classes', () => {
  test('hold back from lower ones what they have reserved and do not use', () => {
    const scheduler = three(10, [3, 2, 0]);
    fill(scheduler, 2, 5);
    waitInLine(scheduler, 2, 'l');
    fill(scheduler, 1, 2);
    waitInLine(scheduler, 1, 'm');
    fill(scheduler, 0, 3);
    waitInLine(scheduler, 0, 'h');
    assert.equal(served(scheduler), '');
  });

  test('hold nothing back from higher ones', () => {
    const scheduler = three(4, [0, 0, 3]);
    fill(scheduler, 0, 4);
  });

  test('give a slot that comes back to whom it is held for', () => {
    const scheduler = three(2, [1, 0, 0]);
    const [low] = fill(scheduler, 2, 1);
    const [high] = fill(scheduler, 0, 1);
    waitInLine(scheduler, 2, 'l');
    scheduler.release(high!);
    assert.equal(served(scheduler), '', 'it stays free for the high class');
    fill(scheduler, 0, 1);
    scheduler.release(low!);
    assert.equal(served(scheduler), 'l');
  });

  test('lend what they hold back to one that has waited too long, and say when', () => {
    const scheduler = three(2, [2, 0, 0], { starvationMs: 500 });
    const waiters = waitInLine(scheduler, 2, 'ab', 100);
    assert.equal(scheduler.dueMs(200), 600);
    assert.equal(served(scheduler, 599), '');
    assert.equal(served(scheduler, 600), 'ab');
    assert.ok(waiters.every(({ isLent }) => isLent));
    scheduler.resize(3, [0, 0, 0]);
    assert.ok(!fill(scheduler, 2, 1)[0]!.isLent);
  });

  test('give nobody a slot that is in use, however long it has waited', () => {
    const scheduler = three(2, [1, 0, 0], { starvationMs: 500 });
    fill(scheduler, 0, 2);
    waitInLine(scheduler, 2, 'a');
    assert.deepEqual([served(scheduler, 5000), scheduler.dueMs(5000)], ['', 60_000]);
  });

  test('share slots by weight while all of them wait, the higher one first', () => {
    const scheduler = three(1, [0, 0, 0]);
    let [holder] = fill(scheduler, 2, 1);
    for (const [rank, name] of ['h', 'm', 'l'].entries()) waitInLine(scheduler, rank, name.repeat(50));
    // With the slot that low has had already.
    let order = 'l';
    for (let i = 0; i < 38; i++) {
      scheduler.release(holder!);
      holder = scheduler.next(0) ?? assert.fail();
      order += holder.name;
    }
    const counts = ['h', 'm', 'l'].map((name) => order.split(name).length - 1);
    assert.deepEqual(counts, [27, 9, 3]);
    assert.equal(order[1], 'h');
  });

  test('give all slots to one that waits alone, which saves and owes nothing', () => {
    const scheduler = three(1, [0, 0, 0]);
    let [holder] = fill(scheduler, 2, 1);
    waitInLine(scheduler, 2, 'l'.repeat(60));
    const turn = (): string => {
      scheduler.release(holder!);
      holder = scheduler.next(0) ?? assert.fail();
      return holder.name;
    };
    for (let i = 0; i < 30; i++) assert.equal(turn(), 'l');
    waitInLine(scheduler, 0, 'h'.repeat(20));
    const order = Array.from({ length: 20 }, turn).join('');
    assert.ok(order.split('l').length - 1 <= 3 && order.includes('l'), order);
  });
});

describe('whatever happens, in any order', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant('enter' as const), rank: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('release' as const), at: fc.nat(99) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('leave' as const), at: fc.nat(99) }) },
    { weight: 3, arbitrary: fc.record({ what: fc.constant('time' as const), ms: fc.nat(900) }) },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant('resize' as const), slots: fc.nat(8), reserved: fc.tuple(fc.nat(3), fc.nat(3)) }),
    },
  );
  const classes = [
    rules({ weight: 4, queueSize: 2, queueTimeoutMs: 1000, starvationMs: 300 }),
    rules({ weight: 2, queueSize: 5, queueTimeoutMs: 2000, starvationMs: 600 }),
    rules({ weight: 1, queueSize: 9, queueTimeoutMs: 4000, starvationMs: 1200 }),
  ];

  test('no slot too many is given, no queue is too long, nobody passes another of the class, none waits too long, and all comes back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.option(fc.integer({ min: 1, max: 20 })), (steps, rate) => {
        const scheduler = new SlotScheduler<Waiter>(classes, 4, rate === null ? null : new TokenBucket(rate, 0));
        let slots = 4;
        let reserved: readonly number[] = [0, 0, 0];
        let nowMs = 0;
        const open: Waiter[] = [];
        const lines: Waiter[][] = [[], [], []];
        const total = (): number => scheduler.inUse(0) + scheduler.inUse(1) + scheduler.inUse(2);

        const opened = (waiter: Waiter): void => {
          assert.ok(total() <= slots, 'not more than there are slots');
          const heldBack = [0, 1].filter((rank) => rank < waiter.rank).map((rank) => Math.max(0, reserved[rank]! - scheduler.inUse(rank)));
          const isStarving = nowMs - waiter.enteredMs >= classes[waiter.rank]!.starvationMs;
          const free = slots - total();
          assert.ok(isStarving || free >= heldBack.reduce((sum, count) => sum + count, 0), 'what is held back stays free');
          open.push(waiter);
        };
        const settle = (): void => {
          for (let late = scheduler.nextLate(nowMs); late !== null; late = scheduler.nextLate(nowMs)) {
            assert.equal(lines[late.rank]!.shift(), late, 'the oldest is late first');
          }
          for (let waiter = scheduler.next(nowMs); waiter !== null; waiter = scheduler.next(nowMs)) {
            assert.equal(lines[waiter.rank]!.shift(), waiter, 'first come, first served');
            opened(waiter);
          }
        };
        for (const one of steps) {
          if (one.what === 'time') {
            // As the caller does: it comes back when something is due.
            const endMs = nowMs + one.ms;
            for (;;) {
              const dueMs = scheduler.dueMs(nowMs);
              assert.ok(dueMs > nowMs, 'nothing is left undone');
              if (dueMs > endMs) break;
              nowMs = dueMs;
              settle();
            }
            nowMs = endMs;
          } else if (one.what === 'enter') {
            const waiter = new Waiter(one.rank);
            const entered = scheduler.enter(waiter, nowMs);
            if (entered === 'open') opened(waiter);
            else if (entered === 'waits') lines[one.rank]!.push(waiter);
            else assert.equal(lines[one.rank]!.length, classes[one.rank]!.queueSize);
          } else if (one.what === 'release' && open.length > 0) {
            scheduler.release(open.splice(one.at % open.length, 1)[0]!);
          } else if (one.what === 'leave') {
            const all = lines.flat();
            const waiter = all[one.at % Math.max(1, all.length)];
            if (waiter !== undefined) {
              assert.ok(scheduler.leave(waiter));
              lines[waiter.rank]!.splice(lines[waiter.rank]!.indexOf(waiter), 1);
            }
          } else if (one.what === 'resize') {
            slots = one.slots;
            const [first, second] = one.reserved;
            reserved = [Math.min(first, slots), Math.min(second, Math.max(0, slots - first)), 0];
            scheduler.resize(slots, reserved);
          }
          settle();
          for (const [rank, line] of lines.entries()) {
            assert.equal(scheduler.waiting(rank), line.length);
            assert.ok(line.length <= classes[rank]!.queueSize);
            for (const waiter of line) assert.ok(nowMs - waiter.enteredMs < classes[rank]!.queueTimeoutMs);
          }
          assert.equal(total(), open.length);
        }
        for (const waiter of lines.flat()) assert.ok(scheduler.leave(waiter));
        for (const waiter of open) scheduler.release(waiter);
        assert.deepEqual(
          [0, 1, 2].flatMap((rank) => [scheduler.inUse(rank), scheduler.waiting(rank)]),
          [0, 0, 0, 0, 0, 0],
        );
        assert.equal(scheduler.dueMs(nowMs), Number.POSITIVE_INFINITY);
      }),
    );
  });

  test('a class that waits gets its share within one round of all weights', () => {
    const weights = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(weights, fc.nat(30), fc.nat(2), (all, before, busy) => {
        const scheduler = new SlotScheduler<Waiter>(
          all.map((weight) => rules({ weight, queueSize: 1000 })),
          1,
        );
        let [holder] = fill(scheduler, busy, 1);
        const turn = (): Waiter => {
          scheduler.release(holder!);
          holder = scheduler.next(0) ?? assert.fail();
          return holder;
        };
        // One class had the slots for itself before the others came.
        waitInLine(scheduler, busy, 'b'.repeat(200));
        for (let i = 0; i < before; i++) turn();
        for (const rank of [0, 1, 2].filter((other) => other !== busy)) waitInLine(scheduler, rank, 'x'.repeat(200));
        const round = all.reduce((sum, weight) => sum + weight, 0);
        const counts = [0, 0, 0];
        for (let i = 0; i < 4 * round; i++) counts[turn().rank]!++;
        for (const [rank, weight] of all.entries()) {
          assert.ok(Math.abs(counts[rank]! - 4 * weight) <= 2, `class ${rank} of ${all} got ${counts}`);
        }
      }),
    );
  });
});
