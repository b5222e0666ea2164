import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';
import type { Retry } from '../upstream/seam.ts';
import { RetryBudget } from './retry-budget.ts';
import { type Again, type AttemptFailure, backoff, RetryPlan, type RetrySettings, type StopReason } from './retry-plan.ts';

const SETTINGS: RetrySettings = {
  maxAttempts: 5,
  repeatsSent: true,
  statuses: new Set([408, 429, 500, 502, 503, 504]),
  backoffMs: (failures) => failures * 10,
};

/** `away`: workers that take no requests. */
function planOf(settings: Partial<RetrySettings> = {}, away: readonly WorkerIndex[] = [], ratio = 1000): RetryPlan {
  const world = {
    budget: new RetryBudget(ratio),
    nowMs: () => 0,
    isAway: (worker: WorkerIndex) => away.includes(worker),
    isInDoubt: () => false,
  };
  return new RetryPlan({ ...SETTINGS, ...settings }, world);
}

const failure = (kind: OutcomeKind, retry: Retry, worker = 0, afterMs = 3): AttemptFailure => ({
  kind,
  retry,
  afterMs,
  worker,
  status: 0,
  type: 'regular',
});
const answered = (status: number, worker = 0): AttemptFailure => ({ ...failure('status', 'sent', worker), status });
const stopOf = (verdict: ReturnType<RetryPlan['after']>): StopReason | null => ('stop' in verdict ? verdict.stop : null);
const againOf = (verdict: ReturnType<RetryPlan['after']>): Again => {
  assert.ok(!('stop' in verdict), JSON.stringify(verdict));
  return verdict;
};

test('a request is tried as often as the settings say', () => {
  for (const kind of ['connect-failed', 'malformed', 'queue-full', 'timeout'] as const) {
    const plan = planOf({ maxAttempts: 3 });
    assert.deepEqual(
      [0, 1, 2].map((worker) => stopOf(plan.after(failure(kind, 'sent', worker)))),
      [null, null, 'attempts'],
      kind,
    );
  }
});

test('each attempt excludes the workers of its type that failed before, in order', () => {
  const plan = planOf();
  assert.deepEqual(againOf(plan.after(failure('reset', 'sent', 4))).exclude, [4]);
  plan.avoid('decode', 9);
  assert.deepEqual(againOf(plan.after(failure('malformed', 'sent', 2))).exclude, [4, 2]);
  assert.deepEqual([plan.failed('regular'), plan.failed('decode'), plan.failed('prefill')], [[4, 2], [9], []]);
});

test('a request that killed a worker goes to one more, and to none after that one', () => {
  const away: WorkerIndex[] = [];
  const plan = planOf({}, away);
  assert.equal(stopOf(plan.after(failure('reset', 'sent', 0))), null);
  away.push(0);
  assert.equal(stopOf(plan.after(failure('cut', 'sent', 1))), 'poison');
});

test('a worker that dies late counts as dead before anyone has found it away', () => {
  const plan = planOf();
  assert.equal(stopOf(plan.after(failure('reset', 'sent', 0, 5000))), null);
  assert.equal(stopOf(plan.after(failure('reset', 'sent', 1, 5000))), 'poison');
});

test('the next attempt waits until it is known whether the lost worker has died, for a second at most', () => {
  let nowMs = 0;
  const inDoubt: WorkerIndex[] = [3];
  const world = {
    budget: new RetryBudget(1000),
    nowMs: () => nowMs,
    isAway: () => false,
    isInDoubt: (one: WorkerIndex) => inDoubt.includes(one),
  };
  const plan = new RetryPlan(SETTINGS, world);
  assert.equal(plan.verdictMs, 0);
  plan.after(failure('reset', 'sent', 3));
  assert.ok(plan.verdictMs > 0);
  inDoubt.length = 0;
  assert.equal(plan.verdictMs, 0);
  inDoubt.push(3);
  nowMs = 999;
  assert.ok(plan.verdictMs > 0);
  nowMs = 1000;
  assert.equal(plan.verdictMs, 0);
});

