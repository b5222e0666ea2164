import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { formatProblem } from './problem.ts';
import { readYaml } from './read-yaml.ts';
import { plainOf, type Tree } from './tree.ts';

const problemsOf = (text: string): string[] => readYaml(text, 'f').problems.map(formatProblem);

function scalars(tree: Tree): (Tree & { kind: 'scalar' })[] {
  if (tree.kind === 'scalar') return [tree];
  return (tree.kind === 'list' ? [...tree.items] : [...tree.entries.values()].map(({ value }) => value)).flatMap(scalars);
}

const document = fc.dictionary(
  fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__' && !key.includes('\0')),
  fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('node'), { noNullPrototype: true }),
    ),
  })).node,
  { noNullPrototype: true, minKeys: 1 },
);

describe('a document', () => {
  it('is the data that the yaml package reads', () => {
    fc.assert(
      fc.property(document, (data) => {
        const text = stringify(data);
        const { tree, problems } = readYaml(text, 'f');
        assert.deepEqual(problems, []);
        assert.deepEqual(plainOf(tree!), parse(text));
      }),
    );
  });

  it('has every scalar at the place that it names', () => {
    fc.assert(
      fc.property(document, (data) => {
        const text = JSON.stringify(data, null, 2);
        const lines = text.split('\n');
        const found = scalars(readYaml(text, 'f').tree!);
        assert.ok(found.every(({ at, value }) => lines[at.line - 1]!.slice(at.column - 1).startsWith(JSON.stringify(value))));
      }),
    );
  });

  it('may be empty', () => assert.deepEqual([readYaml('', 'f').tree, readYaml('# nothing\n', 'f').problems], [null, []]));

  it('keeps numbers as they are written', () => {
    const found = scalars(readYaml('[08, 1.10, 0x10, 1e3, .inf, 12345678901234567890]', 'f').tree!);
    assert.deepEqual(
      found.map(({ text }) => text),
      ['08', '1.10', '0x10', '1e3', '.inf', '12345678901234567890'],
    );
  });

  it('knows the tag !secret, on blocks too', () => {
    const { tree } = readYaml('{a: !secret x, b: !secret {c: 1}, d: x}', 'f');
    assert.ok(tree?.kind === 'map');
    assert.deepEqual(
      [...tree.entries.values()].map(({ value }) => value.secret),
      [true, true, false],
    );
  });

  it('merges maps by <<, its own keys first', () => {
    const { tree } = readYaml('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\n', 'f');
    assert.deepEqual((plainOf(tree!) as { c: unknown }).c, { x: 1, y: 1, z: 3 });
  });
});

const WRONG: readonly [string, string][] = [
  ['a: 1\na: 2', 'f:2:1: a: the key is here twice, first in line 1 (remove one of them)'],
  ['a:\n\tb: 1', 'f:2:1: not YAML: Tabs are not allowed as indentation (indent with spaces)'],
  ['a: *b', 'f:1:4: a: *b refers to nothing: there is no &b before it'],
  ['a: &a {b: *a}', 'f:1:11: a.b: *a stands inside what it refers to'],
  ['a: !x 1', 'f:1:7: a: unknown tag !x (the only tag is !secret)'],
  ['? [1]\n: 2', 'f:1:3: a key must be a word'],
  ['__proto__: 1', 'f:1:1: "__proto__" is not possible as a key'],
  ['a: "\\0"', 'f:1:4: a: a NUL character is not possible here'],
  ['<<: 1', 'f:1:5: << takes maps: an alias (*name) of one, or a list of such'],
  ['a\n---\nb', 'f:2:1: several documents in one file (---), expected one'],
];
for (const [text, expected] of WRONG) {
  it(`complains about ${JSON.stringify(text)}`, () => assert.ok(problemsOf(text).includes(expected), problemsOf(text).join('\n')));
}

it('refuses files that no person wrote', () => {
  assert.deepEqual(problemsOf('x'.repeat(5_000_000)), ['f: the file has 5000000 characters; at most 4194304 are read']);
});
