import assert from 'node:assert/strict';
import test from 'node:test';
import type { LocalResponse } from '../src/base/core/local-route.ts';
import { startControl } from './support/control-rig.ts';

// The shapes below are read by clients of other routers: written out in full on purpose.
// biome-ignore lint/suspicious/noExplicitAny: any JSON
const json = (response: LocalResponse): any => JSON.parse(String(response.body));

test('POST adds a worker in the background, GET shows it, DELETE removes it', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 200],
    ['/server_info', { served_model_name: 'llama', version: '0.5', tp_size: 2 }],
  ]);
  const { url } = worker.address;

  const added = await rig.call('POST', '/workers', { url, priority: 7, labels: { zone: 'a' }, api_key: 'secret' });
  assert.equal(added.status, 202);
  const { worker_id } = json(added);
  assert.deepEqual(json(added), {
    status: 'accepted',
    worker_id,
    url,
    location: `/workers/${worker_id}`,
    message: 'Worker addition queued for background processing',
  });
  assert.equal(added.headers?.['location'], `/workers/${worker_id}`);

  const pending = json(await rig.call('GET', `/workers/${worker_id}`));
  assert.equal(pending.is_healthy, false);
  assert.deepEqual([pending.model_id, pending.worker_type, pending.connection_mode], ['unknown', 'unknown', 'unknown']);
  assert.ok(Math.abs(pending.job_status.timestamp - rig.clock.wallMs() / 1000) <= 1);
  assert.deepEqual(
    { ...pending.job_status, timestamp: 0 },
    { job_type: 'AddWorker', worker_url: url, status: 'pending', message: null, timestamp: 0 },
  );

  await rig.until(() => rig.find(url).modelId === 'llama');
  rig.load.acquire(rig.find(url).index);
  const list = await rig.call('GET', '/workers');
  assert.equal(list.status, 200);
  assert.deepEqual(json(list), {
    workers: [
      {
        id: worker_id,
        url,
        model_id: 'llama',
        priority: 7,
        cost: 1,
        worker_type: 'regular',
        is_healthy: true,
        phase: 'ready',
        load: 1,
        connection_mode: 'HTTP',
        runtime_type: 'sglang',
        metadata: { served_model_name: 'llama', version: '0.5', tp_size: '2', zone: 'a' },
        circuit_breaker: { state: 'closed', failures: 0 },
        disable_health_check: false,
      },
    ],
    total: 1,
    stats: { prefill_count: 0, decode_count: 0, regular_count: 1 },
  });
  assert.doesNotMatch(String(list.body), /secret/);

  const removed = await rig.call('DELETE', `/workers/${worker_id}`);
  assert.equal(removed.status, 202);
  assert.deepEqual(json(removed), { status: 'accepted', worker_id, message: 'Worker removal queued for background processing' });
  assert.equal(rig.cell.current.total, 0);
  assert.equal(rig.load.inflight[0], 1, 'what it has goes on');
  rig.load.release(0);
  rig.control.attemptListener.attemptEnded(0, { kind: 'ok', status: 200 });
  const gone = await rig.call('GET', `/workers/${worker_id}`);
  assert.equal(gone.status, 404);
  assert.deepEqual(json(gone), { error: `Worker ${worker_id} not found`, code: 'WORKER_NOT_FOUND' });
});

test('adding the same URL again answers with the same worker', async (t) => {
  const rig = startControl(t);
  const first = json(await rig.call('POST', '/workers', { url: 'http://127.0.0.1:9' }));
  const second = await rig.call('POST', '/workers', { url: 'http://127.0.0.1:9/' });
  assert.equal(second.status, 202);
  assert.equal(json(second).worker_id, first.worker_id);
  assert.equal(rig.cell.current.total, 1);
});

test('a worker is also found by its URL, encoded or not', async (t) => {
  const rig = startControl(t);
  const { worker_id } = json(await rig.call('POST', '/workers', { url: 'http://127.0.0.1:9' }));
  assert.equal(json(await rig.call('GET', '/workers/http%3A%2F%2F127.0.0.1%3A9')).id, worker_id);
  assert.equal(json(await rig.call('GET', '/workers/http://127.0.0.1:9')).id, worker_id);
  assert.equal((await rig.call('DELETE', '/workers/http%3A%2F%2F127.0.0.1%3A9')).status, 202);
  assert.equal(rig.cell.current.total, 0);
});

test('ids that name nothing are refused', async (t) => {
  const rig = startControl(t);
  const bad = await rig.call('GET', '/workers/nonsense');
  assert.equal(bad.status, 400);
  assert.deepEqual(json(bad), {
    error: "Invalid worker_id 'nonsense' (expected UUID). Error: expected a UUID or the URL of a worker",
    code: 'BAD_REQUEST',
  });
  assert.equal((await rig.call('DELETE', '/workers/http%3A%2F%2Fa%3A1')).status, 404);
  assert.equal((await rig.call('PUT', '/workers/00000000-0000-4000-8000-000000000000', {})).status, 404);
});

