/** Streams of pairs that begin before decode's first event, so that proxies in front see a long prefill at work. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type PairEngine, type PairRouter, type PairRouterOptions, startEngine, startPairRouter } from './support/pair-router.ts';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { type Call, jsonAnswer, LAST_CHUNK, sseAnswer, sseHead } from './support/scripted-worker.ts';

const START_MS = 100;
const PREFILL = { text: 'a', meta_info: { input_token_logprobs: [[null, 1, null]] } };

interface Scene {
  readonly prefill: PairEngine;
  readonly router: PairRouter;
  readonly client: RawClient;
  readonly p: Call;
  readonly d: Call;
}

/** A pair whose decode has sent its head and a comment. */
async function openStream(t: TestContext, more: object = {}, options: PairRouterOptions = {}): Promise<Scene> {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [prefill, decode], { streamStartMs: START_MS, ...options });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: JSON.stringify({ text: 'a', stream: true, ...more }) }));
  const [p, d] = [await prefill.next(), await decode.next()];
  await d.write(sseHead());
  await d.chunk(': waiting\n\n');
  return { prefill, router, client, p, d };
}

suite('a stream begins after a while, though decode has sent no event', () => {
  test('with the head and the comments of decode, and goes on as usual', async (t) => {
    const { router, client, p, d } = await openStream(t);
    await client.untilText(': waiting');
    assert.match(client.received.toString(), /^HTTP\/1.1 200 /);
    await d.chunk(': more\n\n');
    await client.untilText(': more');
    await p.write(sseAnswer(['{"text":"a"}', '[DONE]']));
    await d.chunk('data: {"text":"a"}\n\n');
    await d.chunk('data: [DONE]\n\n');
    await d.write(LAST_CHUNK);
    assert.equal((await client.response('POST')).text, ': waiting\n\n: more\n\ndata: {"text":"a"}\n\ndata: [DONE]\n\n');
    await router.quiet();
    assert.deepEqual([...router.outcomes].sort(), ['decode0 ok 200', 'prefill0 ok 200']);
    let text = '';
    for await (const slice of router.metrics.slices()) text += slice;
    assert.match(text, /smg_pd_ttft_seconds_count\{[^}]*\} 1\n/);
    assert.match(text, /smg_pd_decode_duration_seconds_count\{[^}]*\} 1\n/);
  });

  test('with the keep-alive comments of the router', async (t) => {
    const { client, d } = await openStream(t, {}, { settings: { sseKeepaliveMs: 50 } });
    await client.untilText(': keep-alive');
    await d.chunk('data: {}\n\n');
    await client.untilText('data: {}');
    client.destroy();
    await d.closed;
  });

  test('when its head comes after that time', async (t) => {
    const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
    const router = await startPairRouter(t, [prefill, decode], { streamStartMs: 0 });
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: '{"text":"a","stream":true}' }));
    const [p, d] = [await prefill.next(), await decode.next()];
    await d.write(sseHead());
    await client.untilText('text/event-stream');
    await p.write(sseAnswer(['{}', '[DONE]']));
    await d.chunk('data: [DONE]\n\n');
    await d.write(LAST_CHUNK);
    assert.equal((await client.response('POST')).text, 'data: [DONE]\n\n');
    await router.quiet();
  });

  test('with what prefill has still put into its events', async (t) => {
    const { router, client, p, d } = await openStream(t, { return_logprob: true });
    await client.untilText(': waiting');
    await d.chunk(`data: ${JSON.stringify({ text: 'a', meta_info: { input_token_logprobs: [] } })}\n\n`);
    await p.write(sseAnswer([JSON.stringify(PREFILL), '[DONE]']));
    await d.chunk('data: [DONE]\n\n');
    await d.write(LAST_CHUNK);
    assert.equal((await client.response('POST')).text, `: waiting\n\ndata: ${JSON.stringify(PREFILL)}\n\ndata: [DONE]\n\n`);
    await router.quiet();
  });
});

suite('a stream that began early and fails ends with an error event and no end', () => {
  const failures: readonly (readonly [string, (scene: Scene) => Promise<void> | void, RegExp, string])[] = [
    ['prefill dies', ({ p }) => p.reset(), /call_upstream_reset.*|the prefill worker closed/, 'prefill0 reset 0'],
    [
      'prefill refuses',
      ({ p }) => p.write(jsonAnswer({}, 503)),
      /the prefill worker refused the request with status 503/,
      'prefill0 status 503',
    ],
    ['decode dies', ({ d }) => d.reset(), /the decode worker/, 'decode0 cut 0'],
  ];
  for (const [what, fail, message, outcome] of failures) {
    for (const more of [{}, { return_logprob: true }]) {
      test(`${what} (${'return_logprob' in more ? 'merged' : 'plain'})`, async (t) => {
        const scene = await openStream(t, more);
        const { router, client } = scene;
        await client.untilText(': waiting');
        await fail(scene);
        await client.closed();
        const text = client.received.toString();
        assert.match(text, /data: \{"error":/);
        assert.match(text, message);
        assert.ok(!text.endsWith('0\r\n\r\n'));
        await router.quiet();
        assert.ok(router.outcomes.includes(outcome), router.outcomes.join('; '));
        assert.equal(router.outcomes.length, 2);
      });
    }
  }

  test('both stay silent: prefill is blamed', async (t) => {
    const { router, client } = await openStream(t, {}, { bootstrapTimeoutMs: 400 });
    await client.untilText(': waiting');
    await client.closed();
    assert.match(client.received.toString(), /data: \{"error":.*the prefill worker did not answer in time/);
    await router.quiet();
    assert.ok(
      router.outcomes.some((outcome) => outcome.startsWith('prefill0 timeout')),
      router.outcomes.join('; '),
    );
  });
});

test('until then another pair is tried, and the client sees nothing of the first', async (t) => {
  const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [...prefills, decode], { streamStartMs: 5000 });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{"text":"a","stream":true}' }));
  const [p, d] = [await prefills[0]!.next(), await decode.next()];
  await d.write(sseHead());
  await d.chunk(': of the first\n\n');
  p.reset();
  await d.closed;
  await (await prefills[1]!.next()).write(sseAnswer(['{}', '[DONE]']));
  await (await decode.next()).write(sseAnswer(['{}', '[DONE]']));
  assert.equal((await client.response('POST')).text, 'data: {}\n\ndata: [DONE]\n\n');
  await router.quiet();
});

test('plain answers and refusals are not begun early', async (t) => {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [prefill, decode], { streamStartMs: 0 });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{"text":"a"}' }));
  const [p, d] = [await prefill.next(), await decode.next()];
  await d.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(client.receivedBytes, 0);
  await p.write(jsonAnswer({}));
  await d.write('{}');
  assert.equal((await client.response('POST')).text, '{}');
  await router.quiet();
});
