import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget } from './retry-budget.ts';

test('a quiet router may retry, and what is 10 s old counts no more', () => {
  const budget = new RetryBudget(0);
  const taken = () => Array.from({ length: 150 }, () => budget.takeRetry(5000)).filter(Boolean).length;
  assert.equal(taken(), 100);
  assert.equal(budget.takeRetry(14_999), false);
  assert.equal(budget.used(14_999), 100);
  assert.equal(budget.takeRetry(15_000), true);
  assert.equal(budget.used(15_000), 1);
  assert.equal(budget.used(25_000), 0);
});

test('in any 10 s there are at most the floor and the share of the requests of that time, rounded to seconds', () => {
  const step = fc.record({ afterMs: fc.nat(2500), requests: fc.nat(80), retries: fc.nat(200) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 0.1, 0.5, 2), (steps, ratio) => {
      const budget = new RetryBudget(ratio);
      let nowMs = 1_000_000;
      const log: { second: number; requests: number; retries: number }[] = [];
      for (const { afterMs, requests, retries } of steps) {
        nowMs += afterMs;
        const second = Math.floor(nowMs / 1000);
        for (let i = 0; i < requests; i++) budget.request(nowMs);
        const window = log.filter((one) => one.second > second - 10);
        const asked = window.reduce((sum, one) => sum + one.requests, requests);
        const before = window.reduce((sum, one) => sum + one.retries, 0);
        let taken = 0;
        for (let i = 0; i < retries; i++) if (budget.takeRetry(nowMs)) taken++;
        const room = Math.max(0, Math.ceil(100 + ratio * asked - before));
        assert.equal(taken, Math.min(retries, room));
        log.push({ second, requests, retries: taken });
      }
    }),
  );
});
