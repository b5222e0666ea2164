import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairRetries } from './retry.ts';

test('three pairs are tried, whatever fails at once', () => {
  for (const kind of ['connect-failed', 'reset', 'cut', 'malformed', 'queue-full', 'timeout'] as const) {
    const retries = new PairRetries();
    const tried = [1, 2, 3].map(() => retries.mayTryAnother({ kind, status: 0, afterMs: 3 }));
    assert.deepEqual(tried, [true, true, false]);
  }
});

test('a request whose engines die slowly kills two of them at most', () => {
  for (const kind of ['reset', 'cut'] as const) {
    const retries = new PairRetries();
    assert.deepEqual(
      [1, 2].map(() => retries.mayTryAnother({ kind, status: 0, afterMs: 5000 })),
      [true, false],
    );
  }
});

test('answers that any engine would give are given to the client', () => {
  for (const [status, expected] of [
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [501, false],
    [505, false],
  ] as const) {
    assert.equal(new PairRetries().mayTryAnother({ kind: 'status', status, afterMs: 0 }), expected, String(status));
  }
  for (const kind of ['ok', 'client-gone', 'cancelled'] as const) {
    assert.equal(new PairRetries().mayTryAnother({ kind, status: 0, afterMs: 0 }), false);
  }
});
