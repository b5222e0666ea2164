import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../base/core/clock.ts';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { StepClock } from './step-clock.ts';

/** A clock whose timers fire late, as those of a busy process do. */
function lateClock(clock: FakeClock, lateMs: number): Clock {
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    after: (ms, run) => clock.after(Math.max(1, Math.ceil(ms)) + lateMs, run),
  };
}

function stepsIn(clock: FakeClock, stepClock: Clock, durationMs: number, forMs: number): number {
  let ended = 0;
  const steps = new StepClock(
    stepClock,
    () => durationMs,
    () => {
      ended++;
    },
  );
  steps.wake();
  clock.advance(forMs);
  steps.stop();
  return ended;
}

test('steps shorter than a timer can be, and late timers, do not change the rate', () => {
  const exact = new FakeClock();
  assert.equal(stepsIn(exact, exact, 10, 1000), 100);
  const grain = new FakeClock();
  assert.ok(Math.abs(stepsIn(grain, lateClock(grain, 0), 0.25, 1000) - 4000) <= 10);
  const late = new FakeClock();
  assert.ok(Math.abs(stepsIn(late, lateClock(late, 7), 5, 1000) - 200) <= 3);
});

test('a lag that is too long is forgotten instead of made good in a burst', () => {
  const clock = new FakeClock();
  const ended = stepsIn(clock, lateClock(clock, 999), 10, 1100);
  // A hundred were due; those of the last 100 ms are made good.
  assert.ok(ended >= 10 && ended <= 12, `${ended} steps`);
});

test('nothing to do: no timer; woken twice: one step', () => {
  const clock = new FakeClock();
  let work = 0;
  const steps = new StepClock(
    clock,
    () => (work > 0 ? 5 : null),
    () => {
      work--;
    },
  );
  steps.wake();
  assert.equal(clock.pending, 0);
  work = 1;
  steps.wake();
  steps.wake();
  assert.equal(clock.pending, 1);
  clock.advance(5);
  assert.equal(work, 0);
  assert.equal(clock.pending, 0);
});
