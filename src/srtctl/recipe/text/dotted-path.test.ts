import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { readDottedPath } from './dotted-path.ts';
import { formatPath } from './tree.ts';

const CASES: readonly [string, string[], string][] = [
  ['a', ['a'], ''],
  ['a.b-c.d=1', ['a', 'b-c', 'd'], '=1'],
  ['extra_mount.0=x=y', ['extra_mount', '0'], '=x=y'],
  ['m."/a.b"=/c', ['m', '/a.b'], '=/c'],
  ['"a\\"b".c', ['a"b', 'c'], ''],
  ['a="b.c"', ['a'], '="b.c"'],
];
for (const [text, steps, rest] of CASES) {
  it(`${text} is ${steps.join(', ')}`, () => assert.deepEqual(readDottedPath(text), { steps, rest }));
}

for (const text of ['', '.', 'a.', '.a', 'a..b', '=1', 'a"b', '"a', '"\\x"', '__proto__', 'a.__proto__.b']) {
  it(`${JSON.stringify(text)} is no path`, () => assert.equal(readDottedPath(text), null));
}

it('any path comes back as it was written', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
        { minLength: 1, maxLength: 4 },
      ),
      fc.constantFrom('', '=', '=x'),
      (steps, rest) => {
        assert.deepEqual(readDottedPath(formatPath(steps) + rest), { steps, rest });
      },
    ),
  );
});
