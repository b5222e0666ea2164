import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expandHostPath } from './expand-host.ts';

/** Out of the way of templates. */
const DOLLAR = '$';
const VARIABLES = { HOME: '/home/u', A: '/a', B_1: 'b$A', EMPTY: '' };
const CASES: readonly [string, string][] = [
  ['/plain', '/plain'],
  ['~', '/home/u'],
  ['~/x', '/home/u/x'],
  ['~other/x', '~other/x'],
  ['/x/~', '/x/~'],
  ['$A/x', '/a/x'],
  [`${DOLLAR}{A}x`, '/ax'],
  ['$A$A', '/a/a'],
  ['$B_1', 'b$A'],
  ['$EMPTY/x', '/x'],
  ['$(rm) `rm` $1 $', '$(rm) `rm` $1 $'],
];
for (const [text, path] of CASES) {
  it(`${text} is ${path}`, () => assert.deepEqual(expandHostPath(text, VARIABLES), { ok: true, path }));
}

for (const [text, missing] of [
  ['$NONE/x', 'NONE'],
  [`${DOLLAR}{toString}`, 'toString'],
  ['$A/$X/$Y', 'X'],
] as const) {
  it(`${text} needs ${missing}`, () => assert.deepEqual(expandHostPath(text, VARIABLES), { ok: false, missing }));
}

it('~ needs HOME', () => assert.deepEqual(expandHostPath('~/x', {}), { ok: false, missing: 'HOME' }));
