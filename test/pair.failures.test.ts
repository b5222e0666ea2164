/**
 * Every failure of a leg, in every phase: the other leg is gone at once and its engine told, the client gets what the failing
 * leg said, only the worker that failed is blamed, and nothing is left.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PairEngine, startEngine, startPairRouter } from './support/pair-router.ts';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { answer, type Call, jsonAnswer, LAST_CHUNK, sseAnswer, sseHead } from './support/scripted-worker.ts';
import { Stopwatch } from './support/stopwatch.ts';
import { until } from './support/until.ts';

type Role = 'prefill' | 'decode';

const SOON_MS = 100;

/** This process is all of the engines, the router and the client. */
function assertSoon(since: Stopwatch, what: string): void {
  assert.ok(since.ms < SOON_MS, `${what} after ${since.ms} ms`);
}
const TOKEN = 'data: {"text":"a","meta_info":{"id":"1","finish_reason":null}}\n\n';
const PREFILL_EVENTS = ['{"text":"a","meta_info":{"id":"1","finish_reason":{"type":"length","length":0}}}', '[DONE]'];
const ABORT = '{"text":"","meta_info":{"id":"1","finish_reason":{"type":"abort","message":"no KV","status_code":503}}}';

/** What the engine of the failing leg does, once it has the request. `status`: what the client gets when no other worker is there. */
interface Failure {
  readonly name: string;
  readonly fail: (call: Call, engine: PairEngine) => void | Promise<void>;
  readonly status: number;
  /** How the attempt at the failing worker is recorded. */
  readonly outcome: string;
  /** Whether another pair is tried when there is one. */
  readonly isRetried: boolean;
  /** Whether the failing engine is told to forget the request too: only when it may be at work on it. */
  readonly isAborted?: boolean;
  readonly isStreamOnly?: boolean;
}

const FAILURES: readonly Failure[] = [
  { name: 'resets before its head', fail: (call) => call.reset(), status: 502, outcome: 'reset 0', isRetried: true },
  { name: 'closes before its head', fail: (call) => call.finish(), status: 502, outcome: 'reset 0', isRetried: true },
  {
    name: 'resets after its head',
    fail: async (call) => {
      await call.write(sseHead());
      await new Promise((resolve) => setTimeout(resolve, 5));
      call.reset();
    },
    status: 502,
    outcome: 'cut 0',
    isRetried: true,
  },
  {
    name: 'answers 400',
    fail: (call) => call.write(jsonAnswer({ error: { message: 'too long' } }, 400)),
    status: 400,
    outcome: 'ok 400',
    isRetried: false,
  },
  {
    name: 'answers 422',
    fail: (call) => call.write(answer(422, { 'content-type': 'text/plain', 'x-own': 'kept' }, 'not so')),
    status: 422,
    outcome: 'ok 422',
    isRetried: false,
  },
  {
    name: 'answers 429',
    fail: (call) => call.write(answer(429, { 'retry-after': '7' }, 'slow down')),
    status: 429,
    outcome: 'ok 429',
    isRetried: false,
  },
  {
    name: 'answers 500',
    fail: (call) => call.write(answer(500, { 'content-type': 'text/plain' }, 'Internal Server Error')),
    status: 500,
    outcome: 'status 500',
    isRetried: true,
  },
  {
    name: 'answers 503',
    fail: (call) => call.write(answer(503, { 'retry-after': '3' }, '{"message":"The request queue is full."}')),
    status: 503,
    outcome: 'status 503',
    isRetried: true,
  },
  {
    name: 'sends no HTTP',
    fail: (call) => call.write('HTTQ/1.1 200 OK\r\n\r\n'),
    status: 502,
    outcome: 'malformed 0',
    isRetried: true,
  },
  {
    name: 'says on its stream that it aborted',
    fail: (call) => call.write(sseAnswer([ABORT, '[DONE]'])),
    status: 200,
    outcome: 'status 503',
    isRetried: true,
    isStreamOnly: true,
  },
  {
    name: 'says on its stream that the request is wrong',
    fail: (call) => call.write(sseAnswer(['{"error":{"message":"too long","code":400}}', '[DONE]'])),
    status: 200,
    outcome: 'ok 400',
    isRetried: false,
    isStreamOnly: true,
  },
];

