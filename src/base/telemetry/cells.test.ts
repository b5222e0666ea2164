import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DURATION_BUCKETS, INTER_TOKEN_BUCKETS } from '../../router/telemetry/buckets.ts';
import { Histogram } from './cells.ts';

test('a value equal to a bound falls into the bucket of that bound, one above the last into the rest', () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 1, 1.5, 2, 4, 4.1]) histogram.observe(value);
  assert.deepEqual([...histogram.counts], [2, 2, 1, 1]);
  assert.ok(Math.abs(histogram.sum - 12.6) < 1e-9);
});

test('observing many at once is the same as observing each', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 5000, noNaN: true }), fc.integer({ min: 0, max: 20 }))), (observations) => {
      const together = new Histogram(INTER_TOKEN_BUCKETS);
      const apart = new Histogram(INTER_TOKEN_BUCKETS);
      for (const [seconds, times] of observations) {
        together.observeMany(seconds, times);
        for (let i = 0; i < times; i++) apart.observe(seconds);
      }
      assert.deepEqual(together.counts, apart.counts);
      assert.ok(Math.abs(together.sum - apart.sum) <= 1e-9 * (1 + apart.sum));
    }),
  );
});

test('the declared bounds ascend', () => {
  for (const bounds of [DURATION_BUCKETS, INTER_TOKEN_BUCKETS]) {
    assert.deepEqual(
      bounds,
      [...new Set(bounds)].sort((a, b) => a - b),
    );
  }
});
