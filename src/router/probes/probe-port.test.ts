import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { SILENT_LOGGER } from '../../base/core/logger.ts';
import { realClock } from '../../base/runtime/clock.ts';
import { STARTING } from './probe-answer.ts';
import { ProbePort, ProbePortError } from './probe-port.ts';

const READY = { status: 200, body: '{"status":"ready"}' };

/** Asks from another process while this one, and so its event loop, does nothing else. */
function askWhileBusy(port: number, path: string): { status: number; body: string } {
  const script = `fetch('http://127.0.0.1:${port}${path}').then(async (r) => console.log(JSON.stringify({ status: r.status, body: await r.text() })))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as { status: number; body: string };
}

test('answers from the last report while the event loop is blocked', async (t) => {
  const port = await ProbePort.start({ host: '127.0.0.1', port: 0, clock: realClock, logger: SILENT_LOGGER });
  t.after(() => port.stop());
  assert.deepEqual(askWhileBusy(port.address.port, '/readiness'), STARTING);
  let report = READY;
  port.begin(() => report);
  assert.deepEqual(askWhileBusy(port.address.port, '/readiness'), READY);
  assert.deepEqual(askWhileBusy(port.address.port, '/liveness'), { status: 200, body: 'OK' });
  report = { status: 503, body: '{}' };
  port.report();
  assert.deepEqual(askWhileBusy(port.address.port, '/readiness'), report);
});

test('names the flag when the port is taken, and leaves nothing behind', async (t) => {
  const first = await ProbePort.start({ host: '127.0.0.1', port: 0, clock: realClock, logger: SILENT_LOGGER });
  t.after(() => first.stop());
  const { port } = first.address;
  await assert.rejects(ProbePort.start({ host: '127.0.0.1', port, clock: realClock, logger: SILENT_LOGGER }), (error) => {
    assert.ok(error instanceof ProbePortError);
    assert.match(error.message, new RegExp(`--health-check-port ${port}: cannot listen \\(EADDRINUSE\\)`));
    return true;
  });
  await first.stop();
  await first.stop();
});
