import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool } from '../../../test/support/policy-pool.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { createRng } from '../../base/runtime/rng.ts';
import type { Policy } from './contract.ts';
import { random } from './random.ts';

describe('random', () => {
  it('picks all workers equally often, whatever their load, and never an excluded one', () => {
    for (const excluded of [[], [0], [4], [9], [0, 3, 4]]) {
      const pool = new Pool(random as Policy, createRng(8));
      pool.join(...Array.from({ length: 10 }, (_, i) => i));
      for (let i = 0; i < 100; i++) pool.loads.acquire(5);
      const counts = new Array<number>(10).fill(0);
      const rounds = 20_000;
      for (let i = 0; i < rounds; i++) counts[pool.select(promptOf(''), ...excluded).worker]!++;
      const share = rounds / (10 - excluded.length);
      counts.forEach((count, worker) => {
        if (excluded.includes(worker)) assert.equal(count, 0);
        else assert.ok(Math.abs(count - share) < 6 * Math.sqrt(share), `${counts}`);
      });
    }
  });
});
