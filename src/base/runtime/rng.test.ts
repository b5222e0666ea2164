import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from './rng.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number): number[] => {
    const rng = createRng(seed);
    return Array.from({ length: 100 }, () => rng.nextUint32());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('without a seed two sources differ', () => {
  assert.notEqual(
    createRng().nextUint32() * 2 ** 32 + createRng().nextUint32(),
    createRng().nextUint32() * 2 ** 32 + createRng().nextUint32(),
  );
});

test('below is uniform: chi-square of 100 cells over 100,000 draws stays within its 99.99 % bound', () => {
  const rng = createRng(1);
  const cells = new Array<number>(100).fill(0);
  for (let i = 0; i < 100_000; i++) cells[rng.below(100)]!++;
  const chi = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chi < 161, `chi-square ${chi}`);
});

test('below takes the extremes of its range', () => {
  const rng = createRng(3);
  for (let i = 0; i < 1000; i++) {
    assert.equal(rng.below(1), 0);
    const big = rng.below(2 ** 32 - 1);
    assert.ok(big >= 0 && big < 2 ** 32 - 1);
  }
});
