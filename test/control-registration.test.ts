import assert from 'node:assert/strict';
import test from 'node:test';
import { startControl } from './support/control-rig.ts';
import { ProbedWorker } from './support/probed-worker.ts';

test('a worker that is there takes requests at once', async (t) => {
  const worker = await new ProbedWorker().listen();
  t.after(() => worker.kill());
  const rig = startControl(t);
  rig.control.start([worker.address]);
  assert.equal(rig.cell.current.total, 1);
  assert.ok((await rig.untilEligible(worker.address.url)) < 500);
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
    rig.control.start([worker.address]);
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
