import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

const taken = (bucket: TokenBucket, nowMs: number): number => {
  let count = 0;
  while (bucket.take(nowMs)) count++;
  return count;
};

describe('a token bucket', () => {
  test('gives a burst of one second and then the rate', () => {
    const bucket = new TokenBucket(10, 5000);
    assert.equal(taken(bucket, 5000), 10);
    assert.equal(taken(bucket, 5099), 0);
    assert.equal(taken(bucket, 5100), 1);
    assert.equal(taken(bucket, 5500), 4);
  });

  test('saves one second and no more', () => {
    const bucket = new TokenBucket(3, 0);
    assert.equal(taken(bucket, 1_000_000), 3);
  });

  test('says when tokens are there', () => {
    const bucket = new TokenBucket(4, 0);
    assert.equal(bucket.waitMs(0, 4), 0);
    taken(bucket, 0);
    assert.deepEqual([bucket.waitMs(0), bucket.waitMs(100), bucket.waitMs(250), bucket.waitMs(250, 2)], [250, 150, 0, 250]);
  });

  test('never gives more than a burst and the rate allow, and gives a token at the time that it said', () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat(3000), takes: fc.nat(20) }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (rate, sequence) => {
        const bucket = new TokenBucket(rate, 0);
        let nowMs = 0;
        let given = 0;
        for (const { afterMs, takes } of sequence) {
          nowMs += afterMs;
          for (let i = 0; i < takes; i++) if (bucket.take(nowMs)) given++;
          assert.ok(given <= Math.max(1, rate) + (rate * nowMs) / 1000 + 1e-6);
          nowMs += bucket.waitMs(nowMs);
          assert.ok(bucket.take(nowMs));
          given++;
        }
      }),
    );
  });
});
