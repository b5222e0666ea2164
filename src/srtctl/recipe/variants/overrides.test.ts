import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { loadRecipe } from '../load/load-recipe.ts';
import type { Recipe } from '../resolve/recipe.ts';
import { formatProblem } from '../text/problem.ts';
import type { Override } from './overrides.ts';

const set = (text: string): Override => ({ kind: 'set', text });
const unset = (text: string): Override => ({ kind: 'unset', text });

function changed(...overrides: Override[]): Recipe {
  const { recipes, problems } = loadRecipe(smallRecipe('extra_mount: ["/a:/a", "/b:/b"]\n'), 'r.yaml', { overrides });
  assert.deepEqual(problems.map(formatProblem), []);
  return recipes[0]!;
}

function problemsOf(...overrides: Override[]): string[] {
  return loadRecipe(smallRecipe(), 'r.yaml', { overrides }).problems.map(formatProblem);
}

describe('--set', () => {
  it('gives values the type that YAML gives them', () => {
    const { flags } = changed(
      ...['i=8', 's="8"', 't=true', 'w=yes!', 'l=[1, x]', 'm={a: 1}'].map((text) => set(`backend.sglang_config.aggregated.${text}`)),
    ).workers[0]!;
    assert.deepEqual(flags, { i: 8, s: '8', t: true, w: 'yes!', l: [1, 'x'], m: { a: 1 } });
  });

  it('makes blocks on its way, and takes keys in quotes', () => {
    const recipe = changed(set('container_mounts."/x.y"=/z'), set('slurm.account=a=b'));
    assert.deepEqual(recipe.mounts.at(-1), { host: '/x.y', container: '/z', options: null });
    assert.equal(recipe.slurm.account, 'a=b');
  });

  it('reaches into lists', () => {
    assert.deepEqual(
      changed(set('extra_mount.1=/c:/c')).mounts.map(({ host }) => host),
      ['/a', '/c'],
    );
  });

  it('without a value is an empty text', () => assert.equal(changed(set('environment.A=')).environment['A'], ''));

  it('is applied in order: the last one counts', () => {
    assert.equal(changed(set('name=a'), set('name=b')).name, 'b');
    assert.equal(changed(set('slurm.account=a'), unset('slurm'), set('slurm.partition=p')).slurm.account, null);
  });

  it('may bring a sweep', () => {
    const { recipes } = loadRecipe(smallRecipe(), 'r.yaml', { overrides: [set('sweep={model.precision: [fp4, fp8]}')] });
    assert.deepEqual(
      recipes.map(({ name }) => name),
      ['small_precisionfp4', 'small_precisionfp8'],
    );
  });

  const WRONG: readonly [string, string][] = [
    ['resources.agg_workers=0', '--set resources.agg_workers: resources.agg_workers: got 0, expected at least 1 worker'],
    ['modle.path=x', '--set modle.path: modle: unknown key "modle" in the recipe (did you mean model?)'],
    ['name.first=x', '--set name.first: name.first: cannot be set: a part of the path is a value without keys'],
    ['name=[', '--set name: name: not YAML: Flow sequence must end with a ]'],
    ['name', '--set name: expected PATH=VALUE, for example model.path=/models/a (keys that hold "." or "=" stand in double quotes)'],
    ['=x', '--set "": expected PATH=VALUE, for example model.path=/models/a (keys that hold "." or "=" stand in double quotes)'],
  ];
  for (const [text, expected] of WRONG) {
    it(`${text} is refused by name`, () => assert.ok(problemsOf(set(text)).includes(expected), problemsOf(set(text)).join('\n')));
  }
});

describe('--unset', () => {
  it('removes keys and elements of lists', () => {
    assert.equal(changed(unset('model.container')).model.container, null);
    assert.deepEqual(
      changed(unset('extra_mount.0')).mounts.map(({ host }) => host),
      ['/b'],
    );
  });

  it('is refused where there is nothing, with the name that is near', () => {
    assert.deepEqual(problemsOf(unset('model.contaner')), [
      '--unset model.contaner: model.contaner: there is nothing to unset (did you mean model.container?)',
    ]);
    assert.deepEqual(problemsOf(unset('a=1')), [
      '--unset a: expected PATH, for example slurm.time_limit (keys that hold "." or "=" stand in double quotes)',
    ]);
  });
});
