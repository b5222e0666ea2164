import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCases } from './cases.ts';

test('there are at least a hundred cases with names of their own', () => {
  const cases = allCases({ model: 'm', tag: 'tag' });
  assert.ok(cases.length >= 100, `${cases.length}`);
  assert.equal(new Set(cases.map((one) => one.name)).size, cases.length);
});
