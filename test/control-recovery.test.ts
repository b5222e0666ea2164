/** How workers that fail get no requests, and take them again when they are back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_HEALTH } from '../src/router/control/registry/health-settings.ts';
import { startControl } from './support/control-rig.ts';
import type { Answer } from './support/probed-worker.ts';

const ENDPOINTS: readonly (readonly [name: string, answers: readonly (readonly [string, Answer])[]])[] = [
  ['with /ready', [['/ready', 200]]],
  ['whose only probe is a /health of one second', [['/health', 200]]],
];
for (const [name, answers] of ENDPOINTS) {
  test(`a worker ${name} takes requests within 2 s after it came up, and after it came back`, async (t) => {
    const rig = startControl(t);
    const worker = await rig.worker(answers);
    worker.delaysMs.set('/health', 1000);
    await worker.kill();
    rig.start({ workerUrls: [worker.address] });
    // The first probes are refused before the worker comes.
    await rig.pass(700);
    assert.deepEqual(rig.eligible(), []);
    await worker.listen();
    const cameUpMs = await rig.untilEligible(worker.address.url);
    assert.ok(cameUpMs < 2000, `${cameUpMs} ms`);

    await worker.kill();
    rig.control.attemptListener.attemptEnded(rig.find(worker.address.url).index, { kind: 'connect-failed', status: 0 });
    assert.deepEqual(rig.eligible(), [], 'an attempt that found no connection takes it out in the same turn');
    await rig.pass(700);
    assert.deepEqual(rig.eligible(), []);
    await worker.listen();
    const cameBackMs = await rig.untilEligible(worker.address.url);
    assert.ok(cameBackMs < 2000, `${cameBackMs} ms`);
  });
}

test('a worker that hangs holds up neither the others nor the end', async (t) => {
  const rig = startControl(t);
  const [hanging, well] = [await rig.worker([['/ready', 'hang']]), await rig.worker()];
  rig.start({ workerUrls: [hanging.address, well.address] });
  assert.ok((await rig.untilEligible(well.address.url)) < 500);
  await rig.until(() => hanging.requests.length >= 2);
  assert.deepEqual(rig.eligible(), [well.address.url]);
  // Time stands still: no time-out ends this.
  await rig.control.stop();
  await rig.control.stop();
  await rig.until(() => hanging.openSockets + well.openSockets === 0);
  assert.equal(rig.clock.pending, 0, 'no timer is left');
});

test('a worker that hung takes requests within 2 s after it answers again, though its old probes still wait', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, timeoutMs: 20_000 } });
  const worker = await rig.worker([['/ready', 'hang']]);
  rig.start({ workerUrls: [worker.address] });
  await rig.until(() => worker.requests.length >= 2);
  worker.answers.set('/ready', 200);
  assert.ok((await rig.untilEligible(worker.address.url)) < 2000);
});

test('an idle worker whose probes are late three times in a row is not preferred, until it answers again', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, intervalMs: 1000, timeoutMs: 500 } });
  const [stopped, other] = [await rig.worker(), await rig.worker()];
  rig.start({ workerUrls: [stopped.address, other.address] });
  await rig.until(() => rig.eligible().length === 2);
  stopped.answers.set('/ready', 'hang');
  const outMs = await rig.untilEligible(stopped.address.url, false);
  assert.ok(outMs < 5000, `${outMs} ms`);
  stopped.answers.set('/ready', 200);
  assert.ok((await rig.untilEligible(stopped.address.url)) < 2000);
});

test('a busy ready worker whose probes are slow stays in', async (t) => {
  const rig = startControl(t, { health: { ...DEFAULT_HEALTH, intervalMs: 1000, timeoutMs: 500 } });
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  rig.load.acquire(0);
  worker.answers.set('/ready', 'hang');
  const before = worker.requests.length;
  await rig.until(() => worker.requests.length >= before + 5);
  assert.deepEqual(rig.eligible(), [worker.address.url]);
});

test('an idle worker that died is found by its probes, and an unready one too', async (t) => {
  const rig = startControl(t);
  const [dies, drains] = [await rig.worker(), await rig.worker()];
  rig.start({ workerUrls: [dies.address, drains.address] });
  await rig.until(() => rig.eligible().length === 2);
  await dies.kill();
  assert.ok((await rig.untilEligible(dies.address.url, false)) < 12_000);
  drains.answers.set('/ready', 503);
  await rig.until(() => !rig.control.isEligible(rig.find(drains.address.url).index));
  assert.deepEqual(rig.eligible(), [drains.address.url], 'it takes requests as long as no other worker can');
  assert.equal(rig.cell.current.total, 2, 'both are still registered');
});

test('two resets in a row take a worker out until a probe passes, one does not', async (t) => {
  const rig = startControl(t);
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  const { attemptListener } = rig.control;
  attemptListener.attemptEnded(0, { kind: 'reset', status: 0 });
  assert.equal(rig.eligible().length, 1);
  attemptListener.attemptEnded(0, { kind: 'reset', status: 0 });
  assert.equal(rig.eligible().length, 0);
  assert.ok((await rig.untilEligible(worker.address.url)) < 1000);
});
