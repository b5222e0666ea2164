import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startControl } from './support/control-rig.ts';
import { ProbedWorker } from './support/probed-worker.ts';

// Most of the time they wait, so they wait together.
suite('registration of workers', { concurrency: true }, () => {
  test('a worker that is there takes requests at once', async (t) => {
    const worker = await new ProbedWorker().listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    assert.equal(rig.cell.current.total, 1);
    assert.ok((await rig.untilEligible(worker.address.url)) < 500);
  });

  test('the first look ends when something has been seen of every worker, and what is up takes requests then', async (t) => {
    const [slow, down, starting] = [
      await new ProbedWorker().listen(),
      await new ProbedWorker().listen(),
      await new ProbedWorker().listen(),
    ];
    slow.delaysMs.set('/ready', 300);
    starting.answers.set('/ready', 503);
    await down.kill();
    t.after(() => Promise.all([slow.kill(), starting.kill()]));
    const rig = startControl(t);
    await rig.control.firstLook(60_000);
    rig.start({ workerUrls: [slow.address, down.address, starting.address] });
    assert.deepEqual(rig.eligible(), []);
    await rig.control.firstLook(60_000);
    assert.deepEqual(rig.eligible(), [slow.address.url]);
    await rig.control.firstLook(60_000);
  });

  test('the first look waits for ranks that are asked for', async (t) => {
    const worker = await new ProbedWorker([
      ['/ready', 200],
      ['/server_info', { dp_size: 2 }],
    ]).listen();
    worker.delaysMs.set('/server_info', 100);
    t.after(() => worker.kill());
    const rig = startControl(t, { isDpAware: true });
    rig.start({ workerUrls: [worker.address] });
    await rig.control.firstLook(60_000);
    assert.equal(rig.eligible().length, 2);
  });

  test('the first look does not wait longer than it may, nor for a worker that was removed, nor after the end', async (t) => {
    const hung = await new ProbedWorker([['/ready', 'hang']]).listen();
    t.after(() => hung.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [hung.address] });
    await rig.control.firstLook(20);
    assert.deepEqual(rig.eligible(), []);

    const removed = startControl(t);
    removed.start({ workerUrls: [hung.address] });
    const look = removed.control.firstLook(60_000);
    await removed.call('DELETE', `/workers/${removed.worker(hung.address.url).id}`);
    await look;

    const stopped = startControl(t);
    stopped.start({ workerUrls: [hung.address] });
    const cut = stopped.control.firstLook(60_000);
    await stopped.control.stop();
    await cut;
  });

  for (const [name, worker] of [
    ['with /ready', new ProbedWorker()],
    ['whose only probe is a /health of one second', new ProbedWorker([['/health', 200]])],
  ] as const) {
    test(`a worker ${name} takes requests within 2 s after it came up, and after it came back`, async (t) => {
      worker.delaysMs.set('/health', 1000);
      await worker.listen();
      await worker.kill();
      t.after(() => worker.kill());
      const rig = startControl(t);
      rig.start({ workerUrls: [worker.address] });
      // The first probes are refused before the worker comes.
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.deepEqual(rig.eligible(), []);
      await worker.listen();
      const cameUpMs = await rig.untilEligible(worker.address.url);
      assert.ok(cameUpMs < 2000, `${cameUpMs} ms`);

      await worker.kill();
      rig.control.attemptListener.attemptEnded(rig.worker(worker.address.url).index, { kind: 'connect-failed', status: 0 });
      assert.deepEqual(rig.eligible(), [], 'an attempt that found no connection takes it out in the same turn');
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.deepEqual(rig.eligible(), []);
      await worker.listen();
      const cameBackMs = await rig.untilEligible(worker.address.url);
      assert.ok(cameBackMs < 2000, `${cameBackMs} ms`);
    });
  }

  test('a worker that has no endpoint of its own for probes or metadata is still a worker', async (t) => {
    const worker = await new ProbedWorker([]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
    await rig.until(() => worker.requests.some((request) => request.path === '/get_model_info'));
    assert.equal(rig.worker(worker.address.url).modelId, 'unknown');
  });

  test('a worker says what it serves, and says it again after it came back', async (t) => {
    const worker = await new ProbedWorker([
      ['/ready', 200],
      ['/get_server_info', { served_model_name: 'first', version: '1' }],
      ['/model_info', { model_path: '/m/other', model_type: 'llama' }],
    ]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    const { url } = worker.address;
    await rig.until(() => rig.worker(url).modelId === 'first');
    await worker.kill();
    rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
    worker.answers.set('/server_info', { model_path: 'org/second' });
    await worker.listen();
    await rig.until(() => rig.worker(url).modelId === 'second');
    assert.equal(rig.worker(url).index, 0);
  });

  test('a worker with a key is asked with it', async (t) => {
    const worker = await new ProbedWorker().listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    await rig.call('POST', '/workers', { url: worker.address.url, api_key: 'k-1' });
    await rig.until(() => worker.requests.length >= 5);
    for (const { path, headers } of worker.requests) assert.equal(headers.authorization, 'Bearer k-1', path);
  });

  test('a worker that answers 503 is not ready, and is as soon as it says 200', async (t) => {
    const worker = await new ProbedWorker([['/ready', 503]]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => worker.requests.length >= 3);
    assert.deepEqual(rig.eligible(), []);
    worker.answers.set('/ready', 200);
    assert.ok((await rig.untilEligible(worker.address.url)) < 2000);
  });

  test('a worker that hangs holds up neither the others nor the end', async (t) => {
    const hanging = await new ProbedWorker([['/ready', 'hang']]).listen();
    const well = await new ProbedWorker().listen();
    t.after(() => Promise.all([hanging.kill(), well.kill()]));
    const rig = startControl(t);
    rig.start({ workerUrls: [hanging.address, well.address] });
    assert.ok((await rig.untilEligible(well.address.url)) < 500);
    await rig.until(() => hanging.requests.length >= 2);
    assert.deepEqual(rig.eligible(), [well.address.url]);
    const startMs = performance.now();
    await rig.control.stop();
    await rig.control.stop();
    assert.ok(performance.now() - startMs < 500);
    await rig.until(() => hanging.openSockets + well.openSockets === 0);
  });

  test('a worker that hung takes requests within 2 s after it answers again, though its old probes still wait', async (t) => {
    const worker = await new ProbedWorker([['/ready', 'hang']]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t, { healthCheckTimeoutMs: 20_000 });
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => worker.requests.length >= 2);
    worker.answers.set('/ready', 200);
    assert.ok((await rig.untilEligible(worker.address.url)) < 2000);
  });

  test('a busy ready worker whose probes are slow stays in', async (t) => {
    const worker = await new ProbedWorker().listen();
    t.after(() => worker.kill());
    const rig = startControl(t, { readyProbeIntervalMs: 50, healthCheckTimeoutMs: 30 });
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
    worker.answers.set('/ready', 'hang');
    const before = worker.requests.length;
    await rig.until(() => worker.requests.length >= before + 5);
    assert.deepEqual(rig.eligible(), [worker.address.url]);
  });

  test('an idle worker that died is found by its probes, and one that drains too', async (t) => {
    const dies = await new ProbedWorker().listen();
    const drains = await new ProbedWorker().listen();
    t.after(() => Promise.all([dies.kill(), drains.kill()]));
    const rig = startControl(t, { readyProbeIntervalMs: 100 });
    rig.start({ workerUrls: [dies.address, drains.address] });
    await rig.until(() => rig.eligible().length === 2);
    await dies.kill();
    await rig.untilEligible(dies.address.url, false);
    drains.answers.set('/ready', 503);
    await rig.untilEligible(drains.address.url, false);
    assert.equal(rig.cell.current.total, 2, 'both are still registered');
  });

  test('two resets in a row take a worker out until a probe passes, one does not', async (t) => {
    const worker = await new ProbedWorker().listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
    const { attemptListener } = rig.control;
    attemptListener.attemptEnded(0, { kind: 'reset', status: 0 });
    assert.equal(rig.eligible().length, 1);
    attemptListener.attemptEnded(0, { kind: 'reset', status: 0 });
    assert.equal(rig.eligible().length, 0);
    assert.ok((await rig.untilEligible(worker.address.url)) < 1000);
  });

  test('a worker that does not start in time has failed, and joins when it comes after all', async (t) => {
    const worker = await new ProbedWorker([['/ready', 503]]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t, { startupTimeoutMs: 300 });
    rig.start({ workerUrls: [worker.address] });
    const record = rig.control.registry.findByUrl(worker.address.url);
    assert.ok(record !== null);
    const jobOf = async () => JSON.parse(String((await rig.call('GET', `/workers/${record.worker.id}`)).body)).job_status;
    await rig.until(() => worker.requests.length >= 2);
    assert.equal((await jobOf()).status, 'failed');
    assert.equal((await jobOf()).message, 'not ready within 0.3 s: /ready answered 503');
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
    const worker = await new ProbedWorker().listen();
    t.after(() => worker.kill());
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
  });

  test('a redirect is not followed and is a sign of life', async (t) => {
    const target = await new ProbedWorker().listen();
    const worker = await new ProbedWorker([
      ['/ready', 302],
      ['/health', 302],
    ]).listen();
    t.after(() => Promise.all([target.kill(), worker.kill()]));
    const rig = startControl(t);
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
    assert.equal(target.requests.length, 0);
  });

  test('with a health endpoint of its own only that one is asked', async (t) => {
    const worker = await new ProbedWorker([
      ['/ready', 200],
      ['/my/health', 503],
    ]).listen();
    t.after(() => worker.kill());
    const rig = startControl(t, { healthCheckEndpoint: '/my/health' });
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => worker.requests.length >= 2);
    assert.deepEqual(rig.eligible(), []);
    worker.answers.set('/my/health', 200);
    await rig.untilEligible(worker.address.url);
    assert.ok(worker.requests.every(({ path }) => path === '/my/health' || path.includes('info')));
  });
});
