/** What both engines of a pair get, and what the client gets of their answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PairEngine, startEngine, startPairRouter } from './support/pair-router.ts';
import { requestBytes } from './support/raw-client.ts';
import { type Call, jsonAnswer, LAST_CHUNK, sseAnswer, sseHead } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

const GENERATE = '/generate';
const CHAT = '/v1/chat/completions';

const prefillAnswer = jsonAnswer({ text: 'a', meta_info: { finish_reason: { type: 'length', length: 0 } } });

async function answerWith(call: Call, bytes: Buffer): Promise<void> {
  await call.body();
  await call.write(bytes);
}

interface Members {
  readonly bootstrap_host: unknown;
  readonly bootstrap_port: unknown;
  readonly rid?: unknown;
}

/** The room as it stands in the body: too large for a double. */
function roomIn(body: Buffer): string {
  const found = /"bootstrap_room":(\d+)/.exec(body.toString());
  assert.ok(found !== null, body.toString());
  return found[1]!;
}

test('sends both legs the same body, with the bootstrap fields in front and every other byte as it came', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  prefill.script = (call) => answerWith(call, prefillAnswer);
  decode.script = (call) => answerWith(call, jsonAnswer({ text: 'abc' }));
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  const body = '{ "text" : "h\\u0069", "sampling_params":{"temperature":0.7,"max_new_tokens":1e1} , "x":12345678901234567890 }';
  await client.send(requestBytes({ path: GENERATE, body }));
  const response = await client.response('POST');
  assert.equal(response.status, 200);
  assert.deepEqual(response.json(), { text: 'abc' });
  const [toPrefill, toDecode] = [await (await prefill.next()).body(), await (await decode.next()).body()];
  assert.deepEqual(toPrefill, toDecode);
  const room = roomIn(toPrefill);
  const added = `"bootstrap_host":"127.0.0.1","bootstrap_port":8998,"bootstrap_room":${room},"rid":"pair-${room.padStart(19, '0')}",`;
  assert.equal(toPrefill.toString(), `{${added}${body.slice(1)}`);
  assert.ok(BigInt(room) >= 1n && BigInt(room) < 2n ** 63n);
  await router.quiet();
  assert.deepEqual([...router.outcomes].sort(), ['decode0 ok 200', 'prefill0 ok 200']);
  assert.equal(prefill.aborted.length + decode.aborted.length, 0);
});

test('replaces bootstrap fields of the client, sends null for a port that is not known, keeps the rid of the client', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  prefill.script = (call) => answerWith(call, prefillAnswer);
  decode.script = (call) => answerWith(call, jsonAnswer({ text: 'abc' }));
  const router = await startPairRouter(t, [prefill, decode], { bootstrapPort: null });
  const client = await router.connect();
  const body = '{"bootstrap_room":0,"text":"a","bootstrap_host":null,"rid":"mine","boot\\u0073trap_port":1,"bootstrap_room":-1}';
  await client.send(requestBytes({ path: GENERATE, body }));
  assert.equal((await client.response('POST')).status, 200);
  const sent = (await (await decode.next()).body()).toString();
  const room = roomIn(Buffer.from(sent));
  assert.equal(sent, `{"bootstrap_host":"127.0.0.1","bootstrap_port":null,"bootstrap_room":${room},"text":"a","rid":"mine"}`);
  assert.deepEqual(await (await prefill.next()).body(), Buffer.from(sent));
});

test('a request id of null is none: both legs and aborts have the one of the router', async (t) => {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [prefill, decode]);
  for (const [body, rest] of [
    ['{"text":"a","rid":null}', '"text":"a"'],
    ['{"rid":"old", "text":"a" , "r\\u0069d" : null}', ' "text":"a" '],
  ] as const) {
    const client = await router.connect();
    await client.send(requestBytes({ path: GENERATE, body }));
    const sent = (await (await decode.next()).body()).toString();
    assert.deepEqual(await (await prefill.next()).body(), Buffer.from(sent));
    const rid = `pair-${roomIn(Buffer.from(sent)).padStart(19, '0')}`;
    assert.ok(sent.endsWith(`,"rid":"${rid}",${rest}}`), sent);
    client.destroy();
    await until(() => decode.aborted.includes(rid) && prefill.aborted.includes(rid), 'both engines to be told');
  }
});