interface Scene {
  readonly failing: Call;
  readonly other: Call;
  readonly failingEngine: PairEngine;
  readonly otherEngine: PairEngine;
}

async function sceneOf(role: Role, prefill: PairEngine, decode: PairEngine): Promise<Scene> {
  const [p, d] = [await prefill.next(), await decode.next()];
  return role === 'prefill'
    ? { failing: p, other: d, failingEngine: prefill, otherEngine: decode }
    : { failing: d, other: p, failingEngine: decode, otherEngine: prefill };
}

function ask(client: RawClient, isStream: boolean): Promise<void> {
  return client.send(requestBytes({ path: '/generate', body: `{"text":"a","stream":${isStream}}` }));
}

function ridOf(call: Call): string {
  return (JSON.parse(call.message.body.toString()) as { rid: string }).rid;
}

for (const role of ['prefill', 'decode'] as const) {
  for (const isStream of [false, true]) {
    const kind = isStream ? 'stream' : 'plain';
    for (const failure of FAILURES) {
      if (failure.isStreamOnly === true && !isStream) continue;

      test(`${kind}: the only ${role} ${failure.name}: the client is told so, the other leg is aborted`, async (t) => {
        const prefill = await startEngine(t, 'prefill');
        const decode = await startEngine(t, 'decode');
        const router = await startPairRouter(t, [prefill, decode]);
        const client = await router.connect();
        await ask(client, isStream);
        const { failing, other, otherEngine } = await sceneOf(role, prefill, decode);
        const rid = ridOf(other);
        const watch = new Stopwatch();
        await failure.fail(failing, role === 'prefill' ? prefill : decode);
        assert.equal(await other.closed, 'fin');
        assertSoon(watch, 'the other leg was closed');
        const response = await client.response('POST');
        assert.equal(response.status, failure.status);
        if (failure.status === 429) assert.deepEqual([response.get('retry-after'), response.text], ['7', 'slow down']);
        if (failure.status === 503) assert.equal(response.get('retry-after'), '3');
        if (failure.status === 422) assert.deepEqual([response.get('x-own'), response.text], ['kept', 'not so']);
        if (failure.status === 502) assert.match(response.text, new RegExp(`the ${role} worker|the answer of the ${role} worker`));
        if (failure.status === 200) assert.match(response.text, /^data: .*(no KV|too long).*\n\ndata: \[DONE\]\n\n$/);
        await until(() => otherEngine.aborted.length > 0, 'the abort');
        assert.deepEqual(otherEngine.aborted, [rid]);
        await router.quiet();
        const other_ = role === 'prefill' ? 'decode' : 'prefill';
        assert.deepEqual([...router.outcomes].sort(), [`${role}0 ${failure.outcome}`, `${other_}0 cancelled 0`].sort());
        assert.equal(router.records[0]?.attempts, 1);
        assert.equal(router.records[0]?.status, failure.status);
      });

      if (!failure.isRetried) continue;

      test(`${kind}: another pair answers when the ${role} ${failure.name}`, async (t) => {
        const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
        const decodes = [await startEngine(t, 'decode'), await startEngine(t, 'decode')];
        const router = await startPairRouter(t, [...prefills, ...decodes]);
        const client = await router.connect();
        await ask(client, isStream);
        const first = await sceneOf(role, prefills[0]!, decodes[0]!);
        await failure.fail(first.failing, first.failingEngine);
        assert.equal(await first.other.closed, 'fin');
        // Round robin goes on to the second worker of both roles.
        const [p, d] = [await prefills[1]!.next(), await decodes[1]!.next()];
        assert.notEqual(ridOf(p), ridOf(first.other));
        assert.deepEqual(p.message.body, d.message.body);
        const [toPrefill, toDecode] = isStream
          ? [sseAnswer(PREFILL_EVENTS), sseAnswer([...PREFILL_EVENTS])]
          : [jsonAnswer({ text: 'a' }), jsonAnswer({ text: 'abc' })];
        await p.write(toPrefill);
        await d.write(toDecode);
        const response = await client.response('POST');
        assert.equal(response.status, 200);
        assert.equal(response.text, isStream ? PREFILL_EVENTS.map((event) => `data: ${event}\n\n`).join('') : '{"text":"abc"}');
        await router.quiet();
        assert.equal(router.outcomes.filter((outcome) => outcome === `${role}0 ${failure.outcome}`).length, 1);
        assert.deepEqual(
          router.outcomes.filter((outcome) => !/(ok 200|cancelled 0)$/.test(outcome)),
          [`${role}0 ${failure.outcome}`],
        );
        assert.equal(router.records[0]?.attempts, 2);
      });
    }

    test(`${kind}: the ${role} refuses the connection: the other leg is aborted, another pair answers or the client is told`, async (t) => {
      const prefill = await startEngine(t, 'prefill');
      const decode = await startEngine(t, 'decode');
      const dead = await startEngine(t, role);
      dead.worker.refuse();
      const router = await startPairRouter(t, [dead, prefill, decode]);
      const [alive, other] = role === 'prefill' ? [prefill, decode] : [decode, prefill];
      const client = await router.connect();
      await ask(client, isStream);
      const call = await alive.next();
      // The leg that was sent with the dead one is let go, or was never sent; the next pair has the same decode or prefill worker.
      let again = await other.next();
      if (ridOf(again) !== ridOf(call)) {
        assert.equal(await again.closed, 'fin');
        again = await other.next();
      }
      assert.equal(ridOf(again), ridOf(call));
      await call.write(jsonAnswer({ text: 'abc' }));
      await again.write(jsonAnswer({ text: 'abc' }));
      assert.equal((await client.response('POST')).text, '{"text":"abc"}');
      await router.quiet();
      assert.equal(router.outcomes.filter((outcome) => outcome.endsWith('connect-failed 0')).join(), `${role}0 connect-failed 0`);
      // And with nobody else for the role.
      router.setEligible(alive, false);
      await ask(client, isStream);
      const response = await client.response('POST');
      assert.equal(response.status, 502);
      assert.equal(response.get('x-smg-error-code'), 'call_upstream_connection_failed');
      assert.match(response.text, new RegExp(`the ${role} worker could not be reached`));
      await router.quiet();
    });
  }
}

