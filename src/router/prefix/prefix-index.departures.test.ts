import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainOf, holders } from '../../../test/support/prefix-chains.ts';
import { LatestOwners } from './owner-set.ts';
import { PrefixIndex } from './prefix-index.ts';

describe('a prefix index whose workers join and leave', () => {
  it('never shows an old entry to a worker that got the index of one that left', () => {
    const index = new PrefixIndex(10_000, new LatestOwners());
    for (const worker of [0, 1]) index.join(worker);
    const chain = chainOf('p'.repeat(5000));
    index.insert(chain, 0, 0);
    index.insert(chain, 1, 0);
    index.leave(0);
    assert.deepEqual(holders(index, chain, chain.length), [1]);
    index.join(0);
    assert.deepEqual(holders(index, chain, chain.length), [1]);
    index.insert(chain, 0, 0);
    assert.deepEqual(holders(index, chain, chain.length), [0, 1]);
  });

  it('clears in slices what a departed worker held', () => {
    const index = new PrefixIndex(100_000, new LatestOwners());
    for (const worker of [0, 1]) index.join(worker);
    for (let i = 0; i < 500; i++) index.insert(chainOf(`${i} `.repeat(100)), 0, 0);
    const before = index.blocks;
    index.leave(0);
    assert.equal(index.blocks, before, 'nothing is swept at once');
    const mine = chainOf('mine '.repeat(100));
    // A sweep takes away leaves; their parents are leaves then, for the next one. Departures start sweeps.
    for (let i = 0; i < 5000 && index.blocks > mine.length; i++) {
      index.insert(mine, 1, 0);
      if (i % 100 === 0) {
        index.join(2);
        index.leave(2);
      }
    }
    assert.equal(index.blocks, mine.length);
  });

  it('ignores prompts for workers that never joined, and empty prompts', () => {
    const index = new PrefixIndex(1000, new LatestOwners());
    index.insert(chainOf('abc'), 3, 0);
    index.join(3);
    index.insert(chainOf(''), 3, 0);
    index.leave(77);
    assert.equal(index.blocks, 0);
  });

  it('survives tens of thousands of joins and departures', () => {
    const index = new PrefixIndex(1000, new LatestOwners());
    const chain = chainOf('some prompt');
    index.join(1);
    index.join(0);
    index.insert(chain, 1, 0);
    index.insert(chain, 0, 0);
    // More than there are tokens, and no prompt in between that could sweep.
    for (let i = 0; i < 70_000; i++) {
      index.leave(0);
      index.join(0);
    }
    assert.deepEqual(holders(index, chain, 1), [1]);
    index.insert(chain, 0, 0);
    assert.deepEqual(holders(index, chain, 1), [0, 1]);
  });
});
