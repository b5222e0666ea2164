/** How the router asks workers for `/health` beside `/ready`. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseWorkerAddress, type WorkerAddress } from '../src/base/core/worker-address.ts';
import { DEFAULT_HEALTH } from '../src/router/control/registry/health-settings.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';
import type { ProbedWorker } from './support/probed-worker.ts';
import { postJson } from './support/send-raw.ts';

/** A simulated engine whose time is that of the rig. */
async function startEngine(t: TestContext, rig: ControlRig): Promise<{ sim: SimHandle; address: WorkerAddress }> {
  const sim = await startSim({ healthDelaySecs: 1 }, rig.clock);
  t.after(() => sim.stop());
  const parsed = parseWorkerAddress(`http://127.0.0.1:${sim.port}`);
  assert.ok(parsed.ok);
  return { sim, address: parsed.address };
}

const asked = (worker: ProbedWorker, path: string): number => worker.requests.filter((request) => request.path === path).length;
const isHealthy = (rig: ControlRig, url: string): boolean => rig.control.isEligible(rig.find(url).index);
const post = (rig: ControlRig, sim: SimHandle, path: string) => rig.run(postJson(sim.port, path, {}));

test('a well worker is asked for /ready every 10 s and for /health every minute', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 200],
    ['/health', 200],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.pass(200_000);
  assert.ok(asked(worker, '/ready') >= 18, `${asked(worker, '/ready')}`);
  assert.ok(asked(worker, '/health') >= 3 && asked(worker, '/health') <= 4, `${asked(worker, '/health')}`);
});

test('an explicit endpoint is the only one that is asked', async (t) => {
  const rig = startControl(t, { healthCheckEndpoint: '/live' });
  const worker = await rig.worker([
    ['/live', 200],
    ['/health', 200],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.pass(130_000);
  assert.equal(asked(worker, '/health') + asked(worker, '/ready'), 0);
});

test('/health has a limit of 25 s, whatever --health-check-timeout-secs says', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, timeoutMs: 1000, failureThreshold: 1 } });
  const worker = await rig.worker([
    ['/ready', 200],
    ['/health', 200],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  worker.delaysMs.set('/health', 24_000);
  await rig.until(() => asked(worker, '/health') === 1);
  await rig.pass(24_900);
  assert.ok(isHealthy(rig, worker.address.url), 'it passed after 24 s');
  worker.delaysMs.set('/health', 26_000);
  await rig.until(() => asked(worker, '/health') === 2);
  const awayMs = await rig.untilEligible(worker.address.url, false);
  assert.ok(awayMs >= 24_500 && awayMs <= 25_500, `${awayMs} ms`);
});

test('an engine whose scheduler hangs while it idles is found by /health, and used within 3 s after it computes again', async (t) => {
  const rig = startControl(t);
  const { sim, address } = await startEngine(t, rig);
  const other = await rig.worker();
  rig.start({ workerUrls: [address, other.address] });
  await rig.until(() => rig.eligible().length === 2);
  sim.addFault({ kind: 'freeze' });
  const foundMs = await rig.untilEligible(address.url, false);
  assert.ok(foundMs < 100_000, `${foundMs} ms`);
  await rig.pass(60_000);
  sim.removeFaults();
  const backMs = await rig.untilEligible(address.url);
  assert.ok(backMs < 3000, `${backMs} ms`);
});

for (const [name, pausedMs] of [
  ['short', 5000],
  ['longer than the limit of /health, which sets the flag of the engine', 45_000],
] as const) {
  test(`after a pause that is ${name} an engine is used within 3 s`, async (t) => {
    const rig = startControl(t);
    const { sim, address } = await startEngine(t, rig);
    const other = await rig.worker();
    rig.start({ workerUrls: [address, other.address] });
    await rig.until(() => rig.eligible().length === 2);
    await post(rig, sim, '/pause_generation');
    await rig.untilEligible(address.url, false);
    await rig.pass(pausedMs);
    assert.equal(sim.engine.isUnhealthy, pausedMs > 25_000, 'a /health that failed marks the engine');
    await post(rig, sim, '/continue_generation');
    const backMs = await rig.untilEligible(address.url);
    assert.ok(backMs < 3000, `${backMs} ms`);
    assert.equal(sim.engine.isUnhealthy, false);
  });
}

test('someone else marked an idle engine unhealthy: the router asks /health until it passes', async (t) => {
  const rig = startControl(t);
  const { sim, address } = await startEngine(t, rig);
  rig.start({ workerUrls: [address] });
  await rig.untilEligible(address.url);
  sim.engine.isUnhealthy = true;
  await rig.until(() => !isHealthy(rig, address.url));
  assert.deepEqual(rig.eligible(), [address.url], 'the last resort of its pool');
  const backMs = await rig.until(() => isHealthy(rig, address.url));
  assert.ok(backMs < 3000, `${backMs} ms`);
  await rig.control.stop();
});

test('a worker without health checks, and one without /health, are not asked and stay in', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, isChecked: false } });
  const worker = await rig.worker([['/health', 503]]);
  rig.start({ workerUrls: [worker.address] });
  await rig.pass(130_000);
  assert.equal(worker.requests.filter(({ path }) => path === '/health').length, 0);
  const checked = startControl(t);
  const plain = await checked.worker();
  checked.start({ workerUrls: [plain.address] });
  await checked.pass(200_000);
  assert.deepEqual(checked.eligible(), [plain.address.url]);
});

test('no question and no timer is left at the end', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker([
    ['/ready', 503],
    ['/health', 'hang'],
  ]);
  rig.start({ workerUrls: [worker.address] });
  await rig.until(() => asked(worker, '/ready') > 1);
  worker.answers.set('/ready', 200);
  await rig.untilEligible(worker.address.url);
  worker.answers.set('/ready', 503);
  await rig.until(() => asked(worker, '/health') > 0);
  await rig.control.stop();
  await rig.until(() => worker.openSockets === 0);
  assert.equal(rig.clock.pending, 0);
});
