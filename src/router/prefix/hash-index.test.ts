import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EntryTable } from './entry-table.ts';
import { HashIndex, SEGMENT_BYTES } from './hash-index.ts';

describe('HashIndex', () => {
  it('is a map from hashes to entries under any order of additions and removals', () => {
    // Hashes from a small set, so that slots collide, tags agree and the index splits unevenly.
    const hash = fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(-1, -2048, 2 ** 31 - 1, 2047)),
      fc.constantFrom(0, 1, -1, 1 << 24, 2 << 24, 0x7fffffff),
    );
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 400, size: 'max' }), (hashes) => {
        const entries = new EntryTable(1000);
        const index = new HashIndex(entries);
        const model = new Map<string, number>();
        for (const [high, low] of hashes) {
          const key = `${high}:${low}`;
          const id = model.get(key);
          assert.equal(index.find(high, low), id ?? 0);
          if (id === undefined) {
            const fresh = entries.allocate(high, low, 0);
            assert.ok(index.add(high, low, fresh));
            model.set(key, fresh);
          } else {
            index.remove(high, low, id);
            entries.release(id);
            model.delete(key);
          }
        }
        for (const [key, id] of model) {
          const [high, low] = key.split(':').map(Number) as [number, number];
          assert.equal(index.find(high, low), id);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('finds everything after it has split many times and lost every other entry', () => {
    const entries = new EntryTable(200_000);
    const index = new HashIndex(entries);
    const hashOf = (i: number) => Math.imul(i, 0x9e3779b1) | 0;
    const ids: number[] = [];
    for (let i = 0; i < 100_000; i++) {
      const id = entries.allocate(hashOf(i), ~hashOf(i), 0);
      ids.push(id);
      assert.ok(index.add(hashOf(i), ~hashOf(i), id));
    }
    assert.ok(index.bytes < 100_000 * 12 && index.bytes > 40 * SEGMENT_BYTES);
    for (let i = 0; i < 100_000; i += 2) {
      index.remove(hashOf(i), ~hashOf(i), ids[i]!);
      entries.release(ids[i]!);
    }
    for (let i = 0; i < 100_000; i++) assert.equal(index.find(hashOf(i), ~hashOf(i)), i % 2 === 0 ? 0 : ids[i]!);
  });

  it('does not grow while as much comes as goes', () => {
    const entries = new EntryTable(10_000);
    const index = new HashIndex(entries);
    const live: { hash: number; id: number }[] = [];
    let bytes = 0;
    for (let i = 0; i < 200_000; i++) {
      const hash = Math.imul(i, 0x9e3779b1) | 0;
      const id = entries.allocate(hash, hash, 0);
      assert.ok(index.add(hash, hash, id));
      live.push({ hash, id });
      if (live.length <= 5000) continue;
      const oldest = live.shift()!;
      index.remove(oldest.hash, oldest.hash, oldest.id);
      entries.release(oldest.id);
      if (i === 20_000) bytes = index.bytes;
    }
    assert.equal(index.bytes, bytes);
  });

  it('refuses, instead of growing without end, when thousands of hashes collide', () => {
    const entries = new EntryTable(10_000);
    const index = new HashIndex(entries);
    let taken = 0;
    for (let low = 0; low < 5000; low++) {
      const id = entries.allocate(123, low, 0);
      if (index.add(123, low, id)) taken++;
    }
    assert.ok(taken > 1000 && taken < 2048, `${taken}`);
    assert.ok(index.bytes < 20 * SEGMENT_BYTES);
  });
});
