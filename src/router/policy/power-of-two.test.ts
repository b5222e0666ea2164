import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import type { Rng } from '../../base/core/rng.ts';
import { createRng } from '../../base/runtime/rng.ts';
import type { Policy } from './contract.ts';
import { powerOfTwo } from './power-of-two.ts';

const INPUT = promptOf('');
/** Chance that gives the listed draws and fails beyond them. */
const draws = (...values: readonly number[]): Rng => {
  const left = [...values];
  return {
    nextUint32: () => assert.fail('not drawn'),
    below: (bound) => {
      const value = left.shift();
      assert.ok(value !== undefined && value < bound, `${value} below ${bound}`);
      return value;
    },
  };
};
const poolOf = (rng: Rng, loads: readonly number[], processed: readonly number[] = []) => {
  const pool = new Pool(powerOfTwo as Policy, rng);
  loads.forEach((load, worker) => {
    pool.join(worker);
    for (let i = 0; i < load + (processed[worker] ?? 0); i++) pool.loads.acquire(worker);
    for (let i = 0; i < (processed[worker] ?? 0); i++) pool.loads.release(worker);
  });
  return pool;
};

describe('power_of_two', () => {
  it('takes the less loaded of the two it drew, not the least loaded of all', () => {
    assert.equal(poolOf(draws(1, 1), [0, 5, 3, 9]).select(INPUT).worker, 2);
    assert.equal(poolOf(draws(3, 1), [0, 5, 3, 9]).select(INPUT).worker, 1);
  });

  it('breaks a tie by requests processed, then takes the first draw', () => {
    assert.equal(poolOf(draws(0, 0), [2, 2], [4, 3]).select(INPUT).worker, 1);
    assert.equal(poolOf(draws(1, 0), [2, 2], [3, 3]).select(INPUT).worker, 1);
    assert.equal(poolOf(draws(0, 0), [2, 2], [3, 3]).select(INPUT).worker, 0);
  });

  it('never draws when there is nothing to draw', () => {
    assert.deepEqual(poolOf(draws(), [7]).select(INPUT), { worker: 0, because: 'only', matchedBytes: 0 });
    assert.equal(poolOf(draws(), [7, 1]).select(INPUT, 1).worker, 0);
  });

  it('draws all pairs of two different workers equally often, with and without excluded ones', () => {
    for (const excluded of [[], [0], [3], [6], [2, 5]]) {
      const workers = Array.from({ length: 7 }, (_, i) => i).filter((worker) => !excluded.includes(worker));
      // Loads that differ tell the loser of each pair: the winner is known, and so is who it may have met.
      const rng = createRng(42 + (excluded[0] ?? -1));
      const pairs = new Map<string, number>();
      const rounds = 60_000;
      const spy: { drawn: number[] } = { drawn: [] };
      const pool = poolOf(
        { nextUint32: () => rng.nextUint32(), below: (bound) => spy.drawn[spy.drawn.push(rng.below(bound)) - 1]! },
        [0, 1, 2, 3, 4, 5, 6],
      );
      for (let i = 0; i < rounds; i++) {
        spy.drawn = [];
        const { worker } = pool.select(INPUT, ...excluded);
        assert.equal(spy.drawn.length, 2);
        const [a, b] = [spy.drawn[0]!, spy.drawn[1]! + (spy.drawn[1]! >= spy.drawn[0]! ? 1 : 0)];
        assert.notEqual(a, b);
        const pair = [workers[a]!, workers[b]!];
        assert.equal(worker, Math.min(...pair), 'the less loaded one has the lower index here');
        const key = pair.join();
        pairs.set(key, (pairs.get(key) ?? 0) + 1);
      }
      const kinds = workers.length * (workers.length - 1);
      assert.equal(pairs.size, kinds);
      const expected = rounds / kinds;
      const chiSquared = [...pairs.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // Mean kinds-1, variance 2(kinds-1): six standard deviations.
      assert.ok(chiSquared < kinds - 1 + 6 * Math.sqrt(2 * (kinds - 1)), `${chiSquared} over ${kinds} kinds`);
    }
  });

  it('keeps the longest queue far shorter than chance alone', () => {
    const pool = poolOf(createRng(3), new Array(50).fill(0));
    for (let i = 0; i < 5000; i++) pool.dispatch(INPUT);
    assert.ok(pool.view.maxLoad() <= 104, `${pool.view.maxLoad()}`);
    assert.ok(pool.view.minLoad() >= 92, `${pool.view.minLoad()}`);
  });
});
