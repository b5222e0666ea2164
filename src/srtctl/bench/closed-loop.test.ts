import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { type LoopOptions, runClosedLoop } from './closed-loop.ts';
import { Stop } from './stop.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function optionsWith(some: Partial<LoopOptions>): LoopOptions {
  return {
    requests: 10,
    concurrency: 2,
    rate: null,
    clock: new FakeClock(),
    rng: createRng(1),
    stop: new Stop(),
    ...some,
  };
}

test('as many requests as the concurrency are under way, never more, and all are sent in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 }), async (requests, concurrency) => {
      const order: number[] = [];
      let underWay = 0;
      let most = 0;
      const started = await runClosedLoop(optionsWith({ requests, concurrency }), async (index) => {
        order.push(index);
        most = Math.max(most, ++underWay);
        await turn();
        underWay--;
      });
      assert.equal(started, requests);
      assert.equal(most, Math.min(requests, concurrency));
      assert.deepEqual(
        order,
        order.map((_, i) => i),
      );
    }),
    { numRuns: 20 },
  );
});

test('nothing starts once it is stopped', async () => {
  const stop = new Stop();
  const sent: number[] = [];
  const started = await runClosedLoop(optionsWith({ stop }), async (index) => {
    sent.push(index);
    if (index === 3) stop.stop();
    await turn();
  });
  assert.deepEqual(sent, [0, 1, 2, 3]);
  assert.equal(started, 4);
});

test('a rate spreads the arrivals: a thousand at ten in a second take about a hundred seconds', async () => {
  const clock = new FakeClock();
  let isDone = false;
  const loop = runClosedLoop(
    optionsWith({ requests: 1000, concurrency: 50, rate: { perSecond: 10, burstiness: 1 }, clock }),
    async () => {},
  ).then(() => {
    isDone = true;
  });
  while (!isDone) {
    clock.advanceToNext();
    await turn();
  }
  await loop;
  assert.ok(clock.nowMs() > 85_000 && clock.nowMs() < 115_000, `${clock.nowMs()}`);
});

test('a stop ends the wait for an arrival', async () => {
  const stop = new Stop();
  const clock = new FakeClock();
  const loop = runClosedLoop(optionsWith({ rate: { perSecond: 0.001, burstiness: 1 }, clock, stop }), async () =>
    assert.fail('nothing arrives'),
  );
  await turn();
  stop.stop();
  assert.ok((await loop) < 10);
  assert.equal(clock.pending, 0);
});
