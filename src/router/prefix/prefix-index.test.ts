import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { promptOf } from '../../../test/support/prompt-of.ts';
import { PrefixIndex } from './prefix-index.ts';
import { PromptChain } from './prompt-chain.ts';

const SALT = 99;
const chainOf = (prompt: string) => {
  const chain = new PromptChain(SALT);
  chain.compute(promptOf(prompt));
  return chain;
};
const holders = (index: PrefixIndex, chain: PromptChain, links: number) => {
  const entry = index.entryAt(chain, links);
  const out = new Int32Array(8);
  return entry === 0 ? [] : [...out.subarray(0, index.owners(entry, out))];
};
/** A prompt out of 16-byte blocks, one letter each; no rest. */
const spelled = (letters: string) => letters.replaceAll(/./g, (letter) => letter.repeat(16));

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

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 14 });

describe('PrefixIndex', () => {
  it('knows exactly the prefixes and the six latest holders that a plain tree knows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, fc.nat(9)), { maxLength: 120, size: 'max' }),
        fc.array(word, { maxLength: 20 }),
        (inserts, queries) => {
          const index = new PrefixIndex(100_000);
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

  it('keeps within its capacity, and an entry never without its parents', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.oneof(fc.tuple(word, fc.nat(3)), fc.tuple(fc.constant(''), fc.nat(3))), { maxLength: 150, size: 'max' }),
        (capacity, steps) => {
          const index = new PrefixIndex(capacity);
          for (let worker = 0; worker < 4; worker++) index.join(worker);
          const seen: string[] = [];
          for (const [letters, worker] of steps) {
            if (letters === '') {
              index.leave(worker);
              index.join(worker);
              continue;
            }
            const chain = chainOf(spelled(letters));
            index.insert(chain, worker, 0);
            seen.push(letters);
            assert.ok(index.blocks <= capacity);
            assert.equal(index.match(chain), Math.min(letters.length, capacity), 'what was inserted last is known');
          }
          for (const letters of seen) {
            const chain = chainOf(spelled(letters));
            const present = Array.from({ length: letters.length }, (_, i) => index.entryAt(chain, i + 1) !== 0);
            const known = index.match(chain);
            assert.deepEqual(
              present,
              present.map((_, i) => i < known),
            );
            for (let n = known; n > 1; n--) assert.equal(index.parentOf(index.entryAt(chain, n)), index.entryAt(chain, n - 1));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('evicts what was not used for longest, and a shared prefix only after all that goes on from it', () => {
    const index = new PrefixIndex(6);
    index.join(1);
    const put = (letters: string) => index.insert(chainOf(spelled(letters)), 1, 0);
    const known = (letters: string) => index.match(chainOf(spelled(letters)));
    put('sa');
    put('sb');
    put('sc');
    put('xy'); // full: s a b c x y
    put('sa'); // used again
    put('zw'); // room for two: b and c go
    assert.deepEqual([known('sa'), known('sb'), known('sc'), known('xy'), known('zw')], [2, 1, 1, 2, 2]);
    put('mnop'); // y, x, then a; s stays, it was not the end of anything but is the parent of a
    assert.equal(known('mnop'), 4);
    assert.equal(known('xy'), 0);
    assert.equal(index.blocks, 6);
  });

  it('gives an inner block that was itself the end of a prompt another round', () => {
    const index = new PrefixIndex(4);
    index.join(1);
    const put = (letters: string) => index.insert(chainOf(spelled(letters)), 1, 0);
    put('ab');
    put('cd');
    put('a'); // the end of a match, but inner
    put('e'); // b goes; a is a leaf now and counts as used
    put('f'); // d goes
    put('g'); // c goes
    assert.equal(index.match(chainOf(spelled('a'))), 1);
    assert.equal(index.match(chainOf(spelled('cd'))), 0);
  });

  it('never shows an old entry to a worker that got the index of one that left', () => {
    const index = new PrefixIndex(10_000);
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
    const index = new PrefixIndex(100_000);
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
    const index = new PrefixIndex(1000);
    index.insert(chainOf('abc'), 3, 0);
    index.join(3);
    index.insert(chainOf(''), 3, 0);
    index.leave(77);
    assert.equal(index.blocks, 0);
  });

  it('survives tens of thousands of joins and departures', () => {
    const index = new PrefixIndex(1000);
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

  it('finds everything while it grows through many segments, within 40 bytes per block', () => {
    const index = new PrefixIndex(200_000);
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
