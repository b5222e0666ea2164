/** Settings of health and breaker that change while workers are probed. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ControlSettings } from '../src/router/control/control.ts';
import { DEFAULT_BREAKER } from '../src/router/control/registry/breaker.ts';
import { DEFAULT_HEALTH, type HealthSettings } from '../src/router/control/registry/health-settings.ts';
import { startControl } from './support/control-rig.ts';

const MINUTE = 60_000;

const settings = (health: Partial<HealthSettings> = {}, more: Partial<ControlSettings> = {}): ControlSettings => ({
  startupTimeoutMs: MINUTE,
  startupCheckIntervalMs: 30_000,
  healthCheckEndpoint: '/health',
  health: { ...DEFAULT_HEALTH, ...health },
  breaker: DEFAULT_BREAKER,
  ...more,
});

suite('a reload of health settings', () => {
  test('a shorter interval holds at once, also for a worker that was just checked', async (t) => {
    const rig = startControl(t, { health: { ...DEFAULT_HEALTH, intervalMs: 10 * MINUTE } });
    const worker = await rig.worker();
    rig.start({ workerUrls: [worker.address] });
    await rig.untilEligible(worker.address.url);
    rig.control.configure(settings({ intervalMs: 1000 }));
    await rig.pass(100);
    await worker.kill();
    const tookMs = await rig.untilEligible(worker.address.url, false);
    assert.ok(tookMs < 3000, `${tookMs} ms`);
  });

  test('a worker that sets its own interval keeps it', async (t) => {
    const rig = startControl(t);
    const worker = await rig.worker();
    await rig.call('POST', '/workers', { url: worker.address.url, health_check_interval_secs: 1 });
    await rig.untilEligible(worker.address.url);
    rig.control.configure(settings({ intervalMs: 10 * MINUTE }));
    await worker.kill();
    assert.ok((await rig.untilEligible(worker.address.url, false)) < 3000);
  });

  test('checks that are switched on ask /ready and /health of workers that were taken for well', async (t) => {
    const rig = startControl(t, { health: { ...DEFAULT_HEALTH, isChecked: false } });
    const worker = await rig.worker();
    rig.start({ workerUrls: [worker.address] });
    await rig.pass(5000);
    const asked = (path: string): boolean => worker.requests.some((request) => request.path === path);
    assert.ok(!asked('/ready') && !asked('/health'));
    rig.control.configure(settings());
    await rig.until(() => asked('/ready'));
    assert.ok((await rig.until(() => asked('/health'))) < 70_000);
  });

  test('an engine that fails its checks is in when they are switched off, and out again when they are back', async (t) => {
    const rig = startControl(t);
    const worker = await rig.worker([['/ready', 404]]);
    rig.start({ workerUrls: [worker.address] });
    await rig.until(() => worker.requests.length > 2);
    assert.deepEqual(rig.eligible(), []);
    rig.control.configure(settings({ isChecked: false }));
    assert.deepEqual(rig.eligible(), [worker.address.url]);
    rig.control.configure(settings());
    await rig.untilEligible(worker.address.url, false);
  });
});

test('a changed deadline of registration holds for workers that are added from then on', async (t) => {
  const rig = startControl(t);
  rig.control.configure(settings({}, { startupTimeoutMs: 1000 }));
  const worker = await rig.worker([['/ready', 503]]);
  const adding = rig.call('POST', `/add_worker?url=${worker.address.url}`);
  const { status, body } = await rig.run(adding);
  assert.equal(status, 400);
  assert.match(String(body), /not ready within 1 s/);
});
