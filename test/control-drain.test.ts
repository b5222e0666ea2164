/** Removed workers: draining until their last request has ended, gone after. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LocalResponse } from '../src/base/core/local-route.ts';
import type { WorkerIndex } from '../src/base/core/worker.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, ScriptedWorker } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

// biome-ignore lint/suspicious/noExplicitAny: any JSON
const json = (response: LocalResponse): any => JSON.parse(String(response.body));
const OK = { kind: 'ok', status: 200 } as const;

function end(rig: ControlRig, index: WorkerIndex): void {
  rig.load.release(index);
  rig.control.attemptListener.attemptEnded(index, OK);
}

suite('a removed worker', () => {
  test('is draining while it has requests, takes no changes, and is gone after the last one', async (t) => {
    const rig = startControl(t);
    const worker = await rig.worker();
    const { url } = worker.address;
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(url);
    const { id, index } = rig.find(url);
    rig.load.acquire(index);
    rig.load.acquire(index);
    assert.equal((await rig.call('DELETE', `/workers/${id}`)).status, 202);
    assert.deepEqual(rig.eligible(), []);

    const draining = json(await rig.call('GET', `/workers/${id}`));
    assert.deepEqual(
      [draining.id, draining.url, draining.status, draining.is_healthy, draining.load],
      [id, url, 'draining', false, 2],
      'it is found by its id',
    );
    const { job_status } = draining;
    assert.deepEqual([job_status.job_type, job_status.status, job_status.message], ['RemoveWorker', 'processing', '2 requests in flight']);
    assert.equal(json(await rig.call('GET', `/workers/${encodeURIComponent(url)}`)).status, 'draining');
    const list = json(await rig.call('GET', '/workers'));
    assert.deepEqual([list.total, list.workers[0].status, list.stats.regular_count], [1, 'draining', 0]);
    assert.deepEqual(json(await rig.call('GET', '/list_workers')), { urls: [] });
    const changed = await rig.call('PATCH', `/workers/${id}`, { priority: 1 });
    assert.deepEqual([changed.status, json(changed).code], [409, 'WORKER_DRAINING']);
    const again = await rig.call('DELETE', `/workers/${id}`);
    assert.deepEqual([again.status, json(again).message], [202, 'Worker removal is under way']);

    end(rig, index);
    assert.equal(json(await rig.call('GET', `/workers/${id}`)).load, 1);
    end(rig, index);
    assert.equal((await rig.call('GET', `/workers/${id}`)).status, 404);
    assert.equal(json(await rig.call('GET', '/workers')).total, 0);
  });

  test('that is added again meanwhile is another worker: both are listed', async (t) => {
    const rig = startControl(t);
    const worker = await rig.worker();
    const { url } = worker.address;
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(url);
    const { id, index } = rig.find(url);
    rig.load.acquire(index);
    await rig.call('DELETE', `/workers/${id}`);
    const { worker_id } = json(await rig.call('POST', '/workers', { url }));
    await rig.untilEligible(url);
    assert.notEqual(rig.find(url).index, index);
    assert.equal(json(await rig.call('GET', `/workers/${encodeURIComponent(url)}`)).id, worker_id, 'the URL means the new one');
    assert.equal(json(await rig.call('GET', `/workers/${id}`)).status, 'draining');
    end(rig, index);
    assert.equal((await rig.call('GET', `/workers/${id}`)).status, 404);
    assert.equal((await rig.call('GET', `/workers/${worker_id}`)).status, 200);
  });

  test('without requests is gone at once; with --drain-settle-secs it stays that long if it has served', async (t) => {
    const rig = startControl(t, { drainSettleMs: 5000 });
    const [served, idle] = [await rig.worker(), await rig.worker()];
    rig.start({ workerUrls: [served.address, idle.address] });
    await rig.until(() => rig.eligible().length === 2);
    const { id, index } = rig.find(served.address.url);
    rig.load.acquire(index);
    end(rig, index);
    for (const { address } of [served, idle]) await rig.call('DELETE', `/workers/${encodeURIComponent(address.url)}`);
    const draining = json(await rig.call('GET', '/workers')).workers;
    assert.deepEqual(
      draining.map((one: { id: string; load: number }) => [one.id, one.load]),
      [[id, 0]],
    );
    // Its index is free: another worker may have it.
    rig.load.acquire(index);
    assert.equal(json(await rig.call('GET', `/workers/${id}`)).load, 0);
    rig.load.release(index);
    await rig.pass(4900);
    assert.equal((await rig.call('GET', `/workers/${id}`)).status, 200);
    await rig.pass(200);
    assert.equal((await rig.call('GET', `/workers/${id}`)).status, 404);
  });

  test('with data-parallel ranks drains as one', async (t) => {
    const rig = startControl(t, { isDpAware: true });
    const worker = await rig.worker([
      ['/ready', 200],
      ['/server_info', { dp_size: 2 }],
    ]);
    const { url } = worker.address;
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => rig.eligible().length === 2);
    const second = rig.find(`${url}@1`);
    rig.load.acquire(second.index);
    await rig.call('DELETE', `/workers/${encodeURIComponent(url)}`);
    const list = json(await rig.call('GET', '/workers'));
    assert.deepEqual([list.total, list.workers[0].url, list.workers[0].load], [1, url, 1]);
    assert.equal(json(await rig.call('GET', `/workers/${second.id}`)).status, 'draining');
    end(rig, second.index);
    assert.equal(json(await rig.call('GET', '/workers')).total, 0);
  });
});

test('over sockets: a removed worker ends its request, its pool closes, and only then it is gone', async (t) => {
  const go = gate();
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await go.promise;
    await call.write(answer(200, {}, 'late'));
  });
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  await client.send(requestBytes({ body: '{}' }));
  await until(() => worker.calls.length === 1, 'the request');
  const path = `/workers/${encodeURIComponent(worker.url)}`;
  assert.equal((await ask(router.port, { method: 'DELETE', path })).status, 202);
  assert.match((await ask(router.port, { path })).text, /"status":"draining"/);
  assert.equal((await ask(router.port, { body: '{}' })).status, 503, 'no new request');
  go.open();
  assert.equal((await client.response()).text, 'late');
  assert.equal((await ask(router.port, { path })).status, 404);
  await until(() => worker.openSockets === 0, 'the pool to close');
  assert.equal(router.inflight(), 0);
});

suite('PUT and PATCH', () => {
  for (const method of ['PUT', 'PATCH']) {
    test(`${method} changes what it names, also whether the worker is checked`, async (t) => {
      const rig = startControl(t);
      const worker = await rig.worker([['/ready', 503]]);
      const { url } = worker.address;
      rig.start({ workerUrls: [worker.address] });
      await rig.until(() => worker.requests.length > 0);
      const path = `/workers/${rig.find(url).id}`;
      assert.equal((await rig.call(method, path, { cost: 2, disable_health_check: true })).status, 202);
      assert.deepEqual(rig.eligible(), [url], 'unchecked, so it is taken for well');
      assert.deepEqual([rig.find(url).cost, rig.find(url).priority], [2, 50]);
      assert.equal(json(await rig.call('GET', path)).disable_health_check, true);
      const before = worker.requests.length;
      assert.equal((await rig.call(method, path, { disable_health_check: false })).status, 202);
      await rig.until(() => worker.requests.length > before);
      assert.equal(json(await rig.call('GET', path)).disable_health_check, false);
    });
  }
});

test('registration reads model, ranks, KV capacity and running requests of an engine', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 200],
    ['/server_info', { served_model_name: 'llama', dp_size: 2, max_total_num_tokens: 65_536, max_running_requests: 64 }],
  ]);
  rig.start({ workerUrls: [worker.address] });
  const { url } = worker.address;
  await rig.until(() => rig.find(url).modelId === 'llama');
  const [info] = json(await rig.call('GET', '/workers')).workers;
  assert.deepEqual(info.metadata, { served_model_name: 'llama', dp_size: '2', max_total_num_tokens: '65536' });
  assert.equal(rig.find(url).maxRunningRequests, 64);
});
