/** What the data plane gives a policy of requests, workers and answers. The policy here belongs to the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerListener } from '../src/router/proxy/dispatch/answer-listener.ts';
import { type Heard, learningPolicy } from './support/learning-policy.ts';
import { startMemoryRouter } from './support/memory-router.ts';
import { startEngine, startPairRouter } from './support/pair-router.ts';
import { requestBytes } from './support/raw-client.ts';
import { jsonAnswer, sseAnswer } from './support/scripted-worker.ts';

const BODY = '{"model":"m","messages":[]}';
const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const USAGE = '"usage":{"prompt_tokens":7,"total_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":5}}';

const whatOf = (heard: readonly Heard[]): string[] => heard.map(({ what }) => what);

test('a policy gets the header fields that it needs, and knows the workers that joined', async (t) => {
  const heard: Heard[] = [];
  const router = await startMemoryRouter(t, 3, {}, learningPolicy(heard));
  for (const [headers, worker] of [
    [{ 'x-worker-host': 'worker-2', authorization: 'Bearer b' }, 2],
    [{ 'x-worker-host': 'worker-1' }, 1],
    [{}, 0],
  ] as const) {
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY, headers }));
    const flight = await router.upstreams[worker]!.next();
    flight.head(JSON_HEAD);
    flight.end();
    await client.response();
    client.destroy();
  }
  const commits = heard.filter((each) => each.what === 'commit');
  assert.deepEqual(
    commits.map(({ choice: { worker, because }, headers }) => [worker, because, headers]),
    [
      [2, 'host', ['worker-2', 'Bearer b']],
      [1, 'host', ['worker-1', undefined]],
      [0, 'first', [undefined, undefined]],
    ],
  );
  assert.ok(commits.every(({ nowMs }, at) => nowMs > 0 && nowMs >= commits[Math.max(0, at - 1)]!.nowMs));
});

test('a policy hears the first event of a stream, and the end with the tokens that the stream counts', async (t) => {
  const heard: Heard[] = [];
  const router = await startMemoryRouter(t, 1, {}, learningPolicy(heard));
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const flight = await router.upstreams[0]!.next();
  flight.head(STREAM_HEAD);
  assert.deepEqual(whatOf(heard), ['commit']);
  flight.chunks(['data: {"choices":[{"index":0}],"usage":null}\n\n']);
  assert.deepEqual(whatOf(heard), ['commit', 'first token']);
  flight.chunks(['data: {"choices":[{"index":0}],"usage":null}\n\n', `data: {"choices":[],${USAGE}}\n\n`, 'data: [DONE]\n\n']);
  flight.end();
  const answer = await client.response();
  assert.ok(answer.text.endsWith(`${USAGE}}\n\ndata: [DONE]\n\n`), 'the client gets what the worker sent');
  const [commit, first, settled] = heard;
  assert.equal(heard.length, 3);
  assert.ok(commit?.what === 'commit' && first?.what === 'first token' && settled?.what === 'settled');
  assert.equal(first.choice, commit.choice);
  assert.equal(settled.choice, commit.choice);
  assert.ok(first.nowMs >= commit.nowMs && settled.ending.nowMs >= first.nowMs);
  assert.deepEqual(settled.ending.outcome, { kind: 'ok', status: 200 });
  assert.deepEqual(settled.ending.usage, { promptTokens: 7, cachedTokens: 5, completionTokens: 2 });
});

test('a policy hears no first event of an answer that is no stream', async (t) => {
  const heard: Heard[] = [];
  const router = await startMemoryRouter(t, 1, {}, learningPolicy(heard));
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const flight = await router.upstreams[0]!.next();
  flight.head(JSON_HEAD);
  flight.data('{"choices":[],');
  flight.data(`${USAGE}}`);
  flight.end();
  await client.response();
  assert.deepEqual(whatOf(heard), ['commit', 'settled']);
  assert.equal(heard[1]?.what === 'settled' && heard[1].ending.usage?.cachedTokens, 5);
});

test('a policy hears the end of each attempt once, however it ends', async (t) => {
  const heard: Heard[] = [];
  const router = await startMemoryRouter(t, 2, {}, learningPolicy(heard));
  const retried = await router.connect();
  await retried.send(requestBytes({ body: BODY }));
  (await router.upstreams[0]!.next()).fail('connect-failed');
  const second = await router.upstreams[1]!.next();
  second.head(STREAM_HEAD);
  second.chunks([`data: {${USAGE}}\n\n`]);
  second.fail('cut');
  await retried.closed();
  const left = await router.connect();
  await left.send(requestBytes({ body: BODY }));
  await router.upstreams[0]!.next();
  left.destroy();
  await router.quiet();
  assert.deepEqual(
    heard.map((each) => [each.what, each.choice.worker, each.what === 'settled' ? [each.ending.outcome.kind, each.ending.usage] : null]),
    [
      ['commit', 0, null],
      ['settled', 0, ['connect-failed', null]],
      ['commit', 1, null],
      ['first token', 1, null],
      ['settled', 1, ['cut', null]],
      ['commit', 0, null],
      ['settled', 0, ['client-gone', null]],
    ],
  );
});

test('answers pass a listener only if the policy learns from them', async (t) => {
  const { firstToken: _first, settled: _settled, ...deaf } = learningPolicy([]);
  for (const policy of [learningPolicy([]), deaf]) {
    const router = await startMemoryRouter(t, 1, {}, policy);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    const flight = await router.upstreams[0]!.next();
    assert.equal(flight.sink instanceof AnswerListener, policy !== deaf);
  }
});

test('the policies of a pair hear each leg: the end of prefill, the first event and the end of decode', async (t) => {
  const heard: Heard[] = [];
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  prefill.script = async (call) => {
    await call.body();
    await call.write(jsonAnswer({ text: 'a', meta_info: { prompt_tokens: 7, completion_tokens: 1, cached_tokens: 3 } }));
  };
  decode.script = async (call) => {
    await call.body();
    await call.write(sseAnswer(['{"text":"a"}', `{"text":"ab",${USAGE}}`, '[DONE]']));
  };
  const router = await startPairRouter(t, [prefill, decode], { policy: learningPolicy(heard) });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{"text":"hi","stream":true}' }));
  await client.response('POST');
  await router.quiet();
  const of = (worker: number) => heard.filter(({ choice }) => choice.worker === worker);
  assert.deepEqual(whatOf(of(0)), ['commit', 'settled']);
  assert.deepEqual(whatOf(of(1)), ['commit', 'first token', 'settled']);
  const usages = heard.map((each) => (each.what === 'settled' ? each.ending.usage : null)).filter((usage) => usage !== null);
  assert.deepEqual(usages.map(({ cachedTokens }) => cachedTokens).sort(), [3, 5]);
});
