import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import { type Retry, retryAfterStatus } from '../upstream/seam.ts';
import { type AttemptFailure, RetryPlan, type RetrySettings } from './retry-plan.ts';

const ANY: RetrySettings = { maxAttempts: 3, repeatsSent: true, backoffMs: () => 0 };

const failure = (kind: OutcomeKind, retry: Retry, afterMs = 3, worker = 0): AttemptFailure => ({
  kind,
  retry,
  afterMs,
  worker,
  type: 'regular',
});

test('a request is tried as often as the settings say, whatever fails at once', () => {
  for (const kind of ['connect-failed', 'reset', 'cut', 'malformed', 'queue-full', 'timeout'] as const) {
    const plan = new RetryPlan(ANY);
    const tried = [0, 1, 2].map((worker) => plan.after(failure(kind, 'sent', 3, worker)) !== 'stop');
    assert.deepEqual(tried, [true, true, false], kind);
  }
});

test('each try excludes the workers of its type that failed before, in order', () => {
  const plan = new RetryPlan({ ...ANY, maxAttempts: 10 });
  assert.deepEqual(plan.after(failure('reset', 'sent', 3, 4)), { afterMs: 0, exclude: [4] });
  plan.avoid('decode', 9);
  assert.deepEqual(plan.after(failure('reset', 'sent', 3, 2)), { afterMs: 0, exclude: [4, 2] });
  assert.deepEqual([plan.failed('regular'), plan.failed('decode'), plan.failed('prefill')], [[4, 2], [9], []]);
});

test('a request whose engines die slowly kills two of them at most', () => {
  for (const kind of ['reset', 'cut'] as const) {
    const plan = new RetryPlan(ANY);
    assert.deepEqual(
      [0, 1].map((worker) => plan.after(failure(kind, 'sent', 5000, worker)) !== 'stop'),
      [true, false],
    );
  }
});

test('what a worker may have received is repeated only where the settings allow it', () => {
  const plan = () => new RetryPlan({ ...ANY, repeatsSent: false });
  assert.equal(plan().after(failure('reset', 'sent')), 'stop');
  assert.notEqual(plan().after(failure('connect-failed', 'unsent')), 'stop');
});

test('a request that cannot be repeated is not', () => {
  assert.equal(new RetryPlan(ANY).after(failure('reset', 'never')), 'stop');
});

test('a request that a worker may have received waits before the next try; one that never left does not', () => {
  const plan = new RetryPlan({ ...ANY, backoffMs: (failures) => failures * 50 });
  assert.deepEqual(plan.after(failure('connect-failed', 'unsent', 3, 0)), { afterMs: 0, exclude: [0] });
  assert.deepEqual(plan.after(failure('reset', 'sent', 3, 1)), { afterMs: 100, exclude: [0, 1] });
});

test('an answer that every engine of the fleet would give is not asked for again', () => {
  for (const status of [500, 502, 503, 504]) assert.equal(retryAfterStatus(status), 'sent', String(status));
  for (const status of [200, 400, 404, 429, 501, 505]) assert.equal(retryAfterStatus(status), 'never', String(status));
});
