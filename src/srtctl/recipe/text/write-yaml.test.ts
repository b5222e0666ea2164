import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { readYaml } from './read-yaml.ts';
import { plainOf, type Tree } from './tree.ts';
import { writeYaml } from './write-yaml.ts';

function read(text: string): Tree {
  const { tree, problems } = readYaml(text, 'f');
  assert.deepEqual(problems, []);
  return tree ?? assert.fail('nothing was read');
}

it('reads back as what was written', () => {
  const text = fc
    .oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'yes',
        'on',
        '~',
        'null',
        '1',
        '1.10',
        '0x1',
        '- a',
        'a: b',
        '#',
        '',
        ' ',
        'a\n b',
        '<<',
        '!x',
        '*a',
        '\u2028\u0085\ufeff',
      ),
    )
    .filter((word) => !word.includes('\0'));
  const key = text.filter((word) => word !== '__proto__' && word !== '<<');
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(node, (data) => {
      const tree = read(JSON.stringify(data));
      assert.deepEqual(plainOf(read(writeYaml(tree))), plainOf(tree));
    }),
  );
});

it('keeps numbers as written, tags, and what is empty', () => {
  const text = 'a: 08\nb:\n  - 1.10\n  -\n    - x\n  - {}\nc: !secret s\nd: !secret\n  e: []\nf: null\ng: "yes"\nh: .inf\n';
  assert.equal(writeYaml(read(text)), text);
});

it('masks texts', () => {
  assert.equal(
    writeYaml(read('{a: [x, 1]}'), (text) => (text === '1' || text === 'x' ? '***' : text)),
    'a:\n  - "***"\n  - "***"\n',
  );
});