test('a prefill that hangs is given up after the bootstrap timeout, blamed alone, and another pair answers', async (t) => {
  const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
  const decodes = [await startEngine(t, 'decode'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [...prefills, ...decodes], { bootstrapTimeoutMs: 150 });
  const client = await router.connect();
  await ask(client, true);
  const [p, d] = [await prefills[0]!.next(), await decodes[0]!.next()];
  await Promise.all([p.closed, d.closed]);
  const [p2, d2] = [await prefills[1]!.next(), await decodes[1]!.next()];
  await p2.write(sseAnswer(PREFILL_EVENTS));
  await d2.write(sseAnswer(PREFILL_EVENTS));
  assert.equal((await client.response('POST')).status, 200);
  await until(() => prefills[0]!.aborted.length === 1 && decodes[0]!.aborted.length === 1, 'both engines to be told');
  await router.quiet();
  assert.deepEqual(router.outcomes.slice(0, 2).sort(), ['decode0 cancelled 0', 'prefill0 timeout 0']);
});

test('a decode stream that does not begin after prefill has answered is given up and blamed; the client gets 504', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode], { bootstrapTimeoutMs: 150 });
  const client = await router.connect();
  await ask(client, true);
  const [p, d] = [await prefill.next(), await decode.next()];
  await d.write(sseHead());
  await p.write(sseAnswer(PREFILL_EVENTS));
  const response = await client.response('POST');
  assert.equal(response.status, 504);
  assert.match(response.text, /the decode worker did not answer in time/);
  await d.closed;
  await until(() => decode.aborted.length === 1, 'the engine to be told');
  await router.quiet();
  assert.deepEqual(router.outcomes, ['prefill0 ok 200', 'decode0 timeout 200']);
});

