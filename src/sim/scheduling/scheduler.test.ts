import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import type { Generation, GenerationSpec } from './generation.ts';
import { Scheduler, type SchedulerSettings } from './scheduler.ts';

const SETTINGS: SchedulerSettings = {
  prefillTokensPerSec: 1000,
  stepOverheadMs: 0,
  itlMs: 10,
  itlPerRequestMs: 1,
  kvTokens: 10_000,
  pageSize: 1,
  radixCache: true,
  contextLength: 4096,
  maxRunningRequests: 16,
  maxQueuedRequests: 0,
  chunkedPrefillSize: 500,
  streamInterval: 1,
  meanOutputTokens: 0,
  speedup: 1,
  seed: 1,
};

const SPEC: GenerationSpec = {
  index: 0,
  rid: 'r',
  prompt: new Uint16Array(100),
  maxNewTokens: 4,
  minNewTokens: 0,
  stop: [],
  stopTokenIds: [],
  keepStop: false,
  ignoreEos: true,
  returnLogprob: false,
  logprobStart: -1,
  sample: 0,
  pair: null,
  rank: 0,
};

/** A scheduler on a clock that tests move, with a diary of when tokens came. */
class Rig {
  readonly clock = new FakeClock();
  readonly scheduler: Scheduler;
  readonly times = new Map<Generation, number[]>();
  readonly ended: Generation[] = [];

  constructor(settings: Partial<SchedulerSettings> = {}) {
    this.scheduler = new Scheduler({ ...SETTINGS, ...settings }, this.clock);
  }

  submit(spec: Partial<GenerationSpec> = {}): Generation {
    const generation = this.trySubmit(spec);
    assert.ok(generation !== null, 'the queue is full');
    return generation;
  }

  trySubmit(spec: Partial<GenerationSpec> = {}): Generation | null {
    const note = (generation: Generation): void => {
      this.times.set(generation, [...(this.times.get(generation) ?? []), this.clock.nowMs()]);
    };
    const generation = this.scheduler.submit(
      { ...SPEC, ...spec },
      {
        advanced: note,
        ended: (ended) => {
          note(ended);
          this.ended.push(ended);
        },
      },
    );
    this.scheduler.wake();
    return generation;
  }

  /** Runs until nothing is left to do. */
  finish(): void {
    while (this.clock.advanceToNext());
  }
}

/** A prompt of its own: `length` tokens, all `id`. */
const prompt = (length: number, id = 0): Uint16Array => new Uint16Array(length).fill(id);

test('the first token comes after the prompt at the prefill rate, the others after the inter-token time', () => {
  const rig = new Rig();
  const one = rig.submit();
  rig.finish();
  assert.deepEqual(rig.times.get(one), [100, 111, 122, 133]);
  assert.deepEqual(one.finish, { type: 'length', length: 4 });
});

test('the inter-token time grows with the batch', () => {
  const rig = new Rig();
  const both = [rig.submit({ prompt: prompt(100, 1) }), rig.submit({ prompt: prompt(100, 2) })];
  rig.finish();
  // The first goes alone, the second with the next step; from then on a step takes 10 + 2 ms.
  assert.deepEqual(rig.times.get(both[0]!), [100, 212, 224, 236]);
  assert.deepEqual(rig.times.get(both[1]!), [200, 212, 224, 236]);
});

test('prompts that wait together are computed in one step', () => {
  const rig = new Rig();
  rig.submit({ prompt: prompt(100, 1), maxNewTokens: 1 });
  const later = [2, 3, 4].map((id) => rig.submit({ prompt: prompt(100, id), maxNewTokens: 1 }));
  rig.finish();
  for (const generation of later) assert.deepEqual(rig.times.get(generation), [400]);
});

test('a long prompt is computed in chunks, and the decode of others stands still meanwhile', () => {
  const rig = new Rig();
  const short = rig.submit({ maxNewTokens: 3 });
  rig.clock.advance(100);
  const long = rig.submit({ prompt: prompt(1200, 7), maxNewTokens: 1 });
  rig.finish();
  // A decode step (11 ms) was under way; then 500 + 500 + 200 tokens.
  assert.deepEqual(rig.times.get(long), [1311]);
  assert.deepEqual(rig.times.get(short), [100, 111, 1322]);
});

