import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { LAST_CHUNK, ScriptedWorker, sseAnswer, sseHead } from './support/scripted-worker.ts';

const BODY = '{"model":"m","messages":[{"role":"user","content":"hello"}]}';

test('a plain answer reaches the client with status, head and body of the worker', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const answer = await ask(router.port, { body: BODY });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { ok: true });
  const call = await worker.next();
  assert.equal(call.method, 'POST');
  assert.equal((await call.body()).toString(), BODY);
  await router.assertQuiet();
});

test('an event leaves before the worker writes the next one', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  worker.script = async (call) => {
    await call.body();
    await call.write(sseHead());
    for (let i = 0; i < 20; i++) {
      await call.chunk(`data: {"i":${i}}\n\n`);
      await client.untilText(`data: {"i":${i}}\n\n`);
    }
    await call.write(LAST_CHUNK);
  };
  await client.send(requestBytes({ body: BODY }));
  const answer = await client.response();
  assert.equal(answer.status, 200);
  assert.equal(answer.text, Array.from({ length: 20 }, (_, i) => `data: {"i":${i}}\n\n`).join(''));
});

test('a whole event stream in one write arrives as it was sent', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseAnswer(['{"a":1}', '[DONE]']));
  });
  const router = await startTestRouter(t, [], [worker]);
  const answer = await ask(router.port, { body: BODY });
  assert.equal(answer.text, 'data: {"a":1}\n\ndata: [DONE]\n\n');
  assert.deepEqual(answer.chunks.map(String), ['data: {"a":1}\n\n', 'data: [DONE]\n\n']);
});