test('a plain decode may take longer than the bootstrap timeout once prefill has answered, but not than the request timeout', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode], { bootstrapTimeoutMs: 100, settings: { requestTimeoutMs: 400 } });
  const client = await router.connect();
  await ask(client, false);
  const [p, d] = [await prefill.next(), await decode.next()];
  await p.write(jsonAnswer({ text: 'a' }));
  const startMs = performance.now();
  const response = await client.response('POST');
  assert.ok(performance.now() - startMs > 250);
  assert.equal(response.status, 504);
  await d.closed;
  await router.quiet();
  assert.deepEqual(router.outcomes, ['prefill0 ok 200', 'decode0 timeout 0']);
});

for (const how of ['reset', 'finish'] as const) {
  test(`a stream whose decode ends by ${how} gets an error event and an end that is none; prefill is aborted`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const router = await startPairRouter(t, [prefill, decode]);
    const client = await router.connect();
    await ask(client, true);
    const [p, d] = [await prefill.next(), await decode.next()];
    await d.write(sseHead());
    await d.chunk(TOKEN);
    await client.untilText('"text":"a"');
    await d.chunk('data: {"half":');
    d[how]();
    await client.closed();
    const text = client.received.toString();
    assert.ok(!text.endsWith('0\r\n\r\n') && !text.includes('half'), text);
    const event = /data: (\{"error".*\})\n\n/.exec(text);
    assert.ok(event !== null, text);
    assert.equal((JSON.parse(event[1]!) as { error: { code: string } }).error.code, 'call_upstream_cut');
    await p.closed;
    await until(() => prefill.aborted.length === 1, 'the abort');
    await router.quiet();
    assert.deepEqual([...router.outcomes].sort(), ['decode0 cut 0', 'prefill0 cancelled 0']);
  });
}

test('a plain answer of decode that is cut has no whole end', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await ask(client, false);
  const [p, d] = [await prefill.next(), await decode.next()];
  await p.write(jsonAnswer({ text: 'a' }));
  await d.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"text":');
  await client.untilText('{"text":');
  d.reset();
  await client.closed();
  assert.ok(client.received.toString().endsWith('{"text":'));
  await router.quiet();
  assert.deepEqual(router.outcomes, ['prefill0 ok 200', 'decode0 cut 0']);
});

for (const how of ['resets', 'answers 500', 'says that it aborted'] as const) {
  test(`a prefill that ${how} after decode has begun does not matter, and is blamed`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const router = await startPairRouter(t, [prefill, decode]);
    const client = await router.connect();
    await ask(client, true);
    const [p, d] = [await prefill.next(), await decode.next()];
    await d.write(sseHead());
    await d.chunk(TOKEN);
    await client.untilText('"text":"a"');
    if (how === 'resets') p.reset();
    else await p.write(how === 'answers 500' ? jsonAnswer({}, 500) : sseAnswer([ABORT, '[DONE]']));
    await until(() => router.inflight(prefill) === 0, 'the load of prefill to be released');
    await d.chunk('data: [DONE]\n\n');
    await d.write(LAST_CHUNK);
    assert.equal((await client.response('POST')).text, `${TOKEN}data: [DONE]\n\n`);
    await router.quiet();
    const blame = { resets: 'reset 0', 'answers 500': 'status 500', 'says that it aborted': 'status 503' }[how];
    assert.deepEqual(router.outcomes, [`prefill0 ${blame}`, 'decode0 ok 200']);
    assert.equal(router.records[0]?.outcome, 'ok');
    assert.deepEqual([prefill.aborted, decode.aborted], [[], []]);
  });
}