test('lost connections of workers that live are no poison', () => {
  const plan = planOf();
  assert.deepEqual(
    [0, 1, 2].map((worker) => stopOf(plan.after(failure('reset', 'sent', worker)))),
    [null, null, null],
  );
});

test('500 from two workers blames the request; from one worker twice it does not', () => {
  const plan = planOf();
  assert.equal(stopOf(plan.after(answered(500, 0))), null);
  assert.equal(stopOf(plan.after(answered(500, 0))), null);
  assert.equal(stopOf(plan.after(answered(500, 1))), 'blamed');
  assert.deepEqual(plan.accused, [0, 1]);
});

test('429, 503 and requests that never left go to other workers at once; other failures wait', () => {
  for (const [one, afterMs, needsOther] of [
    [answered(429), 0, true],
    [answered(503), 0, true],
    [failure('queue-full', 'unsent'), 0, true],
    [answered(500), 10, false],
    [answered(504), 10, false],
    [failure('reset', 'sent'), 10, true],
  ] as const) {
    assert.deepEqual(planOf().after(one), { afterMs, exclude: [0], needsOther }, JSON.stringify(one));
  }
});

test('what every worker would answer, or cannot be sent again, is not repeated', () => {
  for (const status of [400, 404, 501, 505]) assert.equal(stopOf(planOf().after(answered(status))), 'unrepeatable', String(status));
  assert.equal(stopOf(planOf({ statuses: new Set([503]) }).after(answered(500))), 'unrepeatable');
  assert.equal(stopOf(planOf().after(failure('reset', 'never'))), 'unrepeatable');
});

test('with retries off only a request that never left is sent again', () => {
  const off = { repeatsSent: false, statuses: new Set<number>() };
  assert.equal(stopOf(planOf(off).after(failure('reset', 'sent'))), 'attempts');
  assert.equal(stopOf(planOf(off).after(failure('connect-failed', 'unsent'))), null);
});

test('the budget bounds retries of all requests together, but not of what never left', () => {
  const budget = new RetryBudget(0.5);
  for (let i = 0; i < 200; i++) budget.request(0);
  const world = { budget, nowMs: () => 0, isAway: () => false, isInDoubt: () => false };
  const retry = (one: AttemptFailure) => stopOf(new RetryPlan(SETTINGS, world).after(one));
  const stops = Array.from({ length: 300 }, () => retry(failure('reset', 'sent')));
  assert.equal(stops.filter((stop) => stop === null).length, 100 + 200 / 2);
  assert.equal(stops.at(-1), 'budget');
  assert.equal(retry(failure('connect-failed', 'unsent')), null);
});

test('pauses grow by the factor up to the limit, and chance moves them by the jitter', () => {
  const at = (chance: number) => backoff({ initialMs: 50, maxMs: 150, multiplier: 1.5, jitter: 0.2 }, () => chance);
  assert.deepEqual(
    [1, 2, 3, 4].map((failures) => at(0.5)(failures)),
    [50, 75, 112.5, 150],
  );
  assert.deepEqual([Math.round(at(0)(1)), Math.round(at(0.9999)(1))], [40, 60]);
});

test('a request of a worker that hangs goes to one more without the budget, and to none after a second one', () => {
  const plan = planOf({}, [], 0);
  for (let i = 0; i < 200; i++) assert.equal(stopOf(planOf({}, [], 0).after(failure('hung', 'sent', 0, 40_000))), null);
  assert.equal(againOf(plan.after(failure('hung', 'sent', 0, 40_000))).needsOther, true);
  assert.equal(stopOf(plan.after(failure('hung', 'sent', 1, 40_000))), 'poison');
});

test('a request that never left for the workers that hung is not blamed', () => {
  const plan = planOf();
  assert.equal(stopOf(plan.after(failure('hung', 'unsent', 0))), null);
  assert.equal(stopOf(plan.after(failure('hung', 'unsent', 1))), null);
});
