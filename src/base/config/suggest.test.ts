import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './suggest.ts';

const KNOWN = ['--policy', '--port', '--host', '--worker-urls', '--log-level'];
const CASES: readonly [string, string | null][] = [
  ['--polciy', '--policy'],
  ['--prt', '--port'],
  ['--worker-url', '--worker-urls'],
  ['--workers-urls', '--worker-urls'],
  ['--loglevel', '--log-level'],
  ['--something-else', null],
  ['x'.repeat(100_000), null],
];
for (const [word, expected] of CASES) {
  test(`the nearest to ${word.slice(0, 20)} is ${expected}`, () => assert.equal(nearest(word, KNOWN), expected));
}