for (const phase of ['before heads', 'after the head of decode', 'in the stream', 'after prefill']) {
  test(`a client that leaves ${phase} ends both legs at once, and both engines are told`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const router = await startPairRouter(t, [prefill, decode]);
    const client = await router.connect();
    await ask(client, phase !== 'before heads');
    const [p, d] = [await prefill.next(), await decode.next()];
    if (phase === 'after prefill') {
      await p.write(sseAnswer(PREFILL_EVENTS));
      await until(() => router.inflight(prefill) === 0, 'prefill to end');
    }
    if (phase !== 'before heads') await d.write(sseHead());
    if (phase === 'in the stream') {
      await d.chunk(TOKEN);
      await client.untilText('"text":"a"');
    }
    const watch = new Stopwatch();
    client.destroy();
    await d.closed;
    if (phase !== 'after prefill') await p.closed;
    assertSoon(watch, 'both legs were closed');
    await until(() => decode.aborted.length === 1, 'decode to be told');
    if (phase === 'after prefill') assert.deepEqual(prefill.aborted, []);
    else await until(() => prefill.aborted.length === 1, 'prefill to be told');
    await router.quiet();
    assert.equal(router.records[0]?.outcome, 'client-gone');
    for (const outcome of router.outcomes) assert.match(outcome, /client-gone|ok 200/);
  });
}

test('when many clients leave at once both engines are told of every one', async (t) => {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const upstream = { connectTimeoutMs: 1000, keepAliveMs: 5000, maxConnections: 1000, queueSize: 10, queueTimeoutMs: 1000 };
  const router = await startPairRouter(t, [prefill, decode], { settings: { upstream } });
  const clients: RawClient[] = [];
  for (let i = 0; i < 150; i++) {
    const client = await router.connect();
    await ask(client, true);
    clients.push(client);
  }
  await until(() => prefill.calls.length === 150 && decode.calls.length === 150, 'all requests');
  const rids: string[] = [];
  for (const call of decode.calls) {
    await call.body();
    rids.push(ridOf(call));
  }
  for (const client of clients) client.destroy();
  for (const { aborted } of [prefill, decode]) {
    await until(
      () => aborted.length === 150,
      () => `150 aborts, not ${aborted.length}`,
    );
    assert.deepEqual([...aborted].sort(), rids.sort());
  }
});

test('both legs may fail in the same turn', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  for (let i = 0; i < 5; i++) {
    const client = await router.connect();
    await ask(client, i % 2 === 0);
    const [p, d] = [await prefill.next(), await decode.next()];
    p.reset();
    d.reset();
    const response = await client.response('POST');
    assert.equal(response.status, 502);
    await router.quiet();
    const [one, two] = router.outcomes.slice(-2);
    assert.match(`${one} ${two}`, /reset/);
  }
});

for (const role of ['prefill', 'decode'] as const) {
  test(`two bad ${role} workers do not fail a request while there is a third, whatever the policy`, async (t) => {
    const several = await Promise.all([1, 2, 3].map(() => startEngine(t, role)));
    const single = await startEngine(t, role === 'prefill' ? 'decode' : 'prefill');
    for (const [at, engine] of several.entries())
      engine.script = (call) => call.body().then(() => call.write(jsonAnswer({ at }, at === 1 ? 200 : 502)));
    single.script = async (call) => {
      await call.body();
      // As decode engines do, it waits for its prefill engine, of which there are three.
      const isMet = (): boolean => several[1]!.calls.some((one) => one.message.done && ridOf(one) === ridOf(call));
      if (role === 'prefill') await until(() => isMet() || !call.connection.isOpen, 'the good prefill or the end of the pair');
      await call.write(jsonAnswer({ at: 1 }));
    };
    const router = await startPairRouter(t, [...several, single], { policy: 'random' });
    for (let i = 0; i < 12; i++) {
      const client = await router.connect();
      await ask(client, false);
      const response = await client.response('POST');
      assert.deepEqual([response.status, response.text], [200, '{"at":1}']);
    }
  });
}