test('names a prefill host of IPv6 in brackets, and is not stopped by keys that are written with escapes', async (t) => {
  const prefill = await startEngine(t, 'prefill', '::1');
  const decode = await startEngine(t, 'decode', '::1');
  prefill.script = (call) => answerWith(call, prefillAnswer);
  decode.script = (call) => answerWith(call, jsonAnswer({ text: 'abc' }));
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await client.send(requestBytes({ path: CHAT, body: '{"messages":[],"\\u0072id":"mine"}' }));
  assert.equal((await client.response('POST')).status, 200);
  const sent = (await (await decode.next()).body()).toString();
  assert.equal(
    sent,
    `{"bootstrap_host":"[::1]","bootstrap_port":8998,"bootstrap_room":${roomIn(Buffer.from(sent))},"messages":[],"\\u0072id":"mine"}`,
  );
});

test('gives every prompt of a batch its own room', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  prefill.script = (call) => answerWith(call, prefillAnswer);
  decode.script = (call) => answerWith(call, jsonAnswer([{ text: 'a' }, { text: 'b' }]));
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  for (const [path, body] of [
    [GENERATE, '{"text":["a","b"]}'],
    [GENERATE, '{"input_ids":[[1,2],[3]]}'],
    ['/v1/completions', '{"prompt":["a","b"]}'],
  ] as const) {
    await client.send(requestBytes({ path, body }));
    assert.equal((await client.response('POST')).status, 200);
    const sent = await (await decode.next()).body();
    assert.deepEqual(await (await prefill.next()).body(), sent);
    const members = JSON.parse(sent.toString()) as Members;
    assert.deepEqual(members.bootstrap_host, ['127.0.0.1', '127.0.0.1']);
    assert.deepEqual(members.bootstrap_port, [8998, 8998]);
    const rooms = /"bootstrap_room":\[(\d+),(\d+)\]/.exec(sent.toString());
    assert.ok(rooms !== null && rooms[1] !== rooms[2]);
    assert.equal(members.rid, `pair-${rooms[1]!.padStart(19, '0')}`);
  }
});

test('starts the stream with the first byte of decode, before prefill has ended', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await client.send(requestBytes({ path: CHAT, body: '{"messages":[],"stream":true}' }));
  const [p, d] = [await prefill.next(), await decode.next()];
  assert.equal(router.pairing.ledger.list(10)[0]?.phase, 'bootstrap');
  await d.write(sseHead());
  await d.chunk('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
  await client.untilText('"content":"x"');
  assert.equal(router.pairing.ledger.list(10)[0]?.phase, 'decode');
  // Prefill ends; decode goes on.
  await p.write(sseAnswer(['{"choices":[]}', '[DONE]']));
  await until(() => router.inflight(prefill) === 0, 'the load of prefill to be released');
  assert.equal(router.inflight(decode), 1);
  await d.chunk('data: [DONE]\n\n');
  await d.write(LAST_CHUNK);
  const response = await client.response('POST');
  assert.equal(response.text, 'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n');
  await router.quiet();
  assert.deepEqual(router.outcomes, ['prefill0 ok 200', 'decode0 ok 200']);
});

test('releases the load of prefill when prefill ends, and the pair when both have', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await client.send(requestBytes({ path: GENERATE, body: '{"text":"a"}' }));
  const [p, d] = [await prefill.next(), await decode.next()];
  assert.deepEqual([router.inflight(prefill), router.inflight(decode)], [1, 1]);
  await p.write(prefillAnswer);
  await until(() => router.inflight(prefill) === 0, 'the load of prefill to be released');
  assert.equal(router.pairing.ledger.list(10)[0]?.phase, 'transfer');
  assert.deepEqual([router.inflight(decode), router.pairing.ledger.size], [1, 1]);
  await d.write(jsonAnswer({ text: 'abc' }));
  assert.equal((await client.response('POST')).text, '{"text":"abc"}');
  await router.quiet();
});

test('reads a prefill that ends after decode to its end, and uses its connection again', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  decode.script = (call) => answerWith(call, jsonAnswer({ text: 'abc' }));
  for (let i = 0; i < 3; i++) {
    const late = gate();
    prefill.script = async (call) => {
      await late.promise;
      await answerWith(call, prefillAnswer);
    };
    await client.send(requestBytes({ path: GENERATE, body: '{"text":"a"}' }));
    assert.equal((await client.response('POST')).status, 200);
    assert.equal(router.inflight(prefill), 1);
    assert.equal(router.pairing.ledger.size, 1);
    late.open();
    await router.quiet();
  }
  assert.deepEqual([prefill.worker.connections.length, decode.worker.connections.length], [1, 1]);
  assert.deepEqual(prefill.aborted, []);
});

