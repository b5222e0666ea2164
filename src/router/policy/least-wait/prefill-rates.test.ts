import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefillRates } from './prefill-rates.ts';

function ratesOf(workers: number): PrefillRates {
  const rates = new PrefillRates();
  for (let worker = 0; worker < workers; worker++) rates.join(worker);
  return rates;
}
const near = (actual: number, expected: number, share: number, what = ''): void =>
  assert.ok(Math.abs(actual - expected) <= share * expected, `${what} ${actual}, expected about ${expected}`);

test('learns the time of a byte and of a request of each worker, also of one twice as fast', () => {
  const rates = ratesOf(2);
  for (let i = 0; i < 200; i++) {
    const bytes = 500 + ((i * 7919) % 60_000);
    rates.observe(0, 1, bytes, 20 + bytes * 0.03);
    rates.observe(1, 1, bytes, 10 + bytes * 0.015);
  }
  for (const bytes of [1000, 30_000, 200_000]) {
    near(rates.ms(0, bytes), 20 + bytes * 0.03, 0.1, 'slow');
    near(rates.ms(1, bytes), 10 + bytes * 0.015, 0.25, 'fast');
  }
});

test('takes a new worker for the mean of the others, and an old index for a new worker', () => {
  const rates = ratesOf(3);
  for (let i = 0; i < 100; i++) for (const worker of [0, 1]) rates.observe(worker, 1, 1000 + i * 500, (1000 + i * 500) * 0.1);
  rates.join(3);
  near(rates.ms(3, 10_000), 1000, 0.05);
  rates.leave(0);
  rates.join(0);
  assert.equal(rates.ms(0, 10_000), rates.ms(3, 10_000));
});

test('follows a worker that becomes slower', () => {
  const rates = ratesOf(1);
  for (let i = 0; i < 200; i++) rates.observe(0, 1, 5000 + i, 100);
  for (let i = 0; i < 60; i++) rates.observe(0, 2, 2 * (5000 + i), 600);
  near(rates.ms(0, 5000), 300, 0.25);
});

test('whatever it is fed, a request costs a finite time, and a longer one no less', () => {
  const odd = fc.constantFrom(0, -1, 1, 1e-300, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 5000);
  const observation = fc.tuple(fc.nat(3), odd, odd, odd);
  fc.assert(
    fc.property(fc.array(observation, { maxLength: 60 }), (observations) => {
      const rates = ratesOf(3);
      for (const [worker, requests, bytes, ms] of observations) rates.observe(worker, requests, bytes, ms);
      for (let worker = 0; worker < 4; worker++) {
        const times = [0, 1, 1000, 1e6, 1e9].map((bytes) => rates.ms(worker, bytes));
        for (const [i, ms] of times.entries()) assert.ok(Number.isFinite(ms) && ms >= (times[i - 1] ?? 0), `${times}`);
      }
    }),
    { numRuns: 500 },
  );
});