test('at most three pairs are tried', async (t) => {
  const prefills = await Promise.all([1, 2, 3, 4, 5].map(() => startEngine(t, 'prefill')));
  const decode = await startEngine(t, 'decode');
  for (const engine of prefills)
    engine.script = (call) => call.body().then(() => call.write(jsonAnswer({ of: 'prefill' }, 502)).then(() => {}));
  const router = await startPairRouter(t, [...prefills, decode]);
  const client = await router.connect();
  await ask(client, false);
  const response = await client.response('POST');
  assert.deepEqual([response.status, response.text], [502, '{"of":"prefill"}']);
  assert.equal(router.records[0]?.attempts, 3);
  await router.quiet();
});

test('a client with a request id of its own gets another decode worker too: an engine refuses an id that it works on', async (t) => {
  const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
  const decodes = [await startEngine(t, 'decode'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [...prefills, ...decodes], { policy: 'cache_aware' });
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate', body: '{"text":"a","rid":"mine"}' }));
  await until(() => decodes[0]!.calls.length + decodes[1]!.calls.length === 1, 'the first pair');
  const of = (engines: readonly PairEngine[]): number => (engines[0]!.calls.length > 0 ? 0 : 1);
  const [p, d] = [of(prefills), of(decodes)];
  (await prefills[p]!.next()).reset();
  const given = await decodes[d]!.next();
  assert.equal(await given.closed, 'fin');
  await until(() => decodes[d]!.aborted.length === 1, 'the abort');
  assert.deepEqual(decodes[d]!.aborted, ['mine']);
  await (await prefills[1 - p]!.next()).write(jsonAnswer({}));
  const last = await decodes[1 - d]!.next();
  assert.equal(ridOf(last), 'mine');
  await last.write(jsonAnswer({ text: 'abc' }));
  assert.equal((await client.response('POST')).text, '{"text":"abc"}');
});

test("a client's own request id goes to no engine that may still work on it: without another one there is no other try", async (t) => {
  const prefills = [await startEngine(t, 'prefill'), await startEngine(t, 'prefill')];
  const decode = await startEngine(t, 'decode');
  for (const engine of prefills) engine.script = (call) => call.body().then(() => call.write(jsonAnswer({ of: 'prefill' }, 500)));
  const router = await startPairRouter(t, [...prefills, decode]);
  for (const isStream of [true, false]) {
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hi', rid: 'mine', stream: isStream }) }));
    const response = await client.response('POST');
    assert.deepEqual([response.status, response.text], [500, '{"of":"prefill"}']);
  }
  await until(() => decode.aborted.length === 2, 'decode to be told');
  assert.deepEqual([decode.calls.length, router.records.map(({ attempts }) => attempts)], [2, [1, 1]]);
});

for (const isStream of [false, true]) {
  test(`a second request with an id that is at work does not end the first (${isStream ? 'stream' : 'plain'})`, async (t) => {
    const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
    const router = await startPairRouter(t, [prefill, decode]);
    const send = async (): Promise<RawClient> => {
      const client = await router.connect();
      await client.send(requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hi', rid: 'mine', stream: isStream }) }));
      return client;
    };
    const first = await send();
    const [p, d] = [await prefill.next(), await decode.next()];
    const second = await send();
    const [refusing, other] = [await prefill.next(), await decode.next()];
    const error = '{"error":{"message":"Duplicate request ID detected: mine","code":400}}';
    await refusing.write(isStream ? sseAnswer([error, '[DONE]']) : answer(400, { 'content-type': 'application/json' }, error));
    assert.equal((await second.response('POST')).status, isStream ? 200 : 400);
    await other.closed;
    await p.write(isStream ? sseAnswer(PREFILL_EVENTS) : jsonAnswer({ text: 'a' }));
    await d.write(isStream ? sseAnswer(['{"text":"abc"}', '[DONE]']) : jsonAnswer({ text: 'abc' }));
    assert.match((await first.response('POST')).text, /"text":"abc"/);
    await router.quiet();
    assert.deepEqual([prefill.aborted, decode.aborted], [[], []]);
  });
}

test("a client's own request id is aborted once: the client may be back with it", async (t) => {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [prefill, decode]);
  const leave = async (rid: string | null): Promise<void> => {
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hi', ...(rid === null ? {} : { rid }) }) }));
    await Promise.all([prefill.next(), decode.next()]);
    client.destroy();
    await router.quiet();
  };
  await leave('mine');
  await leave(null);
  // What is said once more is said in the order of the first time.
  await until(
    () => decode.aborted.length >= 3 && prefill.aborted.length >= 3,
    () => `the second aborts: ${decode.aborted}`,
  );
  for (const { aborted } of [prefill, decode]) {
    assert.equal(aborted[0], 'mine');
    assert.match(aborted[1]!, /^pair-/); // Three were awaited.
    assert.equal(aborted[2], aborted[1]);
  }
});

test('every prompt of a batch is aborted by the id that the engine made for it', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  for (const [body, rids] of [
    ['{"text":["a","b"]}', null],
    ['{"text":["a","b"],"rid":"x"}', ['x_0', 'x_1']],
    ['{"text":["a","b"],"rid":["x","y"]}', ['x', 'y']],
  ] as const) {
    prefill.aborted.length = 0;
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body }));
    const call = await prefill.next();
    await decode.next();
    client.destroy();
    await until(() => prefill.aborted.length === 2, 'the aborts');
    const own = ridOf(call);
    assert.deepEqual([...prefill.aborted].sort(), rids ?? [`${own}_0`, `${own}_1`]);
    await router.quiet();
  }
});

