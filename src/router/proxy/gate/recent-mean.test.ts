import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMean } from './recent-mean.ts';

test('a mean is that of the last 32 values', () => {
  const mean = new RecentMean();
  assert.equal(mean.get(), null);
  mean.add(4);
  mean.add(8);
  assert.equal(mean.get(), 6);
  for (let i = 0; i < 1000; i++) mean.add(1000);
  for (let i = 1; i <= 32; i++) mean.add(i);
  assert.equal(mean.get(), 16.5);
});
