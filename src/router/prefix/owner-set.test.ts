import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addOwner, dropDeadOwners, MAX_OWNERS, ownerAt } from './owner-set.ts';

const tokensOf = (words: Int32Array, at: number) => {
  const all = Array.from({ length: MAX_OWNERS }, (_, i) => ownerAt(words, at, i));
  assert.ok(!all.some((token, i) => token !== 0 && all[i - 1] === 0), 'no gap');
  return all.filter((token) => token !== 0);
};
const token = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0x7fff, 0x8000, 0xffff));

describe('an owner set', () => {
  it('is a list of the six latest tokens, without touching the words around it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(token, fc.boolean()), { maxLength: 60, size: 'max' }), (steps) => {
        const words = new Int32Array(5).fill(-77);
        words.fill(0, 1, 4);
        let model: number[] = [];
        for (const [each, adds] of steps) {
          if (adds) {
            assert.equal(addOwner(words, 1, each), model.includes(each));
            model = [each, ...model.filter((other) => other !== each)].slice(0, MAX_OWNERS);
          } else {
            model = model.filter((other) => other !== each);
            assert.equal(
              dropDeadOwners(words, 1, (other) => other === each),
              model.length,
            );
          }
          assert.deepEqual(tokensOf(words, 1), model);
        }
        assert.deepEqual([words[0], words[4]], [-77, -77]);
      }),
    );
  });
});