test('sends the key of each worker on both legs and with aborts, and the headers of the client', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode], { apiKey: 'of-the-worker' });
  const client = await router.connect();
  const headers = { authorization: 'Bearer of-the-client', 'x-request-id': 'r-1', 'x-smg-routing-key': 'k' };
  await client.send(requestBytes({ path: GENERATE, body: '{"text":"a"}', headers }));
  for (const engine of [prefill, decode]) {
    const call = await engine.next();
    assert.equal(call.header('authorization'), 'Bearer of-the-worker');
    assert.equal(call.header('x-request-id'), 'r-1');
    assert.equal(call.header('x-smg-routing-key'), 'k');
  }
  client.destroy();
  await until(() => prefill.abort !== null && decode.abort !== null, 'the aborts');
  for (const engine of [prefill, decode]) {
    assert.equal(engine.abort?.header('authorization'), 'Bearer of-the-worker');
    assert.equal(engine.abort?.header('x-request-id'), 'r-1');
  }
});

const refusals: readonly (readonly [string, string, string, number, RegExp])[] = [
  ['n of chat', CHAT, '{"messages":[],"n":2}', 400, /n is 2/],
  ['n of completions', '/v1/completions', '{"prompt":"a","n":3}', 400, /n is 3/],
  ['n of /generate', GENERATE, '{"text":"a","sampling_params":{"n":2}}', 400, /sampling_params.n is 2/],
  ['hidden states', GENERATE, '{"text":"a","return_hidden_states":true}', 400, /return_hidden_states is not possible/],
  ['the top k of the indexer', GENERATE, '{"text":"a","return_indexer_topk":true}', 400, /return_indexer_topk is not possible/],
  [
    'experts of several prompts in one stream of completions',
    '/v1/completions',
    '{"prompt":["a","b"],"stream":true,"return_routed_experts":true}',
    400,
    /ask without stream/,
  ],
  ['a body that is no JSON', GENERATE, '{"text":', 400, /not valid JSON/],
  ['a body that is no object', GENERATE, '[]', 400, /must be a JSON object/],
  ['embeddings', '/v1/embeddings', '{"input":"a"}', 501, /while prefill and decode are divided/],
];
for (const [what, path, body, status, message] of refusals) {
  test(`refuses ${what} before any worker sees it`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const router = await startPairRouter(t, [prefill, decode]);
    const client = await router.connect();
    await client.send(requestBytes({ path, body }));
    const response = await client.response('POST');
    assert.equal(response.status, status);
    assert.match((response.json() as { error: { message: string } }).error.message, message);
    assert.equal(prefill.worker.calls.length + decode.worker.calls.length, 0);
    assert.equal(router.records.at(-1)?.outcome, 'refused');
    assert.equal(router.pairing.ledger.roomCount, 0);
  });
}

for (const role of ['prefill', 'decode'] as const) {
  test(`says which role is missing: ${role}`, async (t) => {
    const prefill = await startEngine(t, 'prefill');
    const decode = await startEngine(t, 'decode');
    const engines: PairEngine[] = [prefill, decode];
    const router = await startPairRouter(t, engines);
    router.setEligible(role === 'prefill' ? prefill : decode, false);
    const client = await router.connect();
    await client.send(requestBytes({ path: GENERATE, body: '{"text":"a"}' }));
    const response = await client.response('POST');
    assert.equal(response.status, 503);
    assert.equal(response.get('x-smg-error-code'), 'no_available_workers');
    assert.match(response.text, new RegExp(`no ${role} worker can take requests`));
  });
}

test('passes bodies of a megabyte to both legs, and answers of a megabyte to a slow reader', async (t) => {
  const prefill = await startEngine(t, 'prefill');
  const decode = await startEngine(t, 'decode');
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  const text = 'x'.repeat(1024 * 1024);
  const body = JSON.stringify({ text });
  await client.send(requestBytes({ path: GENERATE, body }));
  const [p, d] = [await prefill.next(), await decode.next()];
  const sent = await p.body();
  assert.ok(sent.equals(await d.body()));
  assert.equal(sent.subarray(sent.indexOf('"text"')).toString(), body.slice(1));
  client.socket.pause();
  await p.write(prefillAnswer);
  const answer = 'y'.repeat(8 * 1024 * 1024);
  const written = d.write(jsonAnswer({ answer }));
  await until(() => router.inflight(prefill) === 0, 'prefill to end');
  // The decode worker is not read while the client is not: what is on its way fits into sockets.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(router.inflight(decode), 1);
  client.socket.resume();
  await written;
  const response = await client.response('POST');
  assert.equal((response.json() as { answer: string }).answer, answer);
});
