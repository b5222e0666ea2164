/** Logprobs of the prompt, which only the prefill leg has, in the answers that clients get. The merge itself is tested beside its code. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type PairEngine, type PairRouter, startEngine, startPairRouter } from './support/pair-router.ts';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { answer, type Call, jsonAnswer, LAST_CHUNK, sseAnswer, sseHead } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const PROMPT = [
  [null, 1, null],
  [-0.5, 2, null],
];
const OUTPUT = [[-1.5, 3, null]];
const meta = (input: unknown): object => ({ id: 'x', input_token_logprobs: input, output_token_logprobs: OUTPUT });
const prefillJson = { text: 'a', meta_info: meta(PROMPT) };
const decodeJson = { text: 'abc', meta_info: meta([]) };
const mergedJson = { text: 'abc', meta_info: meta(PROMPT) };
const events = (...values: readonly unknown[]): string[] => [...values.map((value) => JSON.stringify(value)), '[DONE]'];

interface Scene {
  readonly prefill: PairEngine;
  readonly decode: PairEngine;
  readonly router: PairRouter;
  readonly client: RawClient;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  return { prefill, decode, router, client: await router.connect() };
}

async function ask({ client, prefill, decode }: Scene, isStream: boolean, text: unknown = 'a'): Promise<readonly [Call, Call]> {
  await client.send(
    requestBytes({ path: '/generate', body: JSON.stringify({ text, stream: isStream, return_logprob: true, logprob_start_len: 0 }) }),
  );
  return [await prefill.next(), await decode.next()];
}

for (const order of ['prefill first', 'decode first'] as const) {
  test(`plain, ${order}: the answer has them, with its own length and headers`, async (t) => {
    const scene = await sceneOf(t);
    const { client, router } = scene;
    const [p, d] = await ask(scene, false);
    const toPrefill = (): Promise<void> => p.write(jsonAnswer(prefillJson));
    const toDecode = (): Promise<void> =>
      d.write(answer(200, { 'content-type': 'application/json', 'x-engine': 'decode' }, JSON.stringify(decodeJson)));
    if (order === 'prefill first') {
      await toPrefill();
      await until(() => router.inflight(scene.prefill) === 0, 'prefill to end');
      await toDecode();
    } else {
      await toDecode();
      await until(() => router.inflight(scene.decode) === 0, 'decode to end');
      assert.equal(client.receivedBytes, 0);
      await toPrefill();
    }
    const response = await client.response('POST');
    assert.deepEqual(response.json(), mergedJson);
    assert.equal(response.get('x-engine'), 'decode');
    assert.equal(response.get('content-length'), String(response.body.length));
    await router.quiet();
    assert.deepEqual([...router.outcomes].sort(), ['decode0 ok 200', 'prefill0 ok 200']);
    // The connections are as good as before.
    assert.equal(router.records[0]?.outcome, 'ok');
  });

  test(`stream, ${order}: every event has them, and leaves as soon as it can`, async (t) => {
    const scene = await sceneOf(t);
    const { client, router } = scene;
    const [p, d] = await ask(scene, true);
    await p.write(sseHead());
    if (order === 'prefill first') await p.chunk(`data: ${JSON.stringify(prefillJson)}\n\n`);
    await d.write(sseHead());
    await d.chunk(`data: ${JSON.stringify(decodeJson)}\n\n`);
    if (order === 'decode first') {
      await until(() => router.pairing.ledger.list(1)[0]?.phase === 'decode', 'decode to begin');
      assert.equal(client.receivedBytes, 0);
      await p.chunk(`data: ${JSON.stringify(prefillJson)}\n\n`);
    }
    await client.untilText('abc');
    // Prefill is not over; nobody waits for it any more.
    p.reset();
    await until(() => router.inflight(scene.prefill) === 0, 'prefill to be over');
    await d.chunk(`data: ${JSON.stringify(decodeJson)}\n\ndata: [DO`);
    await d.chunk('NE]\n\n');
    await d.write(LAST_CHUNK);
    const response = await client.response('POST');
    const event = `data: ${JSON.stringify(mergedJson)}\n\n`;
    assert.equal(response.text, `${event}${event}data: [DONE]\n\n`);
    await router.quiet();
    assert.deepEqual(router.outcomes, ['prefill0 cut 0', 'decode0 ok 200']);
  });
}

test('a batch gets those of every prompt', async (t) => {
  const scene = await sceneOf(t);
  const [p, d] = await ask(scene, false, ['a', 'b']);
  const other = [[null, 9, null]];
  await d.write(jsonAnswer([decodeJson, decodeJson]));
  await p.write(jsonAnswer([prefillJson, { text: 'b', meta_info: meta(other) }]));
  const response = await scene.client.response('POST');
  assert.deepEqual(response.json(), [mergedJson, { text: 'abc', meta_info: meta(other) }]);
});

test('streams cut anywhere are merged', async (t) => {
  const scene = await sceneOf(t);
  const [p, d] = await ask(scene, true);
  const bytes = { p: sseAnswer(events(prefillJson)), d: sseAnswer(events(decodeJson, decodeJson)) };
  for (let at = 0; at < Math.max(bytes.p.length, bytes.d.length); at += 13) {
    if (at < bytes.d.length) await d.write(bytes.d.subarray(at, at + 13));
    if (at < bytes.p.length) await p.write(bytes.p.subarray(at, at + 13));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const response = await scene.client.response('POST');
  const event = `data: ${JSON.stringify(mergedJson)}\n\n`;
  assert.equal(response.text, `${event}${event}data: [DONE]\n\n`);
});

for (const isStream of [false, true]) {
  const kind = isStream ? 'stream' : 'plain';
  test(`${kind}: a prefill that dies before it has said them fails the pair, though decode has begun`, async (t) => {
    const scene = await sceneOf(t);
    const { client, router } = scene;
    const [p, d] = await ask(scene, isStream);
    if (isStream) {
      await d.write(sseHead());
      await d.chunk(`data: ${JSON.stringify(decodeJson)}\n\n`);
      await until(() => router.pairing.ledger.list(1)[0]?.phase === 'decode', 'decode to begin');
    } else {
      await d.write(jsonAnswer(decodeJson));
      await until(() => router.inflight(scene.decode) === 0, 'decode to end');
    }
    p.reset();
    const response = await client.response('POST');
    assert.equal(response.status, 502);
    assert.match(response.text, /the prefill worker/);
    await router.quiet();
    assert.equal(router.outcomes.filter((outcome) => outcome === 'prefill0 reset 0').length, 1);
  });
}

test('another pair is tried for them, with nothing of the first left', async (t) => {
  const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
  const decodes = [await startEngine(t, 'decode'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [...prefills, ...decodes]);
  const scene: Scene = { prefill: prefills[0]!, decode: decodes[0]!, router, client: await router.connect() };
  const [p, d] = await ask(scene, true);
  await d.write(sseHead());
  await d.chunk(`data: ${JSON.stringify({ ...decodeJson, text: 'of the first' })}\n\n`);
  await until(() => router.pairing.ledger.list(1)[0]?.phase === 'decode', 'decode to begin');
  await p.write(jsonAnswer({}, 500));
  await d.closed;
  await (await prefills[1]!.next()).write(sseAnswer(events(prefillJson)));
  await (await decodes[1]!.next()).write(sseAnswer(events(decodeJson)));
  const response = await scene.client.response('POST');
  assert.equal(response.text, `data: ${JSON.stringify(mergedJson)}\n\ndata: [DONE]\n\n`);
  await router.quiet();
});

test('a batch stream whose prefill dies between two prompts ends with an error event and no end', async (t) => {
  const scene = await sceneOf(t);
  const { client, router } = scene;
  const [p, d] = await ask(scene, true, ['a', 'b']);
  await p.write(sseHead());
  await p.chunk(`data: ${JSON.stringify({ index: 0, ...prefillJson })}\n\n`);
  await d.write(sseHead());
  await d.chunk(`data: ${JSON.stringify({ index: 0, ...decodeJson })}\n\n`);
  await client.untilText('abc');
  p.reset();
  await client.closed();
  const text = client.received.toString();
  assert.match(text, /data: \{"error":.*the prefill worker/);
  assert.ok(!text.endsWith('0\r\n\r\n'));
  await d.closed;
  await router.quiet();
  assert.deepEqual([...router.outcomes].sort(), ['decode0 cancelled 200', 'prefill0 cut 0']);
});

test('a refusal of either leg passes unchanged', async (t) => {
  const scene = await sceneOf(t);
  const [p] = await ask(scene, false);
  await p.write(jsonAnswer({ error: 'too long' }, 400));
  const response = await scene.client.response('POST');
  assert.deepEqual([response.status, response.text], [400, '{"error":"too long"}']);
});

test('a prefill without logprobs leaves the answer as it is', async (t) => {
  const scene = await sceneOf(t);
  const [p, d] = await ask(scene, false);
  await p.write(jsonAnswer({ text: 'a' }));
  await d.write(jsonAnswer(decodeJson));
  assert.equal((await scene.client.response('POST')).text, JSON.stringify(decodeJson));
});

test('a decode stream is not read while prefill has not spoken, nor while the client does not read', async (t) => {
  const scene = await sceneOf(t);
  const { client, router } = scene;
  const [p, d] = await ask(scene, true);
  const event = `data: ${JSON.stringify({ ...decodeJson, pad: 'z'.repeat(60_000) })}\n\n`;
  await d.write(sseHead());
  await d.chunk(event);
  await until(() => router.pairing.ledger.list(1)[0]?.phase === 'decode', 'decode to begin');
  let written = 0;
  const all = (async () => {
    for (let i = 0; i < 200; i++) {
      await d.chunk(event);
      written++;
    }
    await d.chunk('data: [DONE]\n\n');
    await d.write(LAST_CHUNK);
  })();
  const stall = async (): Promise<number> => {
    let before = -1;
    await until(() => {
      const isStill = written === before;
      before = written;
      return isStill && written > 0;
    }, 'the decode worker to be stopped');
    return written;
  };
  client.socket.pause();
  assert.ok((await stall()) < 200);
  await p.write(sseAnswer(events(prefillJson)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok((await stall()) < 200);
  client.socket.resume();
  await all;
  const response = await client.response('POST');
  assert.equal(response.text.split('"input_token_logprobs":[[null').length - 1, 201);
});
