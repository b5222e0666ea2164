/** How a worker comes to take requests for the first time, and what the router learns about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LocalResponse } from '../src/base/core/local-route.ts';
import { DEFAULT_HEALTH } from '../src/router/control/registry/health-settings.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';
import type { Answer } from './support/probed-worker.ts';
import { RecordingLogger } from './support/recording-logger.ts';

test('a worker that is up takes requests at once', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  assert.equal(rig.cell.current.total, 1);
  assert.ok((await rig.untilEligible(worker.address.url)) < 500);
});

test('an engine without health routes takes requests, because it describes itself', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([['/get_model_info', { model_path: '/models/old' }]]);
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  await rig.until(() => rig.find(worker.address.url).modelId === 'old');
});

/** What the job of the only worker says once its first probe has ended. */
async function jobMessage(rig: ControlRig): Promise<string> {
  const shown = (): { job_status: { status: string; message: string } } => JSON.parse(String(last?.body)).workers[0];
  let last: LocalResponse | undefined;
  for (;;) {
    last = await rig.call('GET', '/workers');
    if (shown().job_status.status !== 'pending') return shown().job_status.message;
    await rig.pass(10);
  }
}

const NO_ENGINES: readonly (readonly [what: string, answers: readonly (readonly [string, Answer])[], message: RegExp])[] = [
  ['answers 404 to everything', [], /^\/health answered 404: no engine answers there$/],
  [
    'redirects',
    [
      ['/ready', 302],
      ['/health', 302],
    ],
    /^\/health answered 302: a redirect; name the URL that it leads to$/,
  ],
  [
    'wants a key',
    [
      ['/ready', 401],
      ['/health', 401],
    ],
    /^\/health answered 401: the worker wants a key \(api_key in POST \/workers\)$/,
  ],
  [
    'answers 404 and describes something that is no engine',
    [
      ['/get_model_info', []],
      ['/model_info', 404],
      ['/get_server_info', 301],
    ],
    /^\/health answered 404: no engine answers there$/,
  ],
];
for (const [what, answers, message] of NO_ENGINES) {
  test(`a host that ${what} gets no requests, and its job says why`, async (t) => {
    const logger = new RecordingLogger();
    const rig = startControl(t, {}, logger);
    const worker = await rig.worker(answers);
    rig.start({ workerUrls: [worker.address] });
    assert.match(await jobMessage(rig), message);
    await rig.until(() => worker.requests.length >= 20);
    assert.deepEqual(rig.eligible(), []);
    const [warning, ...more] = logger.records.filter(({ level }) => level === 'warn');
    assert.deepEqual(warning?.message, 'worker takes no requests: what answers there is no engine');
    assert.match(String(warning?.fields['detail']), message);
    assert.deepEqual(more, [], 'once, however often it is probed');
  });
}

test('a worker that refuses the key of the router is named so', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([['/health', 403]]);
  await rig.call('POST', '/workers', { url: worker.address.url, api_key: 'k-1' });
  assert.equal(await jobMessage(rig), '/health answered 403: the worker refuses the key of the router');
});

test('another program takes the port of a worker: it is out after three probes, though requests to it are answered', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  worker.answers.set('/ready', 404);
  await rig.until(() => worker.requests.some(({ path }) => path === '/health'));
  const outMs = await rig.untilEligible(worker.address.url, false);
  assert.ok(outMs < 1000, `${outMs} ms`);
  worker.answers.set('/ready', 200);
  assert.ok((await rig.untilEligible(worker.address.url)) < 2000);
});

test('a worker URL with a path says what that path answers', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [{ ...worker.address, url: `${worker.address.url}/v1`, basePath: '/v1' }] });
  assert.match(await jobMessage(rig), /^\/v1\/health answered 404: no engine answers below \/v1; the URL of a worker usually has no path$/);
  assert.deepEqual(rig.eligible(), []);
});

for (const status of [404, 401, 302]) {
  test(`an explicit endpoint that answers ${status} never passes, though the engine describes itself`, async (t) => {
    const rig = startControl(t, { healthCheckEndpoint: '/my/health' });
    const worker = await rig.worker([
      ['/ready', 200],
      ['/my/health', status],
      ['/get_model_info', { model_path: '/models/old' }],
    ]);
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => worker.requests.length >= 3);
    assert.deepEqual(rig.eligible(), []);
    assert.deepEqual([...new Set(worker.requests.map(({ path }) => path))], ['/my/health']);
  });
}

test('an explicit endpoint that is late three times in a row takes a worker out, and two passes bring it back', async (t) => {
  const health = { ...DEFAULT_HEALTH, timeoutMs: 500, intervalMs: 1000 };
  const rig = startControl(t, { healthCheckEndpoint: '/my/health', health });
  const [late, other] = [await rig.worker([['/my/health', 200]]), await rig.worker([['/my/health', 200]])];
  rig.start({ workerUrls: [late.address, other.address] });
  await rig.until(() => rig.eligible().length === 2);
  late.answers.set('/my/health', 'hang');
  await rig.untilEligible(late.address.url, false);
  late.answers.set('/my/health', 200);
  assert.ok((await rig.untilEligible(late.address.url)) < 2000);
});

test('without health checks a worker is ready when it is registered, and nothing probes it', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, isChecked: false } });
  const worker = await rig.worker([['/ready', 503]]);
  rig.start({ workerUrls: [worker.address] });
  assert.deepEqual(rig.eligible(), [worker.address.url]);
  await rig.pass(60_000);
  assert.deepEqual(rig.eligible(), [worker.address.url]);
  assert.ok(
    worker.requests.every(({ path }) => path.includes('info')),
    'only its description is read',
  );
  const [info] = JSON.parse(String((await rig.call('GET', '/workers')).body)).workers;
  assert.equal(info.disable_health_check, true);
  assert.equal(info.is_healthy, true);
  assert.equal(info.job_status, undefined);
});

test('without health checks a worker that refused gets requests again after 2 s', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, isChecked: false } });
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  assert.deepEqual(rig.eligible(), []);
  const backMs = await rig.untilEligible(worker.address.url);
  assert.ok(backMs >= 1990 && backMs <= 2010, `${backMs} ms`);
});

test('one worker can be without health checks', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([['/ready', 503]]);
  rig.start({});
  const body = { url: worker.address.url, disable_health_check: true };
  assert.equal((await rig.call('POST', '/workers', body)).status, 202);
  assert.deepEqual(rig.eligible(), [worker.address.url]);
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
