import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { distributionOf } from './distribution.ts';

test('percentiles lie between neighbours in proportion, as numpy has them', () => {
  // numpy.percentile([1, 2, 3, 4], [50, 75, 90, 99]) -> 2.5, 3.25, 3.7, 3.97; numpy.std -> 1.118033988749895
  const found = distributionOf([4, 1, 3, 2]) ?? assert.fail();
  assert.equal(found.median, 2.5);
  assert.equal(found.p75, 3.25);
  assert.ok(Math.abs(found.p90 - 3.7) < 1e-12);
  assert.ok(Math.abs(found.p99 - 3.97) < 1e-12);
  assert.ok(Math.abs(found.std - 1.118033988749895) < 1e-12);
  assert.equal(found.mean, 2.5);
});

test('no values give nothing, one value gives itself', () => {
  assert.equal(distributionOf([]), null);
  assert.deepEqual(distributionOf([7]), { mean: 7, median: 7, std: 0, p50: 7, p75: 7, p90: 7, p95: 7, p99: 7, p99_9: 7 });
});

test('percentiles rise, stay within the values and do not depend on their order', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(values, (given) => {
      const found = distributionOf(given) ?? assert.fail();
      const rising = [Math.min(...given), found.p50, found.p75, found.p90, found.p95, found.p99, found.p99_9, Math.max(...given)];
      for (let i = 1; i < rising.length; i++) assert.ok(rising[i]! >= rising[i - 1]! - 1e-9, `${rising}`);
      assert.deepEqual(distributionOf([...given].reverse()), found);
    }),
  );
});
