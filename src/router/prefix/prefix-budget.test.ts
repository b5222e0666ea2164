import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { LatestOwners } from './owner-set.ts';
import { prefixIndexBytes } from './prefix-budget.ts';
import { entriesWithin, PrefixIndex } from './prefix-index.ts';
import { PromptChain } from './prompt-chain.ts';

describe('the budget of the prefix index', () => {
  it('is 20 MiB by default and stays between 1 and 512 MiB', () => {
    assert.equal(prefixIndexBytes(2 ** 26), 20 * 2 ** 20);
    assert.equal(prefixIndexBytes(0), 2 ** 20);
    assert.equal(prefixIndexBytes(2 ** 40), 2 ** 29);
  });

  it('holds when the index is full and prompts come and go', () => {
    const budget = 2 ** 20;
    const index = new PrefixIndex(entriesWithin(budget), new LatestOwners());
    index.join(0);
    const chain = new PromptChain(1);
    let most = 0;
    for (let i = 0; i < 3000; i++) {
      chain.compute(promptOf(`${i} ${'text '.repeat(i % 500)}`));
      index.insert(chain, 0, 0);
      most = Math.max(most, index.bytes);
    }
    assert.equal(index.blocks, index.capacity, 'the test filled it');
    assert.ok(most <= budget, `${most} bytes`);
    assert.ok(most > budget / 2, 'the budget is used');
  });

  it('takes memory as it is needed', () => {
    assert.ok(new PrefixIndex(entriesWithin(2 ** 29), new LatestOwners()).bytes < 300_000);
  });
});
