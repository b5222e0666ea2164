import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from './fake-clock.ts';

test('timers run in the order of their due times, each at its own time', () => {
  const clock = new FakeClock();
  const seen: [string, number][] = [];
  clock.after(30, () => seen.push(['late', clock.nowMs()]));
  clock.after(10, () => seen.push(['first', clock.nowMs()]));
  clock.after(10, () => seen.push(['second', clock.nowMs()]));
  clock.advance(29);
  assert.deepEqual(seen, [
    ['first', 10],
    ['second', 10],
  ]);
  assert.equal(clock.untilNextMs, 1);
  clock.advance(1);
  assert.deepEqual(seen[2], ['late', 30]);
  assert.equal(clock.pending, 0);
});

test('a timer set by a timer runs in the same advance when it falls due within it', () => {
  const clock = new FakeClock();
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    clock.after(10, tick);
  };
  clock.after(10, tick);
  clock.advance(100);
  assert.equal(ticks, 10);
  assert.equal(clock.nowMs(), 100);
});

test('a cancelled timer does not run, also when another timer cancels it', () => {
  const clock = new FakeClock();
  let ran = false;
  const victim = clock.after(20, () => {
    ran = true;
  });
  clock.after(10, () => victim.cancel());
  clock.advance(100);
  victim.cancel();
  assert.equal(ran, false);
});
