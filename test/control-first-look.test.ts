/** The router looks at its workers once before it listens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControl } from './support/control-rig.ts';

test('the first look ends when something is known of every worker, and those that are up take requests then', async (t) => {
  const rig = startControl(t);
  const [slow, down, starting] = [await rig.worker(), await rig.worker(), await rig.worker()];
  slow.delaysMs.set('/ready', 300);
  starting.answers.set('/ready', 503);
  await down.kill();
  await rig.control.firstLook(60_000);
  rig.start({ workerUrls: [slow.address, down.address, starting.address] });
  assert.deepEqual(rig.eligible(), []);
  await rig.run(rig.control.firstLook(60_000));
  assert.deepEqual(rig.eligible(), [slow.address.url]);
  await rig.control.firstLook(60_000);
});

test('the first look waits for ranks', async (t) => {
  const rig = startControl(t, { isDpAware: true });
  const worker = await rig.worker([
    ['/ready', 200],
    ['/server_info', { dp_size: 2 }],
  ]);
  worker.delaysMs.set('/server_info', 100);
  rig.start({ workerUrls: [worker.address] });
  await rig.run(rig.control.firstLook(60_000));
  assert.equal(rig.eligible().length, 2);
});

test('an engine that reports no ranks does not hold up the first look', async (t) => {
  const rig = startControl(t, { isDpAware: true });
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.run(rig.control.firstLook(60_000));
  assert.ok(rig.clock.nowMs() < 1000);
  assert.deepEqual(rig.eligible(), []);
});

test('the first look ends at its limit', async (t) => {
  const rig = startControl(t);
  const hung = await rig.worker([['/ready', 'hang']]);
  rig.start({ workerUrls: [hung.address] });
  await rig.run(rig.control.firstLook(400));
  assert.ok(rig.clock.nowMs() >= 400 && rig.clock.nowMs() < 500);
  assert.deepEqual(rig.eligible(), []);
});

test('the first look does not wait for a worker that was removed, nor after the end', async (t) => {
  const rig = startControl(t);
  const hung = await rig.worker([['/ready', 'hang']]);
  rig.start({ workerUrls: [hung.address] });
  const look = rig.control.firstLook(60_000);
  await rig.call('DELETE', `/workers/${rig.find(hung.address.url).id}`);
  await look;

  const stopped = startControl(t);
  stopped.start({ workerUrls: [hung.address] });
  const cut = stopped.control.firstLook(60_000);
  await stopped.control.stop();
  await cut;
});
