import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { removeAt, setAt } from './edit-tree.ts';
import { readYaml } from './read-yaml.ts';
import { findTree, placeOf, plainOf, type Tree } from './tree.ts';

function tree(value: unknown): Tree {
  const { tree: read, problems } = readYaml(JSON.stringify(value), 'f');
  assert.deepEqual(problems, []);
  return read ?? assert.fail('nothing was read');
}

const key = fc.constantFrom('a', 'b', 'c', '0', 'x.y');
const value = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.nat(9),
    fc.string(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(key, tie('node'), { noNullPrototype: true }),
  ),
})).node;
const map = fc.dictionary(key, value, { noNullPrototype: true });
const path = fc.array(key, { minLength: 1, maxLength: 4 });

describe('setting a value', () => {
  it('puts it there and leaves everything beside the path as it was', () => {
    let count = 0;
    fc.assert(
      fc.property(map, path, value, (before, steps, after) => {
        const root = tree(before);
        const next = setAt(root, steps, tree(after));
        assert.deepEqual(plainOf(root), before, 'the tree it began with is untouched');
        if (next === null) return;
        count++;
        assert.deepEqual(plainOf(findTree(next, steps) ?? assert.fail()), after);
        const [first] = steps;
        for (const [other, kept] of Object.entries(before)) if (other !== first) assert.deepEqual(plainOf(findTree(next, [other])!), kept);
      }),
    );
    assert.ok(count > 20);
  });

  it('is undone by removing it, if nothing was there', () => {
    fc.assert(
      fc.property(map, key, value, (before, step, after) => {
        const { [step]: _, ...without } = before;
        assert.deepEqual(plainOf(removeAt(setAt(tree(without), [step], tree(after))!, [step])), without);
      }),
    );
  });

  it('goes into lists by position, and behind the last', () => {
    const root = tree({ l: ['a', 'b'] });
    assert.deepEqual(plainOf(setAt(root, ['l', '1'], tree('x'))!), { l: ['a', 'x'] });
    assert.deepEqual(plainOf(setAt(root, ['l', '2'], tree('x'))!), { l: ['a', 'b', 'x'] });
    for (const step of ['3', '-1', 'x', '01', '1.5']) assert.equal(setAt(root, ['l', step], tree('x')), null);
    assert.equal(setAt(root, ['l', '0', 'k'], tree('x')), null);
  });
});

describe('removing a value', () => {
  it('takes it out of maps and lists', () => {
    const root = tree({ l: ['a', 'b'], m: { x: 1, y: 2 } });
    assert.deepEqual(plainOf(removeAt(root, ['l', 0])), { l: ['b'], m: { x: 1, y: 2 } });
    assert.deepEqual(plainOf(removeAt(root, ['m', 'x'])), { l: ['a', 'b'], m: { y: 2 } });
  });

  it('changes nothing where there is nothing', () => {
    const root = tree({ l: ['a'], m: { x: 1 } });
    for (const steps of [['n'], ['l', 1], ['l', 'x'], ['m', 'y'], ['m', 'x', 'z']])
      assert.equal(
        plainOf(removeAt(root, steps)) !== null && JSON.stringify(plainOf(removeAt(root, steps))),
        JSON.stringify(plainOf(root)),
      );
  });
});

it('a place is that of the value, of its key, or of the nearest value around it', () => {
  const { tree: root } = readYaml('a:\n  b:\n    c: 1\n    d: [x, y]\n', 'f');
  const at = (steps: (string | number)[], ofKey = false): string => {
    const { line, column } = placeOf(root!, steps, ofKey);
    return `${line}:${column}`;
  };
  assert.equal(at(['a', 'b', 'c']), '3:8');
  assert.equal(at(['a', 'b', 'c'], true), '3:5');
  assert.equal(at(['a', 'b', 'd', 1]), '4:12');
  assert.equal(at(['a', 'b']), '2:3');
  assert.equal(at(['a', 'b', 'none']), '2:3');
  assert.equal(at(['none']), '1:1');
  assert.equal(at([]), '1:1');
});
