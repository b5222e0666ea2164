/** How a worker comes to take requests for the first time, and what the router learns about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControl } from './support/control-rig.ts';

test('a worker that is up takes requests at once', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  assert.equal(rig.cell.current.total, 1);
  assert.ok((await rig.untilEligible(worker.address.url)) < 500);
});

test('a worker that has no endpoint for probes or metadata takes requests', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([]);
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  await rig.until(() => worker.requests.some((request) => request.path === '/get_model_info'));
  assert.equal(rig.find(worker.address.url).modelId, 'unknown');
});

test('a worker reports what it serves, and again after it came back', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 200],
    ['/get_server_info', { served_model_name: 'first', version: '1' }],
    ['/model_info', { model_path: '/m/other', model_type: 'llama' }],
  ]);
  rig.start({ workerUrls: [worker.address] });
  const { url } = worker.address;
  await rig.until(() => rig.find(url).modelId === 'first');
  await worker.kill();
  rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  worker.answers.set('/server_info', { model_path: 'org/second' });
  await worker.listen();
  await rig.until(() => rig.find(url).modelId === 'second');
  assert.equal(rig.find(url).index, 0);
});

test('a worker that could not be asked what it serves is asked again after its next probe', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 200],
    ['/server_info', 'reset'],
  ]);
  rig.start({ workerUrls: [worker.address] });
  const { url } = worker.address;
  await rig.until(() => worker.requests.some(({ path }) => path === '/server_info'));
  worker.answers.set('/server_info', { served_model_name: 'llama' });
  assert.ok((await rig.until(() => rig.find(url).modelId === 'llama')) < 12_000);
  assert.deepEqual(rig.eligible(), [url]);
});

test('a worker with a key is asked with it', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  await rig.call('POST', '/workers', { url: worker.address.url, api_key: 'k-1' });
  await rig.until(() => worker.requests.length >= 5);
  for (const { path, headers } of worker.requests) assert.equal(headers.authorization, 'Bearer k-1', path);
});

test('a worker that answers 503 is not ready, and is when it answers 200', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([['/ready', 503]]);
  rig.start({ workerUrls: [worker.address] });
  await rig.until(() => worker.requests.length >= 3);
  assert.deepEqual(rig.eligible(), []);
  worker.answers.set('/ready', 200);
  assert.ok((await rig.untilEligible(worker.address.url)) < 2000);
});

test('a worker that does not start in time has failed, and joins when it comes after all', async (t) => {
  const rig = startControl(t, { startupTimeoutMs: 300 });
  const worker = await rig.worker([['/ready', 503]]);
  rig.start({ workerUrls: [worker.address] });
  const { id } = rig.find(worker.address.url);
  const jobOf = async () => JSON.parse(String((await rig.call('GET', `/workers/${id}`)).body)).job_status;
  await rig.pass(400);
  const { status, message } = await jobOf();
  assert.deepEqual([status, message], ['failed', 'not ready within 0.3 s: /ready answered 503']);
  worker.answers.set('/ready', 200);
  assert.ok((await rig.untilEligible(worker.address.url)) < 7000);
  assert.equal(await jobOf(), undefined);
});

test('proxy variables of the environment have no effect on probes', async (t) => {
  process.env['http_proxy'] = process.env['HTTP_PROXY'] = 'http://127.0.0.1:9';
  t.after(() => {
    delete process.env['http_proxy'];
    delete process.env['HTTP_PROXY'];
  });
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
});

test('a redirect is not followed and is a sign of life', async (t) => {
  const rig = startControl(t);
  const target = await rig.worker();
  const worker = await rig.worker([
    ['/ready', 302],
    ['/health', 302],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  assert.equal(target.requests.length, 0);
});

test('with a health endpoint of its own only that one is asked', async (t) => {
  const rig = startControl(t, { healthCheckEndpoint: '/my/health' });
  const worker = await rig.worker([
    ['/ready', 200],
    ['/my/health', 503],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.until(() => worker.requests.length >= 2);
  assert.deepEqual(rig.eligible(), []);
  worker.answers.set('/my/health', 200);
  await rig.untilEligible(worker.address.url);
  assert.ok(worker.requests.every(({ path }) => path === '/my/health' || path.includes('info')));
});
