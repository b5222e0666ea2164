/** Steps, tokens, ends and pauses of the simulated scheduler. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prompt, Rig } from '../../../test/support/scheduler-rig.ts';

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

test('a long prompt is computed in chunks, and the decode of others stops meanwhile', () => {
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

test('texts end around the mean length unless ignore_eos is set', () => {
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

test('a paused scheduler starts no step until it is resumed', () => {
  const rig = new Rig();
  const one = rig.submit();
  rig.scheduler.pause(false);
  rig.clock.advance(10_000);
  assert.equal(one.outputIds.length, 1, 'the step under way is finished');
  rig.scheduler.resume();
  rig.finish();
  assert.equal(one.outputIds.length, 4);
});
