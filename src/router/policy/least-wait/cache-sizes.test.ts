import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CacheSizes } from './cache-sizes.ts';

test('a prefix grows old as other bytes enter the cache of its worker, and only of that worker', () => {
  const sizes = new CacheSizes();
  sizes.join(0, 100_000);
  sizes.join(1, 100_000);
  const stamp = sizes.stamp(0);
  assert.equal(sizes.age(0, stamp), 0);
  sizes.entered(0, 300_000);
  assert.ok(sizes.age(0, stamp) > 270_000 && sizes.age(0, stamp) < sizes.size(0));
  sizes.entered(0, 300_000);
  assert.ok(sizes.age(0, stamp) > sizes.size(0));
  assert.equal(sizes.age(1, sizes.stamp(1)), 0);
});

test('the size is counted in bytes by what answers say of tokens', () => {
  const sizes = new CacheSizes();
  sizes.join(0, 1_000_000);
  assert.equal(sizes.size(0), 4_000_000);
  for (let i = 0; i < 200; i++) sizes.counted(1000, 1000);
  assert.ok(Math.abs(sizes.size(0) - 1_000_000) < 50_000);
});

test('learns the size from prefixes that were gone and from those that were not', () => {
  const sizes = new CacheSizes();
  sizes.join(0, null);
  assert.equal(sizes.size(0), Number.POSITIVE_INFINITY);
  sizes.observed(0, 5_000_000, false);
  assert.equal(sizes.size(0), 5_000_000);
  for (let i = 0; i < 50; i++) sizes.observed(0, 2_000_000, false);
  assert.ok(sizes.size(0) < 2_100_000);
  const small = sizes.size(0);
  sizes.observed(0, 1_000_000, true);
  assert.equal(sizes.size(0), small, 'that was expected');
  for (let i = 0; i < 50; i++) sizes.observed(0, 3_000_000, true);
  assert.ok(sizes.size(0) > 2_900_000);
  for (let i = 0; i < 100; i++) sizes.observed(0, 0, false);
  assert.ok(sizes.size(0) > 0, 'never nothing');
});

test('a reported size is never exceeded', () => {
  const sizes = new CacheSizes();
  sizes.join(0, 1_000_000);
  for (let i = 0; i < 100; i++) sizes.observed(0, 1_000_000, false);
  assert.ok(sizes.size(0) < 1_100_000);
  for (let i = 0; i < 100; i++) sizes.observed(0, 50_000_000, true);
  assert.equal(sizes.size(0), 4_000_000);
});
