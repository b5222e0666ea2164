/** What the simulated scheduler admits and shares: queue, prefix cache, KV memory, retractions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prompt, Rig } from '../../../test/support/scheduler-rig.ts';
import type { Generation } from './generation.ts';

test('the same prompt again takes all but one token from the cache, and the output of the last turn too', () => {
  const rig = new Rig();
  rig.submit();
  rig.finish();
  const again = rig.submit();
  rig.finish();
  assert.equal(again.cachedTokens, 99);
  const first = rig.ended[0]!;
  // The last token of an output has no KV.
  const nextTurn = rig.submit({ prompt: Uint16Array.from([...first.allTokens(), 5, 5]) });
  rig.finish();
  assert.equal(nextTurn.cachedTokens, 103);
});

test('input logprobs from the start take nothing from the cache', () => {
  const rig = new Rig();
  rig.submit();
  rig.finish();
  const again = rig.submit({ returnLogprob: true, logprobStart: 0 });
  rig.finish();
  assert.equal(again.cachedTokens, 0);
});

test('pages: a prefix is shared in whole pages', () => {
  const rig = new Rig({ pageSize: 16 });
  rig.submit();
  rig.finish();
  const again = rig.submit();
  rig.finish();
  assert.equal(again.cachedTokens, 96);
});

test('without the prefix cache nothing is shared and nothing is kept', () => {
  const rig = new Rig({ radixCache: false });
  rig.submit();
  const again = rig.submit();
  rig.finish();
  assert.equal(again.cachedTokens, 0);
  assert.equal(rig.scheduler.pool.freeTokens, rig.scheduler.pool.capacityTokens);
});

test('a full queue refuses, and what is refused counts as such', () => {
  const rig = new Rig({ maxRunningRequests: 1, maxQueuedRequests: 2 });
  rig.submit({ maxNewTokens: 100 });
  rig.clock.advance(100);
  assert.ok(rig.trySubmit() !== null);
  assert.ok(rig.trySubmit() !== null);
  assert.equal(rig.trySubmit(), null);
  assert.equal(rig.scheduler.counters.refused, 1);
  rig.finish();
  assert.equal(rig.ended.length, 3);
});

test('no more requests run than may', () => {
  const rig = new Rig({ maxRunningRequests: 3 });
  for (let id = 0; id < 10; id++) rig.submit({ prompt: prompt(10, id), maxNewTokens: 20 });
  let most = 0;
  while (rig.clock.advanceToNext()) most = Math.max(most, rig.scheduler.runningRequests);
  assert.equal(most, 3);
  assert.equal(rig.ended.length, 10);
});

test('if the KV memory runs out, a request is retracted, computed again and counted', () => {
  const rig = new Rig({ kvTokens: 640 });
  const all = [1, 2, 3].map((id) => rig.submit({ prompt: prompt(100, id), maxNewTokens: 300 }));
  rig.finish();
  for (const generation of all) assert.equal(generation.outputIds.length, 300);
  assert.ok(rig.scheduler.counters.retracted > 0);
  const retracted = all.filter((generation) => generation.retractions > 0);
  assert.ok(retracted.length > 0);
  // Its output so far is computed anew with the prompt.
  for (const generation of retracted) assert.ok(generation.input.length > generation.promptTokens);
  assert.ok(rig.scheduler.counters.prefilledTokens > 300);
  assert.equal(rig.scheduler.usedTokens, 0);
});

test('a retracted request is first in the queue', () => {
  const rig = new Rig({ kvTokens: 640, maxRunningRequests: 2, chunkedPrefillSize: 100 });
  const first = [1, 2, 3].map((id) => rig.submit({ prompt: prompt(100, id), maxNewTokens: 300 }));
  const last = rig.submit({ prompt: prompt(100, 4), maxNewTokens: 1 });
  rig.finish();
  /** When it had a token again after its longest pause. */
  const resumedMs = (generation: Generation): number => {
    const times = rig.times.get(generation) ?? [];
    const pauses = times.slice(1).map((ms, at) => ms - times[at]!);
    return times[pauses.indexOf(Math.max(...pauses)) + 1]!;
  };
  const gaveWay = first.filter((generation) => generation.retractions > 0);
  assert.ok(gaveWay.length > 0);
  assert.ok(Math.min(...gaveWay.map(resumedMs)) < (rig.times.get(last)?.[0] ?? 0));
});

test('chunks of a prompt are whole pages', () => {
  const rig = new Rig({ pageSize: 16, chunkedPrefillSize: 40, stepOverheadMs: 10 });
  const one = rig.submit({ prompt: prompt(110), maxNewTokens: 1 });
  rig.finish();
  // 32 + 32 + 32 + 14 tokens: four steps.
  assert.deepEqual(rig.times.get(one), [150]);
});

test('any order of requests and aborts: each ends once, the memory is never exceeded and all of it is freed', () => {
  const action = fc.record({
    waitMs: fc.integer({ min: 0, max: 400 }),
    length: fc.integer({ min: 0, max: 700 }),
    id: fc.integer({ min: 0, max: 2 }),
    tokens: fc.integer({ min: 0, max: 300 }),
    abort: fc.option(fc.nat(20)),
  });
  const settings = fc.record({
    kvTokens: fc.integer({ min: 1100, max: 3000 }),
    pageSize: fc.constantFrom(1, 4, 16),
    maxRunningRequests: fc.integer({ min: 1, max: 6 }),
    chunkedPrefillSize: fc.constantFrom(64, 500),
    radixCache: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 25 }), settings, (actions, given) => {
      const rig = new Rig(given);
      const { pool } = rig.scheduler;
      const submitted: Generation[] = [];
      const check = (): void => assert.ok(pool.freeTokens >= 0 && pool.usedTokens >= 0, `free ${pool.freeTokens}, used ${pool.usedTokens}`);
      for (const { waitMs, length, id, tokens, abort } of actions) {
        submitted.push(rig.submit({ prompt: prompt(length, id), maxNewTokens: tokens }));
        if (abort !== null) rig.scheduler.abort(submitted[abort % submitted.length]!, 'test');
        rig.clock.advance(waitMs);
        check();
      }
      for (let steps = 0; rig.clock.advanceToNext(); steps++) {
        check();
        assert.ok(steps < 100_000, 'it never ends');
      }
      assert.equal(rig.ended.length, submitted.length);
      assert.equal(new Set(rig.ended).size, submitted.length);
      for (const { finish, outputIds, limit } of submitted) if (finish?.type === 'length') assert.equal(outputIds.length, limit);
      assert.equal(rig.scheduler.runningRequests + rig.scheduler.waitingRequests, 0);
      assert.equal(pool.usedTokens, 0);
      assert.ok(rig.scheduler.flush());
      assert.equal(pool.freeTokens, pool.capacityTokens);
    }),
    { numRuns: 150 },
  );
});
