/** Counts in flight are compared with what is open to workers: `smg_inflight_drift` is 0 whatever requests do, and not 0 when a count is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScrapedMetrics } from './support/prometheus.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answerJson, ScriptedWorker } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

test('the drift is 0 for requests on connections, in queues and at workers that left, and shows a count that was lost', async (t) => {
  const go = gate();
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await go.promise;
    await answerJson(call);
  });
  const flags = ['--metrics-path', '/metrics', '--max-connections-per-worker', '1'];
  const router = await startTestRouter(t, flags, [worker]);
  const drift = async (): Promise<number> =>
    new ScrapedMetrics((await ask(router.port, { path: '/metrics' })).text).value('smg_inflight_drift');
  assert.equal(await drift(), 0);
  const clients = [await router.connect(), await router.connect()];
  for (const client of clients) await client.send(requestBytes({ body: '{}' }));
  await until(() => router.inflight() === 2 && worker.calls.length === 1, 'one request at the worker and one in its queue');
  assert.equal(await drift(), 0);

  router.load.acquire(0);
  assert.equal(await drift(), 1, 'a count that nothing gives back');
  router.load.release(0);
  router.load.release(1);
  assert.equal(await drift(), 1, 'a count below zero');
  router.load.acquire(1);

  await ask(router.port, { method: 'DELETE', path: `/workers/${encodeURIComponent(worker.url)}` });
  await until(() => router.fleet.current.total === 0, 'the worker to leave');
  assert.equal(router.inflight(), 2);
  assert.equal(await drift(), 0, 'requests at a worker that left');
  go.open();
  for (const client of clients) assert.equal((await client.response()).status, 200);
  assert.equal(await drift(), 0);
});
