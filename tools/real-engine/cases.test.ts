import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCases } from './cases.ts';

test('there are at least a hundred cases with names of their own', () => {
  const cases = allCases({ model: 'm', tag: 'tag' });
  assert.ok(cases.length >= 100, `${cases.length}`);
  assert.equal(new Set(cases.map((one) => one.name)).size, cases.length);
});

test('no request that generates is sent to an engine that embeds: it would die', () => {
  const paths = allCases({ model: 'm', tag: 'tag' }, true).map((one) => one.path);
  assert.ok(paths.length > 10);
  assert.deepEqual(
    paths.filter((path) => /generate|completions|responses|messages/.test(path)),
    [],
  );
});
