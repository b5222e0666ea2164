import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chainOf, holders, SALT, spelled, word } from '../../../test/support/prefix-chains.ts';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { LatestOwners } from './owner-set.ts';
import { PrefixIndex } from './prefix-index.ts';
import { PromptChain } from './prompt-chain.ts';

/** The same tree with plain maps and no bound. */
class Model {
  readonly owners = new Map<string, number[]>();
  insert(letters: string, worker: number): void {
    let fresh = true;
    for (let n = letters.length; n > 0; n--) {
      const set = this.owners.get(letters.slice(0, n)) ?? [];
      const held = set.includes(worker);
      if (fresh) this.owners.set(letters.slice(0, n), [worker, ...set.filter((other) => other !== worker)].slice(0, 6));
      if (held) fresh = false;
    }
  }
  match(letters: string): number {
    let n = 0;
    while (n < letters.length && this.owners.has(letters.slice(0, n + 1))) n++;
    return n;
  }
}

describe('a prefix index', () => {
  it('knows exactly the prefixes and the six latest holders that a plain tree knows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, fc.nat(9)), { maxLength: 120, size: 'max' }),
        fc.array(word, { maxLength: 20 }),
        (inserts, queries) => {
          const index = new PrefixIndex(100_000, new LatestOwners());
          const model = new Model();
          for (let worker = 0; worker < 10; worker++) index.join(worker);
          for (const [letters, worker] of inserts) {
            index.insert(chainOf(spelled(letters)), worker, letters.length % 4);
            model.insert(letters, worker);
          }
          for (const letters of [...queries, ...inserts.map(([each]) => each)]) {
            const chain = chainOf(spelled(letters));
            const known = index.match(chain);
            assert.equal(known, model.match(letters));
            for (let n = 1; n <= known; n++) assert.deepEqual(holders(index, chain, n), model.owners.get(letters.slice(0, n)));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('finds everything while it grows through many segments, within 40 bytes per block', () => {
    const index = new PrefixIndex(200_000, new LatestOwners());
    index.join(0);
    const chain = new PromptChain(SALT);
    const prompts = 2000;
    for (let i = 0; i < prompts; i++) {
      chain.compute(promptOf(`${i}:${'lorem ipsum '.repeat(600)}`));
      index.insert(chain, 0, 0);
    }
    for (let i = 0; i < prompts; i++) {
      chain.compute(promptOf(`${i}:${'lorem ipsum '.repeat(600)}`));
      assert.equal(index.match(chain), chain.length);
    }
    assert.equal(index.blocks, prompts * chain.length);
    const bytesPerBlock = index.bytes / index.blocks;
    assert.ok(bytesPerBlock > 24 && bytesPerBlock < 46, `${bytesPerBlock}`);
  });
});
