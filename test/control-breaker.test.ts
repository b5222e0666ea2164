/** How the circuit breaker of a worker keeps requests away and lets them back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../src/base/core/outcome.ts';
import { DEFAULT_BREAKER } from '../src/router/control/registry/breaker.ts';
import { type ControlRig, startControl } from './support/control-rig.ts';

const BREAKER = { ...DEFAULT_BREAKER, failureThreshold: 3, successThreshold: 2, timeoutMs: 5000 };
const OK: Outcome = { kind: 'ok', status: 200 };
const FAULT: Outcome = { kind: 'status', status: 500 };
const LOST: Outcome = { kind: 'cut', status: 200 };

/** The first worker gets the outcomes; the second is always well. */
async function startTwo(
  t: Parameters<typeof startControl>[0],
): Promise<{ rig: ControlRig; url: string; kill(): Promise<void>; listen(): Promise<unknown> }> {
  const rig = startControl(t, { breaker: BREAKER });
  const [worker, other] = [await rig.worker(), await rig.worker()];
  rig.start({ workerUrls: [worker.address, other.address] });
  await rig.until(() => rig.eligible().length === 2);
  return { rig, url: worker.address.url, kill: () => worker.kill(), listen: () => worker.listen() };
}

function end(rig: ControlRig, ...outcomes: Outcome[]): void {
  const { attemptListener } = rig.control;
  for (const outcome of outcomes) {
    attemptListener.attemptStarted(0);
    attemptListener.attemptEnded(0, outcome);
  }
}

function phaseOf(rig: ControlRig): string | undefined {
  return rig.control.findBreaker(0)?.phase;
}

test('three faults in a row open it, though the worker passes its probes, until its time-out', async (t) => {
  const { rig, url } = await startTwo(t);
  end(rig, FAULT, FAULT);
  assert.ok(rig.eligible().includes(url));
  end(rig, FAULT);
  assert.ok(!rig.eligible().includes(url));
  const awayMs = await rig.untilEligible(url);
  assert.ok(awayMs >= 4990 && awayMs <= 5010, `${awayMs} ms`);
  assert.equal(phaseOf(rig), 'half_open');
  end(rig, OK, OK);
  assert.equal(phaseOf(rig), 'closed');
});

test('GET /workers shows it', async (t) => {
  const { rig } = await startTwo(t);
  end(rig, FAULT, FAULT);
  const shown = async () => JSON.parse(String((await rig.call('GET', '/workers')).body)).workers[0];
  assert.deepEqual((await shown()).circuit_breaker, { state: 'closed', failures: 2 });
  end(rig, FAULT);
  assert.deepEqual((await shown()).circuit_breaker, { state: 'open', failures: 3 });
  assert.equal((await shown()).is_healthy, false);
});

const HARMLESS: readonly Outcome[] = [
  { kind: 'ok', status: 400 },
  { kind: 'ok', status: 401 },
  { kind: 'ok', status: 404 },
  { kind: 'ok', status: 408 },
  { kind: 'ok', status: 422 },
  { kind: 'ok', status: 429 },
  { kind: 'status', status: 501 },
  { kind: 'status', status: 503 },
  { kind: 'queue-full', status: 0 },
  { kind: 'queue-timeout', status: 0 },
  { kind: 'client-gone', status: 0 },
  { kind: 'cancelled', status: 0 },
];
for (const outcome of HARMLESS) {
  test(`a hundred times ${outcome.kind} ${outcome.status} neither open it nor close it`, async (t) => {
    const { rig, url } = await startTwo(t);
    end(rig, ...Array.from({ length: 100 }, () => outcome));
    assert.equal(phaseOf(rig), 'closed');
    end(rig, FAULT, FAULT, outcome, FAULT);
    assert.equal(phaseOf(rig), 'open');
    await rig.untilEligible(url);
    end(rig, ...Array.from({ length: 100 }, () => outcome));
    assert.equal(phaseOf(rig), 'half_open');
    assert.ok(rig.eligible().includes(url), 'every attempt has given its place back');
  });
}

test('half-open it lets as many requests through at once as close it', async (t) => {
  const { rig, url } = await startTwo(t);
  end(rig, FAULT, FAULT, FAULT);
  await rig.untilEligible(url);
  const { attemptListener } = rig.control;
  attemptListener.attemptStarted(0);
  assert.ok(rig.eligible().includes(url));
  attemptListener.attemptStarted(0);
  assert.ok(!rig.eligible().includes(url));
  attemptListener.attemptEnded(0, OK);
  assert.ok(rig.eligible().includes(url));
  attemptListener.attemptEnded(0, FAULT);
  assert.ok(!rig.eligible().includes(url));
  assert.equal(phaseOf(rig), 'open');
});

test('opened by lost connections, it closes when the worker has restarted', async (t) => {
  const { rig, url, kill, listen } = await startTwo(t);
  end(rig, LOST, LOST, LOST);
  await rig.pass(1000);
  assert.equal(phaseOf(rig), 'open', 'passed probes alone do not close it');
  await kill();
  rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  await rig.pass(700);
  await listen();
  const backMs = await rig.untilEligible(url);
  assert.ok(backMs < 1500, `${backMs} ms`);
  assert.equal(phaseOf(rig), 'closed');
});

test('opened by faults, a restart does not close it', async (t) => {
  const { rig, url, kill, listen } = await startTwo(t);
  end(rig, FAULT, FAULT, FAULT);
  await kill();
  rig.control.attemptListener.attemptEnded(0, { kind: 'connect-failed', status: 0 });
  await rig.pass(700);
  await listen();
  await rig.pass(2000);
  assert.equal(phaseOf(rig), 'open');
  await rig.untilEligible(url);
  assert.equal(phaseOf(rig), 'half_open');
});

test('a fault that was the request’s own does not count', async (t) => {
  const { rig } = await startTwo(t);
  for (let i = 0; i < 20; i++) {
    end(rig, FAULT);
    rig.control.attemptListener.forgive(0);
  }
  assert.equal(phaseOf(rig), 'closed');
  end(rig, FAULT, FAULT);
  assert.equal(phaseOf(rig), 'closed');
});

test('switched off, it stays closed', async (t) => {
  const rig = startControl(t, { breaker: { ...BREAKER, isOn: false } });
  const worker = await rig.worker();
  rig.start({ workerUrls: [worker.address] });
  await rig.untilEligible(worker.address.url);
  end(rig, ...Array.from({ length: 100 }, () => FAULT));
  assert.deepEqual(rig.eligible(), [worker.address.url]);
});

test('no timer is left at the end', async (t) => {
  const { rig } = await startTwo(t);
  end(rig, FAULT, FAULT, FAULT);
  await rig.control.stop();
  assert.equal(rig.clock.pending, 0);
});
