import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_STAMPED_OWNERS, StampedOwners } from './stamped-owners.ts';

const ENTRIES = 4096;
/** Words of `count` entries, three for each. */
const wordsOf = (count: number): Int32Array => new Int32Array(3 * count);

function ownersOf(store: StampedOwners, words: Int32Array, entry: number): Map<number, number> {
  const found = new Map<number, number>();
  for (let i = 0; i < store.most; i++) {
    const token = store.token(words, 3 * entry, i);
    if (token === 0) break;
    assert.equal(found.has(token), false, 'an owner is there once');
    found.set(token, store.stamp(words, 3 * entry, i));
  }
  assert.equal(store.count(words, 3 * entry), found.size);
  return found;
}

test('keeps the owners of each entry with their last stamps, as a map would, up to the most that it can', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'add', 'release', 'drop' as const),
    entry: fc.nat(3),
    token: fc.integer({ min: 1, max: 0xffff }).map((token) => (token % 3 === 0 ? token : 1 + (token % 20))),
    stamp: fc.nat(0xffff),
  });
  let full = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const store = new StampedOwners(ENTRIES);
      const words = wordsOf(4);
      const model = [0, 1, 2, 3].map(() => new Map<number, number>());
      for (const { what, entry, token, stamp } of steps) {
        const owners = model[entry]!;
        const isFull = owners.size === MAX_STAMPED_OWNERS && !owners.has(token);
        if (what === 'release' || (what === 'add' && isFull)) {
          if (isFull) full++;
          store.release(words, 3 * entry);
          words.fill(0, 3 * entry, 3 * entry + 3);
          owners.clear();
        } else if (what === 'drop') {
          const isDead = (one: number): boolean => one % 2 === 0;
          for (const one of [...owners.keys()]) if (isDead(one)) owners.delete(one);
          assert.equal(store.dropDead(words, 3 * entry, isDead), owners.size);
        } else {
          assert.equal(store.add(words, 3 * entry, token, stamp), owners.get(token) === stamp);
          owners.set(token, stamp);
        }
        for (const [i, expected] of model.entries())
          assert.deepEqual(new Map([...ownersOf(store, words, i)].sort()), new Map([...expected].sort()));
      }
    }),
    // Chance alone does not always fill an entry.
    { numRuns: 200, examples: [[Array.from({ length: 18 }, (_, i) => ({ what: 'add' as const, entry: 0, token: i + 1, stamp: i }))]] },
  );
  assert.ok(full > 0);
});

test('an entry with more owners than it can have drops one for each newcomer', () => {
  const store = new StampedOwners(ENTRIES);
  const words = wordsOf(1);
  for (let token = 1; token <= 200; token++) {
    store.add(words, 0, token, token);
    const owners = ownersOf(store, words, 0);
    assert.equal(owners.get(token), token, 'the newest is in');
    assert.equal(owners.size, Math.min(token, MAX_STAMPED_OWNERS));
  }
});

test('memory stays within its bound: entries without a block keep two owners, the newest among them', () => {
  const entries = 640;
  const store = new StampedOwners(entries);
  const words = wordsOf(entries);
  for (let entry = 0; entry < entries; entry++) for (let token = 1; token <= 5; token++) store.add(words, 3 * entry, token, 0);
  const counts = Array.from({ length: entries }, (_, entry) => ownersOf(store, words, entry).size);
  assert.equal(counts.filter((count) => count === 5).length, 10);
  assert.equal(counts.filter((count) => count === 2).length, entries - 10);
  assert.equal(store.token(words, 3 * (entries - 1), 0), 5);
  assert.ok(store.bytes <= 64 * 1024);
  // What is freed is used again.
  store.release(words, 0);
  store.add(words, 3 * 600, 9, 0);
  assert.equal(ownersOf(store, words, 600).size, 3);
});
