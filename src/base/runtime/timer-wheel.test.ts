import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deadline, TimerWheel, type WheelClock } from './timer-wheel.ts';

const TICK_MS = 100;

/** A clock like the real one: timers run between turns only, and time may also pass within a turn (`spend`). */
class LoopClock implements WheelClock {
  now = 12_345.5;
  #timers: { dueMs: number; run: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { dueMs: this.now + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** The loop is busy: nothing runs. */
  spend(ms: number): void {
    this.now += ms;
  }

  /** Runs what falls due within `ms`, each at its time or as soon as the loop is free. */
  turn(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#timers.reduce<{ dueMs: number; run: () => void } | null>(
        (first, timer) => (first === null || timer.dueMs < first.dueMs ? timer : first),
        null,
      );
      if (next === null || next.dueMs > Math.max(end, this.now)) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.now = Math.max(this.now, next.dueMs);
      next.run();
    }
    this.now = Math.max(this.now, end);
  }

  get pending(): number {
    return this.#timers.length;
  }
}

test('a deadline passes once, not early and at most two ticks late', () => {
  const delays = fc.oneof(
    fc.integer({ min: 0, max: 2000 }),
    fc.integer({ min: 0, max: 20 }).map((n) => n * TICK_MS),
    fc.integer({ min: 0, max: 200_000 }),
    fc.double({ min: 0, max: 500, noNaN: true }),
  );
  const steps = fc.array(fc.record({ waitMs: fc.double({ min: 0, max: 3000, noNaN: true }), delayMs: delays }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const clock = new LoopClock();
      const wheel = new TimerWheel(clock, TICK_MS);
      let passed = 0;
      for (const { waitMs, delayMs } of all) {
        clock.turn(waitMs);
        const dueMs = clock.now + delayMs;
        wheel.arm(
          new Deadline(() => {
            passed++;
            assert.ok(clock.now >= dueMs, `${dueMs - clock.now} ms early`);
            assert.ok(clock.now <= dueMs + 2 * TICK_MS, `${clock.now - dueMs} ms late`);
          }),
          delayMs,
        );
      }
      clock.turn(300_000);
      assert.equal(passed, all.length);
      assert.equal(wheel.armed, 0);
      clock.turn(TICK_MS);
      assert.equal(clock.pending, 0, 'a wheel with nothing to wait for keeps no timer');
    }),
    { numRuns: 300 },
  );
});

test('deadlines that move, are cancelled and are armed in callbacks pass exactly when they should', () => {
  const action = fc.record({
    target: fc.integer({ min: 0, max: 9 }),
    what: fc.constantFrom('arm' as const, 'cancel' as const),
    delayMs: fc.oneof(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 50_000, max: 110_000 })),
    waitMs: fc.integer({ min: 0, max: 400 }),
    spendMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 900 })),
  });
  const scripts = fc.array(action, { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(scripts, scripts, (outside, inside) => {
      const clock = new LoopClock();
      const wheel = new TimerWheel(clock, TICK_MS);
      const dueMs: (number | null)[] = new Array(10).fill(null);
      /** Time that the loop was busy, for which the wheel cannot answer. */
      let spentMs = 0;
      const spentWhenArmed: number[] = new Array(10).fill(0);
      const left = [...inside];
      const deadlines = dueMs.map((_, i) => new Deadline(() => passed(i)));
      const act = ({ target, what, delayMs, spendMs }: (typeof outside)[number]): void => {
        if (what === 'arm') {
          wheel.arm(deadlines[target]!, delayMs);
          dueMs[target] = clock.now + delayMs;
          spentWhenArmed[target] = spentMs;
        } else {
          wheel.cancel(deadlines[target]!);
          dueMs[target] = null;
        }
        clock.spend(spendMs);
        spentMs += spendMs;
      };
      const passed = (i: number): void => {
        const due = dueMs[i] ?? null;
        assert.ok(due !== null, 'a deadline passed that was not armed');
        assert.ok(!deadlines[i]!.armed);
        assert.ok(clock.now >= due, `${due - clock.now} ms early`);
        const stalledMs = spentMs - spentWhenArmed[i]!;
        assert.ok(clock.now <= due + 2 * TICK_MS + stalledMs, `${clock.now - due} ms late, ${stalledMs} of them stalled`);
        dueMs[i] = null;
        for (const next of left.splice(0, 2)) act(next);
      };
      for (const step of outside) {
        clock.turn(step.waitMs);
        act(step);
      }
      // A chain of callbacks may go on for a while; each link is at most two turns of the wheel and a bit.
      for (let i = 0; i <= inside.length && wheel.armed > 0; i++) clock.turn(120_000);
      assert.deepEqual(
        dueMs.filter((due) => due !== null),
        [],
        'a deadline never passed',
      );
      assert.equal(wheel.armed, 0);
    }),
    { numRuns: 300 },
  );
});

test('a deadline that a slow callback arms in the next tick is not forgotten for a turn of the wheel', () => {
  const clock = new LoopClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  const passed: string[] = [];
  wheel.arm(
    new Deadline(() => {
      passed.push('first');
      // Time passes into the next ticks before something is armed and others fall due.
      clock.spend(350);
      wheel.arm(new Deadline(() => passed.push('armed inside')), 1);
    }),
    100,
  );
  wheel.arm(new Deadline(() => passed.push('second')), 250);
  wheel.arm(new Deadline(() => passed.push('third')), 400);
  clock.turn(1200);
  assert.deepEqual(passed.sort(), ['armed inside', 'first', 'second', 'third']);
});

test('after a stall of several turns of the wheel every deadline passes at once', () => {
  const clock = new LoopClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  let passed = 0;
  for (let i = 0; i < 3000; i++) wheel.arm(new Deadline(() => passed++), i * 37);
  clock.spend(200_000);
  clock.turn(TICK_MS);
  assert.equal(passed, 3000);
});

test('a deadline that arms itself with no delay passes once per tick and never holds the loop', () => {
  const clock = new LoopClock();
  clock.now = 0;
  const wheel = new TimerWheel(clock, TICK_MS);
  let passed = 0;
  const deadline = new Deadline(() => {
    passed++;
    assert.ok(passed < 1000);
    wheel.arm(deadline, 0);
  });
  wheel.arm(deadline, 0);
  clock.turn(1000);
  assert.ok(passed >= 5 && passed <= 11, `${passed} times`);
});

test('nothing passes after stop, and nothing can be armed', () => {
  const clock = new LoopClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  let passed = 0;
  wheel.arm(new Deadline(() => passed++), 100);
  wheel.stop();
  wheel.stop();
  const late = new Deadline(() => passed++);
  wheel.arm(late, 100);
  assert.equal(late.armed, false);
  clock.turn(10_000);
  assert.equal(passed, 0);
  assert.equal(clock.pending, 0);
});

test('a callback that stops the wheel ends the tick', () => {
  const clock = new LoopClock();
  const wheel = new TimerWheel(clock, TICK_MS);
  let passed = 0;
  for (let i = 0; i < 5; i++) {
    wheel.arm(
      new Deadline(() => {
        passed++;
        wheel.stop();
      }),
      100,
    );
  }
  clock.turn(10_000);
  assert.equal(passed, 1);
  assert.equal(clock.pending, 0);
});