test('speedup divides every time', () => {
  const rig = new Rig({ speedup: 10 });
  const one = rig.submit();
  rig.finish();
  assert.deepEqual(
    rig.times.get(one)?.map((ms) => Math.round(ms * 10)),
    [100, 111, 122, 133],
  );
});

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

test('without the prefix cache nothing is shared and nothing stays', () => {
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

test('when the KV memory runs out a request gives way, starts again later and says so', () => {
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

test('a request that gave way goes before those that wait', () => {
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

test('a request aborted while its prompt is computed ends once and computes nothing', () => {
  for (const length of [0, 100]) {
    const rig = new Rig({ stepOverheadMs: 5 });
    const one = rig.submit({ prompt: prompt(length) });
    assert.equal(rig.scheduler.runningRequests, 1);
    rig.scheduler.abort(one, 'gone');
    rig.finish();
    assert.equal(rig.ended.length, 1);
    assert.equal(rig.scheduler.counters.prefilledTokens, 0);
    assert.equal(one.outputIds.length, 0);
  }
});

test('an abort frees the request at once, waiting or running', () => {
  const rig = new Rig({ maxRunningRequests: 1 });
  const running = rig.submit({ maxNewTokens: 1000 });
  rig.clock.advance(200);
  const waiting = rig.submit();
  rig.scheduler.abort(waiting, 'gone');
  rig.scheduler.abort(running, 'gone');
  rig.scheduler.abort(running, 'gone');
  assert.deepEqual(
    rig.ended.map(({ finish }) => finish),
    [0, 1].map(() => ({ type: 'abort', message: 'gone', status: null })),
  );
  assert.equal(rig.scheduler.usedTokens, 0);
  rig.finish();
  assert.equal(rig.ended.length, 2);
});

test('a stop string ends the text and is cut off it; with keepStop it stays', () => {
  const rig = new Rig();
  const whole = rig.submit({ maxNewTokens: 200 });
  rig.finish();
  const stop = whole.text.slice(20, 24);
  const cut = whole.text.indexOf(stop);
  const trimmed = rig.submit({ maxNewTokens: 200, stop: ['\u0007', stop] });
  const kept = rig.submit({ maxNewTokens: 200, stop: [stop], keepStop: true });
  rig.finish();
  assert.deepEqual(trimmed.finish, { type: 'stop', matched: stop });
  assert.equal(trimmed.text, whole.text.slice(0, cut));
  assert.equal(kept.text, whole.text.slice(0, cut + 4));
  assert.equal(kept.outputIds.length, cut + 4);
});

test('texts end by themselves around the mean unless told not to', () => {
  const rig = new Rig({ meanOutputTokens: 100, maxRunningRequests: 100, kvTokens: 100_000 });
  const ends = Array.from({ length: 40 }, (_, id) => rig.submit({ prompt: prompt(10, id), maxNewTokens: 1000, ignoreEos: false }));
  const endless = rig.submit({ maxNewTokens: 400 });
  rig.finish();
  for (const { outputIds, finish } of ends) {
    assert.equal(finish?.type, 'stop');
    assert.ok(outputIds.length >= 50 && outputIds.length <= 150, `${outputIds.length} tokens`);
  }
  assert.equal(endless.outputIds.length, 400);
});

test('same seed, same prompt, same text; another seed or prompt, another text', () => {
  const textOf = (seed: number, id: number): string => {
    const rig = new Rig({ seed });
    const generation = rig.submit({ prompt: prompt(50, id), maxNewTokens: 60 });
    rig.finish();
    return generation.text;
  };
  assert.equal(textOf(1, 2), textOf(1, 2));
  assert.notEqual(textOf(1, 2), textOf(2, 2));
  assert.notEqual(textOf(1, 2), textOf(1, 3));
});

test('a paused scheduler stands still until it is resumed', () => {
  const rig = new Rig();
  const one = rig.submit();
  rig.scheduler.pause(false);
  rig.clock.advance(10_000);
  assert.equal(one.outputIds.length, 1, 'the step under way is finished');
  rig.scheduler.resume();
  rig.finish();
  assert.equal(one.outputIds.length, 4);
});

test('whatever comes and is aborted when: everything ends once, the memory is never exceeded and all of it comes back', () => {
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
