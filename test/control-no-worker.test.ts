/** The log says while no worker can take requests, and why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControl } from './support/control-rig.ts';
import { RecordingLogger } from './support/recording-logger.ts';

const MESSAGE = 'no worker can take requests: clients get 503';
const warnings = (logger: RecordingLogger) => logger.records.filter(({ message }) => message === MESSAGE);

test('a worker that nobody answers for is named with the reason, at growing pauses', async (t) => {
  const logger = new RecordingLogger();
  const rig = startControl(t, {}, logger);
  const gone = await rig.worker();
  await gone.kill();
  rig.start({ workerUrls: [gone.address] });
  await rig.pass(4000);
  assert.equal(warnings(logger).length, 0);
  await rig.pass(2000);
  assert.deepEqual(warnings(logger)[0]?.fields['workers'], [{ worker: gone.address.url, phase: 'pending', detail: 'ECONNREFUSED' }]);
  await rig.pass(60_000);
  // After 5, 15, 35 and 75 s.
  assert.equal(warnings(logger).length, 3);
});

test('without a registered worker the list is empty', async (t) => {
  const logger = new RecordingLogger();
  const rig = startControl(t, {}, logger);
  rig.start({});
  await rig.pass(6000);
  assert.deepEqual(warnings(logger)[0]?.fields['workers'], []);
});

test('nothing is said while one worker is well', async (t) => {
  const logger = new RecordingLogger();
  const rig = startControl(t, {}, logger);
  const [well, gone] = [await rig.worker(), await rig.worker()];
  await gone.kill();
  rig.start({ workerUrls: [well.address, gone.address] });
  await rig.pass(30_000);
  assert.equal(warnings(logger).length, 0);
});

test('of pairs, the type that is missing is named', async (t) => {
  const logger = new RecordingLogger();
  const rig = startControl(t, { isPaired: true }, logger);
  const decode = await rig.worker();
  rig.start({ decode: [decode.address] });
  await rig.pass(6000);
  assert.equal(warnings(logger)[0]?.fields['type'], 'prefill');
});
