import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import type { Policy } from './contract.ts';
import { roundRobin } from './round-robin.ts';

const INPUT = promptOf('');
const NO_CHANCE = { nextUint32: () => assert.fail('round_robin drew'), below: () => assert.fail('round_robin drew') };
const poolOf = (...workers: readonly number[]) => {
  const pool = new Pool(roundRobin as Policy, NO_CHANCE);
  pool.join(...workers);
  return pool;
};
const turns = (pool: Pool, count: number) => Array.from({ length: count }, () => pool.dispatch(INPUT).worker);

describe('round_robin', () => {
  it('chooses every worker in turn, by index', () => {
    assert.deepEqual(turns(poolOf(5, 2, 9), 7), [2, 5, 9, 2, 5, 9, 2]);
  });

  it('continues after the worker chosen last when workers join and leave', () => {
    const pool = poolOf(0, 1, 2, 3);
    assert.deepEqual(turns(pool, 2), [0, 1]);
    pool.leave(0);
    assert.deepEqual(turns(pool, 1), [2]);
    pool.leave(2);
    pool.join(7);
    assert.deepEqual(turns(pool, 4), [3, 7, 1, 3]);
  });

  it('serves each worker that stays at most once more than any other that stays, however the others join and leave', () => {
    const change = fc.record({ worker: fc.integer({ min: 4, max: 9 }), eligible: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: change }), { maxLength: 200, size: 'max' }),
        (script) => {
          const pool = poolOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
          const counts = [0, 0, 0, 0];
          for (const each of script) {
            if (each !== null) pool.setEligible(each.worker, each.eligible);
            else {
              const { worker } = pool.dispatch(INPUT);
              if (worker < 4) counts[worker]!++;
            }
          }
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
        },
      ),
    );
  });

  it('does not give the neighbour of a failing worker two requests per round', () => {
    const pool = poolOf(0, 1, 2, 3);
    const served = [0, 0, 0, 0];
    for (let i = 0; i < 400; i++) {
      const first = pool.dispatch(INPUT).worker;
      served[first === 0 ? pool.dispatch(INPUT, 0).worker : first]!++;
    }
    assert.equal(served[0], 0);
    assert.ok(Math.max(...served.slice(1)) - Math.min(...served.slice(1)) <= 1, `${served}`);
  });

  it('does not move the turn until a choice is committed', () => {
    const pool = poolOf(0, 1, 2);
    assert.deepEqual([pool.select(INPUT).worker, pool.select(INPUT).worker, pool.select(INPUT, 0).worker], [0, 0, 1]);
    assert.deepEqual(turns(pool, 2), [0, 1]);
  });

  it('passes over excluded workers, also at the end of the list', () => {
    const pool = poolOf(0, 1, 2, 3);
    turns(pool, 2);
    assert.equal(pool.select(INPUT, 2).worker, 3);
    assert.equal(pool.dispatch(INPUT, 3, 0, 2).worker, 1);
  });
});