for (const isStream of [false, true]) {
  test(`a router that ends tells the client and both engines (${isStream ? 'stream' : 'plain'})`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const router = await startPairRouter(t, [prefill, decode]);
    const client = await router.connect();
    await ask(client, isStream);
    const [, d] = [await prefill.next(), await decode.next()];
    if (isStream) {
      await d.write(sseHead());
      await d.chunk(TOKEN);
      await client.untilText('"text":"a"');
    }
    await router.close();
    assert.deepEqual([prefill.aborted.length, decode.aborted.length], [1, 1]);
    await client.closed();
    const text = client.received.toString();
    assert.match(text, isStream ? /data: \{"error":.*"shutting_down"/ : /^HTTP\/1\.1 503 .*"shutting_down"/s);
    assert.ok(!isStream || !text.endsWith('0\r\n\r\n'));
    assert.deepEqual([...router.outcomes].sort(), [`decode0 cancelled ${isStream ? 200 : 0}`, 'prefill0 cancelled 0']);
  });
}

test('a prefill that goes on long after decode has ended is given up at the end of the router at the latest', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await ask(client, false);
  const [p, d] = [await prefill.next(), await decode.next()];
  await d.write(jsonAnswer({ text: 'abc' }));
  assert.equal((await client.response('POST')).status, 200);
  assert.deepEqual([router.pairing.lingering.size, router.pairing.ledger.size], [1, 1]);
  await router.close();
  await p.closed;
  assert.deepEqual([router.pairing.lingering.size, router.pairing.ledger.size], [0, 0]);
  assert.equal(prefill.aborted.length, 1);
  assert.deepEqual(router.outcomes, ['decode0 ok 200', 'prefill0 cancelled 0']);
});

test("a client's id that begins another one at work is not aborted: the engine would end both", async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const ask = async (rid: string) => {
    const client = await router.connect();
    await client.send(requestBytes({ path: '/generate', body: JSON.stringify({ text: 'hi', rid }) }));
    return { client, legs: [await prefill.next(), await decode.next()] as const };
  };
  const long = await ask('job-12');
  const short = await ask('job-1');
  short.client.destroy();
  await short.legs[0].closed;
  await short.legs[1].closed;
  long.client.destroy();
  await until(() => prefill.aborted.length > 0 && decode.aborted.length > 0, 'the abort of the longer id');
  await router.quiet();
  assert.deepEqual([prefill.aborted, decode.aborted], [['job-12'], ['job-12']]);
  const again = await ask('job-1');
  again.client.destroy();
  await until(() => prefill.aborted.length > 1 && decode.aborted.length > 1, 'the abort of an id that begins no other');
  assert.deepEqual([prefill.aborted[1], decode.aborted[1]], ['job-1', 'job-1']);
});
