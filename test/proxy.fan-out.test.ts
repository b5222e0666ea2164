/** Requests that go to every worker because only one of them knows the answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const NOT_FOUND = jsonAnswer({ error: 'not here' }, 404);

test('every worker gets the request with its own host and path, and the same body', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  for (const worker of workers) worker.probe = () => ({ status: 200 });
  const urls = workers.map((worker, i) => worker.url + '/base'.repeat(i));
  const router = await startTestRouter(t, ['--worker-urls', ...urls], []);
  await router.untilEligible(urls.map((url) => ({ url })));
  for (const worker of workers) {
    worker.script = async (call) => {
      await call.body();
      await call.write(NOT_FOUND);
    };
  }
  const body = JSON.stringify({ reason: 'x'.repeat(3000) });
  const response = await ask(router.port, { path: '/v1/responses/resp_1/cancel', body });
  assert.equal(response.status, 404);
  assert.deepEqual(response.json(), { error: 'not here' });
  for (const [i, worker] of workers.entries()) {
    const call = await worker.next();
    assert.equal(call.target, `${'/base'.repeat(i)}/v1/responses/resp_1/cancel`);
    assert.equal(call.header('host'), `127.0.0.1:${worker.port}`);
    assert.equal((await call.body()).toString(), body);
  }
});

test('the first good answer wins, and the other workers are let go at once', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, [], workers);
  workers[0]!.script = (call) => call.forever();
  workers[1]!.script = async (call) => {
    await call.body();
    await workers[0]!.next();
    await workers[2]!.next();
    await call.write(answer(200, { 'x-from': 'one', 'set-cookie': 'a=b' }, '{"id":"resp_1"}'));
  };
  workers[2]!.script = async (call) => {
    await call.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    await call.forever();
  };
  const response = await ask(router.port, { path: '/v1/responses/resp_1' });
  assert.equal(response.status, 200);
  assert.equal(response.get('x-from'), 'one');
  assert.equal(response.text, '{"id":"resp_1"}');
  await until(() => workers[0]!.calls[0]!.connection.isOpen === false, 'the waiting worker to be let go');
  await until(() => workers[2]!.calls[0]!.connection.isOpen === false, 'the answering worker to be let go');
  await router.assertQuiet();
});

test('workers that fail in any way are no answer; without any the client gets 502', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, [], workers);
  workers[0]!.script = (call) => call.reset();
  workers[1]!.script = async (call) => {
    await call.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    call.finish();
  };
  workers[2]!.script = (call) => call.write('nonsense\r\n\r\n');
  const none = await ask(router.port, { path: '/v1/responses/resp_1' });
  assert.equal(none.status, 502);
  assert.equal(none.get('x-smg-error-code'), 'no_worker_response');
  workers[2]!.script = (call) => call.write(jsonAnswer({ id: 'resp_1' }));
  assert.deepEqual((await ask(router.port, { path: '/v1/responses/resp_1' })).json(), { id: 'resp_1' });
  await router.assertQuiet();
});

test('a client that leaves lets all workers go', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, [], workers);
  for (const worker of workers) worker.script = (call) => call.forever();
  const client = await router.connect();
  await client.send(requestBytes({ path: '/v1/responses/resp_1' }));
  const calls = [await workers[0]!.next(), await workers[1]!.next()];
  assert.equal(router.inflight(), 2);
  client.destroy();
  for (const call of calls) await call.closed;
  await router.assertQuiet();
});

test('workers that do not answer in time are let go, and the client gets 504', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, ['--request-timeout-secs', '1'], workers);
  for (const worker of workers) worker.script = (call) => call.forever();
  const response = await ask(router.port, { path: '/v1/responses/resp_1' });
  assert.equal(response.status, 504);
  await router.assertQuiet();
});

test('a fan-out that no connection is free for ends, and leaves nothing behind', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.forever());
  const flags = ['--max-connections-per-worker', '1', '--upstream-queue-size', '0'];
  const router = await startTestRouter(t, flags, [worker]);
  const first = await router.connect();
  await first.send(requestBytes({ body: '{}' }));
  await worker.next();
  const response = await ask(router.port, { path: '/v1/responses/resp_1' });
  assert.equal(response.status, 502);
  first.destroy();
  await router.assertQuiet();
});
