/** How many probes take a worker out and bring it back, as the router and the source of a worker say, and the 2 s rule beside them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWorkerAddress, type WorkerAddress } from '../src/base/core/worker-address.ts';
import { DEFAULT_HEALTH } from '../src/router/control/registry/health-settings.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';
import { ProbedWorker } from './support/probed-worker.ts';

/** Another worker, so that an unready one is not the last resort of its pool. */
async function startWithOther(rig: ControlRig): Promise<void> {
  const other = await rig.worker();
  rig.start({ workerUrls: [other.address] });
  await rig.untilEligible(other.address.url);
}

const probesOf = (worker: ProbedWorker): number => worker.requests.filter(({ path }) => path === '/ready').length;

/** Probes until the worker is in or out, as the condition says; its answers to `/ready` are `status` from now on. */
async function probesUntil(rig: ControlRig, worker: ProbedWorker, status: number, isEligible: boolean): Promise<number> {
  worker.answers.set('/ready', status);
  const before = probesOf(worker);
  await rig.untilEligible(worker.address.url, isEligible);
  return probesOf(worker) - before;
}

test('POST /workers sets thresholds, interval and limit of one worker', async (t) => {
  const rig = startControl(t);
  await startWithOther(rig);
  const worker = await rig.worker();
  const body = {
    url: worker.address.url,
    health_failure_threshold: 5,
    health_success_threshold: 4,
    health_check_interval_secs: 2,
    health_check_timeout_secs: 1,
  };
  assert.equal((await rig.call('POST', '/workers', body)).status, 202);
  await rig.untilEligible(worker.address.url);
  const before = probesOf(worker);
  await rig.pass(20_000);
  const regular = probesOf(worker) - before;
  assert.ok(regular >= 9 && regular <= 12, `${regular} probes in 20 s`);
  assert.equal(await probesUntil(rig, worker, 503, false), 5);
  assert.equal(await probesUntil(rig, worker, 200, true), 4);
});

test('PUT /workers changes them', async (t) => {
  const rig = startControl(t);
  await startWithOther(rig);
  const worker = await rig.worker();
  await rig.call('POST', '/workers', { url: worker.address.url });
  await rig.untilEligible(worker.address.url);
  const { id } = rig.find(worker.address.url);
  const body = { health_failure_threshold: 1, health_success_threshold: 1, health_check_interval_secs: 1 };
  assert.equal((await rig.call('PUT', `/workers/${id}`, body)).status, 202);
  assert.equal(await probesUntil(rig, worker, 503, false), 1);
  assert.equal(await probesUntil(rig, worker, 200, true), 1);
});

test('the settings of the router hold for the others', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, failureThreshold: 2, successThreshold: 3 } });
  await startWithOther(rig);
  const worker = await rig.worker();
  await rig.call('POST', '/workers', { url: worker.address.url });
  await rig.untilEligible(worker.address.url);
  assert.equal(await probesUntil(rig, worker, 503, false), 2);
  assert.equal(await probesUntil(rig, worker, 200, true), 3);
});

test('a worker that refused connections needs one passed probe, whatever the threshold', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, successThreshold: 10, intervalMs: 60_000 } });
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  await worker.kill();
  rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  await rig.pass(10_000);
  await worker.listen();
  const backMs = await rig.untilEligible(worker.address.url);
  assert.ok(backMs < 2000, `${backMs} ms`);
});

/** Addresses of the loopback network that share a port; nobody listens there. */
function deadAddresses(port: number, count: number): WorkerAddress[] {
  return Array.from({ length: count }, (_, at) => {
    const parsed = parseWorkerAddress(`http://127.1.${at >> 8}.${at & 255}:${port}`);
    assert.ok(parsed.ok);
    return parsed.address;
  });
}

test('among 1,024 dead workers, each one that comes up takes requests within 2 s', { timeout: 120_000 }, async (t) => {
  const rig = startControl(t, { startupTimeoutMs: 5000 });
  const worker = await rig.worker();
  const dead = deadAddresses(worker.address.port, 1024);
  await worker.kill();
  rig.start({ workerUrls: dead });
  // From then on they are probed seldom.
  await rig.pass(8000);
  for (const at of [0, 300, 1023]) {
    const address = dead[at];
    assert.ok(address !== undefined);
    const back = await new ProbedWorker([['/ready', 200]], rig.clock, address).listen();
    const upMs = await rig.untilEligible(address.url);
    t.diagnostic(`worker ${at}: ${upMs} ms`);
    await back.kill();
    assert.ok(upMs < 2000, `worker ${at}: ${upMs} ms`);
  }
});
