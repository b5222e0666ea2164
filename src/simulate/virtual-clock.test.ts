import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from './virtual-clock.ts';

test('runs timers by time, those of one time in the order in which they were set, and none that was cancelled', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }), (timers) => {
      const clock = new VirtualClock();
      const ran: [number, number][] = [];
      for (const [i, [delayMs, isCancelled]] of timers.entries()) {
        const timer = clock.after(delayMs, () => ran.push([clock.nowMs(), i]));
        if (isCancelled) timer.cancel();
      }
      while (clock.step());
      const expected = timers.flatMap(([delayMs, isCancelled], i): [number, number][] => (isCancelled ? [] : [[delayMs, i]]));
      assert.deepEqual(
        ran,
        expected.sort(([a, i], [b, j]) => a - b || i - j),
      );
    }),
  );
});

test('runs timers that timers set', () => {
  const clock = new VirtualClock();
  const times: number[] = [];
  const again = (): void => {
    times.push(clock.nowMs());
    if (times.length < 3) clock.after(5, again);
  };
  clock.after(1, again);
  while (clock.step());
  assert.deepEqual(times, [1, 6, 11]);
});
