import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { placeRouters } from './place-routers.ts';

/** nodes -> additional routers -> nodes with a router, computed by hand from `ceil((nodes - 1) / additional)`. */
const CEILING: readonly (readonly [nodes: number, rows: Readonly<Record<number, readonly number[]>>])[] = [
  [2, { 1: [0, 1], 2: [0, 1], 3: [0, 1], 4: [0, 1], 5: [0, 1], 9: [0, 1] }],
  [4, { 1: [0, 1], 2: [0, 1, 3], 3: [0, 1, 2, 3], 4: [0, 1, 2, 3], 5: [0, 1, 2, 3], 9: [0, 1, 2, 3] }],
  [5, { 1: [0, 1], 2: [0, 1, 3], 3: [0, 1, 3], 4: [0, 1, 2, 3, 4], 5: [0, 1, 2, 3, 4], 9: [0, 1, 2, 3, 4] }],
  [6, { 1: [0, 1], 2: [0, 1, 4], 3: [0, 1, 3, 5], 4: [0, 1, 3, 5], 5: [0, 1, 2, 3, 4, 5], 9: [0, 1, 2, 3, 4, 5] }],
  [8, { 1: [0, 1], 2: [0, 1, 5], 3: [0, 1, 4, 7], 4: [0, 1, 3, 5, 7], 5: [0, 1, 3, 5, 7], 9: [0, 1, 2, 3, 4, 5, 6, 7] }],
  [12, { 1: [0, 1], 2: [0, 1, 7], 3: [0, 1, 5, 9], 4: [0, 1, 4, 7, 10], 5: [0, 1, 4, 7, 10], 9: [0, 1, 3, 5, 7, 9, 11] }],
];

describe('placing routers by ceiling division', () => {
  for (const [nodes, rows] of CEILING)
    for (const [additional, expected] of Object.entries(rows))
      it(`puts 1 + ${additional} routers of ${nodes} nodes on ${expected.join(',')}`, () => {
        assert.deepEqual(placeRouters(nodes, Number(additional), 'ceiling'), expected);
      });

  it('puts the only router on node 0 when none is additional', () => {
    for (const nodes of [1, 2, 40]) assert.deepEqual(placeRouters(nodes, 0, 'ceiling'), [0]);
  });

  it('gives the totals that the documentation promises where nodes suffice', () => {
    assert.equal(placeRouters(10, 0, 'ceiling').length, 1);
    assert.equal(placeRouters(5, 4, 'ceiling').length, 5);
    assert.equal(placeRouters(10, 9, 'ceiling').length, 10);
  });
});

describe('placing routers anywhere', () => {
  const shape = { nodes: fc.integer({ min: 1, max: 1100 }), additional: fc.integer({ min: 0, max: 1200 }) };
  it('spreads evenly exactly as many as asked while nodes suffice', () => {
    fc.assert(
      fc.property(fc.record(shape), ({ nodes, additional }) => {
        const placed = placeRouters(nodes, additional, 'even');
        assert.equal(placed.length, Math.min(1 + additional, nodes));
        const gaps = placed.slice(2).map((node, i) => node - placed[i + 1]!);
        if (gaps.length > 0) assert.ok(Math.max(...gaps) - Math.min(...gaps) <= 1, `gaps ${gaps}`);
      }),
    );
  });
  it('starts with node 0, rises, stays within the nodes, and never exceeds what was asked', () => {
    fc.assert(
      fc.property(fc.record(shape), fc.constantFrom('ceiling' as const, 'even' as const), ({ nodes, additional }, spread) => {
        const placed = placeRouters(nodes, additional, spread);
        assert.equal(placed[0], 0);
        assert.ok(placed.every((node, i) => i === 0 || node > placed[i - 1]!));
        assert.ok(placed.at(-1)! < nodes && placed.length <= 1 + additional);
      }),
    );
  });
});
