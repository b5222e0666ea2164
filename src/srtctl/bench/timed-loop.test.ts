import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { Stop } from './stop.ts';
import { runTimedLoop } from './timed-loop.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('requests start at their times, also while others are under way', async () => {
  const clock = new FakeClock();
  const started: [number, number][] = [];
  const ends: (() => void)[] = [];
  const loop = runTimedLoop({ arrivalsMs: [0, 10, 10, 500], clock, stop: new Stop() }, (index) => {
    started.push([index, clock.nowMs()]);
    return new Promise((resolve) => ends.push(resolve));
  });
  for (let ms = 0; ms < 600; ms += 10) {
    await turn();
    clock.advance(10);
  }
  await turn();
  assert.deepEqual(started, [
    [0, started[0]![1]],
    [1, started[0]![1] + 10],
    [2, started[0]![1] + 10],
    [3, started[0]![1] + 500],
  ]);
  for (const end of ends) end();
  assert.equal(await loop, 4);
});

test('nothing starts once it is stopped, and what is under way is waited for', async () => {
  const clock = new FakeClock();
  const stop = new Stop();
  let end = (): void => {};
  const loop = runTimedLoop({ arrivalsMs: [0, 1000], clock, stop }, () => new Promise((resolve) => (end = resolve)));
  await turn();
  stop.stop();
  await turn();
  end();
  assert.equal(await loop, 1);
});