test('PUT changes priority, cost, labels and key of a worker in place', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  const before = rig.find(worker.address.url);
  const changed = await rig.call('PUT', `/workers/${before.id}`, { priority: 1, cost: 2.5, labels: { a: 'b' }, api_key: 'k' });
  assert.equal(changed.status, 202);
  const { priority, cost, labels, apiKey, index, id } = rig.find(worker.address.url);
  assert.deepEqual({ priority, cost, labels, apiKey }, { priority: 1, cost: 2.5, labels: { a: 'b' }, apiKey: 'k' });
  assert.deepEqual([index, id], [before.index, before.id]);
  assert.equal(rig.eligible().length, 1, 'it stays in');
  assert.equal((await rig.call('PUT', `/workers/${before.id}`, { url: 'http://b:1' })).status, 400);
});

test('problems of a body are listed with field, value and what was expected', async (t) => {
  const rig = startControl(t);
  const invalid = await rig.call('POST', '/workers', { url: 'grpc://a:1', cost: -1 });
  assert.equal(invalid.status, 400);
  assert.deepEqual(json(invalid), {
    error:
      'url "grpc://a:1": expected http:// or https:// (grpc:// workers are not available in this version); cost -1: expected a number above 0',
    code: 'BAD_REQUEST',
    problems: [
      { field: 'url', value: 'grpc://a:1', expected: 'http:// or https:// (grpc:// workers are not available in this version)' },
      { field: 'cost', value: -1, expected: 'a number above 0' },
    ],
  });
  const notYet = await rig.call('POST', '/workers', { url: 'http://a:1', runtime: 'vllm' });
  assert.equal(notYet.status, 501);
  assert.equal(json(notYet).code, 'NOT_IMPLEMENTED');
  assert.equal((await rig.call('POST', '/workers', Buffer.from('{"url":'))).status, 400);
  assert.equal(rig.cell.current.total, 0);
});

test('/add_worker answers when the worker is ready, /list_workers names it, /remove_worker removes it', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([['/ready', 503]]);
  const { url } = worker.address;
  const adding = rig.call('POST', `/add_worker?url=${encodeURIComponent(url)}&api_key=k`);
  await rig.until(() => worker.requests.length >= 2);
  worker.answers.set('/ready', 200);
  const added = await rig.run(adding);
  assert.deepEqual([added.status, added.body], [200, `Successfully added worker: ${url}`]);
  assert.deepEqual(rig.eligible(), [url]);
  assert.equal(rig.find(url).apiKey, 'k');

  const again = await rig.call('POST', `/add_worker?url=${url}`);
  assert.deepEqual([again.status, again.body], [400, `Worker ${url} already exists`]);
  assert.deepEqual(json(await rig.call('GET', '/list_workers')), { urls: [url] });

  const removed = await rig.call('POST', `/remove_worker?url=${url}`);
  assert.deepEqual([removed.status, removed.body], [200, `Successfully removed worker: ${url}`]);
  assert.equal((await rig.call('POST', `/remove_worker?url=${url}`)).status, 404);
  assert.deepEqual(json(await rig.call('GET', '/list_workers')), { urls: [] });
});

test('/add_worker says why a worker was not added', async (t) => {
  const rig = startControl(t, { startupTimeoutMs: 200 });
  const worker = await rig.worker([['/ready', 503]]);
  const { url } = worker.address;
  const late = await rig.run(rig.call('POST', `/add_worker?url=${url}`));
  assert.deepEqual([late.status, late.body], [400, `Worker ${url} was not added: not ready within 0.2 s: /ready answered 503`]);
  assert.equal(rig.cell.current.total, 0);
  assert.equal((await rig.call('POST', '/add_worker')).body, "Worker URL required. Provide 'url' query parameter");
  assert.equal((await rig.call('POST', '/add_worker?url=a:1')).status, 400);
});

test('/add_worker ends when its worker is removed or the router stops', async (t) => {
  const rig = startControl(t);
  const removed = rig.call('POST', '/add_worker?url=http://127.0.0.1:9');
  await rig.call('POST', '/remove_worker?url=http://127.0.0.1:9');
  assert.match(String((await removed).body), /it was removed while it was starting$/);
  const stopped = rig.call('POST', '/add_worker?url=http://127.0.0.1:9');
  await rig.control.stop();
  assert.match(String((await stopped).body), /the router is shutting down$/);
});

test('health is always OK, readiness follows the workers and the end of the router', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  for (const path of ['/health', '/liveness']) {
    const { status, body } = await rig.call('GET', path);
    assert.deepEqual([status, body], [200, 'OK']);
  }
  const none = await rig.call('GET', '/readiness');
  assert.equal(none.status, 503);
  assert.deepEqual(json(none), { status: 'not ready', reason: 'insufficient healthy workers' });
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  await rig.call('POST', '/workers', { url: 'http://127.0.0.1:9' });
  const ready = await rig.call('GET', '/readiness');
  assert.equal(ready.status, 200);
  assert.deepEqual(json(ready), { status: 'ready', healthy_workers: 1, total_workers: 2 });
  rig.control.beginDrain();
  assert.equal((await rig.call('GET', '/readiness')).status, 503);
  assert.equal((await rig.call('GET', '/health')).status, 200);
});
