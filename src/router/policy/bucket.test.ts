import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { bucket } from './bucket.ts';
import type { Policy } from './contract.ts';

const poolOf = (count: number, values: Readonly<Record<string, number>> = {}): Pool => {
  const pool = new Pool(bucket as Policy, createRng(7), values);
  pool.join(...Array.from({ length: count }, (_, index) => index));
  return pool;
};
const lengthOf = (bytes: number) => promptOf('x'.repeat(bytes));
/** The worker of a request that ends at once. */
const send = (pool: Pool, bytes: number): number => {
  const { worker } = pool.dispatch(lengthOf(bytes));
  pool.endOldest();
  return worker;
};

describe('bucket', () => {
  it('starts with lengths up to 4 KiB in even parts, and everything longer at the last worker', () => {
    const first = (bytes: number) => poolOf(4).select(lengthOf(bytes)).worker;
    assert.deepEqual([0, 1000, 1100, 2100, 3100, 4096, 100_000].map(first), [0, 0, 1, 2, 3, 3, 3]);
  });

  it('sends shorter prompts to earlier workers once it knows the traffic', () => {
    const pool = poolOf(4);
    const rng = createRng(3);
    // Far longer than the first guess: its bounds would send all to the last worker.
    const lengths = Array.from({ length: 2000 }, () => 10_000 + rng.below(90_000));
    const workers = lengths.map((bytes) => send(pool, bytes));
    const settled = lengths.map((bytes, at) => ({ bytes, worker: workers[at]! })).slice(1000);
    const longest = [0, 1, 2].map((worker) => Math.max(...settled.filter((each) => each.worker === worker).map(({ bytes }) => bytes)));
    const shortest = [1, 2, 3].map((worker) => Math.min(...settled.filter((each) => each.worker === worker).map(({ bytes }) => bytes)));
    // Neighbours overlap by a bin or two, which are an eighth wide, and by the drift of the bounds.
    for (const [at, end] of longest.entries()) assert.ok(end < shortest[at]! * 1.5, `${longest} ${shortest}`);
  });

  it('gives every worker about the same amount of work, whatever the lengths', () => {
    const length = fc.oneof(fc.constant(1500), fc.integer({ min: 10, max: 500 }), fc.integer({ min: 2000, max: 60_000 }));
    fc.assert(
      fc.property(fc.array(length, { minLength: 3, maxLength: 12 }), (lengths) => {
        const pool = poolOf(4);
        const work = [0, 0, 0, 0];
        for (let i = 0; i < 2000; i++) {
          const bytes = lengths[i % lengths.length]!;
          const worker = send(pool, bytes);
          if (i >= 200) work[worker]! += bytes;
        }
        const mean = work.reduce((sum, each) => sum + each, 0) / 4;
        for (const each of work) assert.ok(each > mean * 0.7 && each < mean * 1.3, `${work}`);
      }),
      { numRuns: 25 },
    );
  });

  it('follows a change of the traffic', () => {
    const pool = poolOf(2);
    for (let i = 0; i < 1000; i++) send(pool, 50_000);
    for (let i = 0; i < 3000; i++) send(pool, i % 2 === 0 ? 100 : 300);
    const counts = [0, 0];
    for (let i = 0; i < 200; i++) counts[send(pool, 300)]!++;
    assert.ok(counts[1]! > 100 && counts[0]! > 20, `${counts}`);
    assert.ok(Array.from({ length: 50 }, () => send(pool, 100)).every((worker) => worker === 0));
  });

  it('sets lengths aside while loads are out of balance', () => {
    const pool = poolOf(3, { balanceAbsThreshold: 2, balanceRelThreshold: 1 });
    const reasons = Array.from({ length: 4 }, () => pool.dispatch(lengthOf(10)));
    assert.deepEqual(
      reasons.map(({ worker, because }) => [worker, because]),
      [
        [0, 'length'],
        [0, 'length'],
        [0, 'length'],
        [1, 'imbalance'],
      ],
    );
  });

  it('leaves the excluded worker out and shares its lengths among the others', () => {
    const pool = poolOf(3);
    assert.deepEqual(
      [100, 5000].map((bytes) => pool.select(lengthOf(bytes), 0).worker),
      [1, 2],
    );
  });

  it('counts only the prompt, in all its pieces', () => {
    const pool = poolOf(2);
    assert.equal(pool.select(promptOf('x'.repeat(2100), [100, 900])).worker, 1);
    assert.equal(pool.select(promptOf('x'.repeat(2000), [100, 900])).worker, 0);
  });
});
