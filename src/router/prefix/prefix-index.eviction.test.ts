import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chainOf, spelled, word } from '../../../test/support/prefix-chains.ts';
import { LatestOwners } from './owner-set.ts';
import { PrefixIndex } from './prefix-index.ts';

describe('a prefix index that is full', () => {
  it('keeps within its capacity, and an entry never without its parents', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.oneof(fc.tuple(word, fc.nat(3)), fc.tuple(fc.constant(''), fc.nat(3))), { maxLength: 150, size: 'max' }),
        (capacity, steps) => {
          const index = new PrefixIndex(capacity, new LatestOwners());
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

  it('evicts the least recently used blocks, and a shared prefix only after everything that continues it', () => {
    const index = new PrefixIndex(6, new LatestOwners());
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

  it('counts an inner block at which a match ended as just used when it becomes a leaf', () => {
    const index = new PrefixIndex(4, new LatestOwners());
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
});
