import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { type LoadOptions, loadRecipe } from '../load/load-recipe.ts';
import type { Recipe } from '../resolve/recipe.ts';
import { formatProblem } from '../text/problem.ts';

const BASE = `base:
  name: b
  model: {path: /m}
  resources: {agg_workers: 1, gpus_per_node: 8}
  environment: {A: 1, B: 2}
  extra_mount: ["/x:/x", "/y:/y"]
`;

function load(text: string, options?: LoadOptions): { names: string[]; recipes: readonly Recipe[]; problems: string[] } {
  const { recipes, problems } = loadRecipe(text, 'r.yaml', options);
  return { recipes, names: recipes.map(({ name }) => name), problems: problems.map(formatProblem) };
}

describe('a file of variants', () => {
  const text = `${BASE}override_one:
  environment: {B: 3, C: 4}
  extra_mount: ["/z:/z"]
override_two:
  name: second
  environment: {A: null}
  resources: {gpus_per_node: 4}
`;

  it('gives one recipe for each override, merged key by key, lists replaced, null removing', () => {
    const { recipes, names, problems } = load(text);
    assert.deepEqual(problems, []);
    assert.deepEqual(names, ['b_one', 'second']);
    assert.deepEqual(recipes[0]?.environment, { A: '1', B: '3', C: '4' });
    assert.deepEqual(recipes[0]?.mounts, [{ host: '/z', container: '/z', options: null }]);
    assert.deepEqual(recipes[1]?.environment, { B: '2' });
    assert.deepEqual(
      recipes.map(({ resources, variant }) => [resources.gpusPerNode, variant.override]),
      [
        [8, 'one'],
        [4, 'two'],
      ],
    );
  });

  const SELECTIONS: readonly [string, string[]][] = [
    ['base', ['b']],
    ['override_one', ['b_one']],
    ['two', ['second']],
    ['o*', ['b_one', 'second']],
    ['t?o', ['second']],
    ['*', ['b', 'b_one', 'second']],
  ];
  for (const [select, names] of SELECTIONS) {
    it(`selects ${names.join(', ')} by ${select}`, () => assert.deepEqual(load(text, { select }).names, names));
  }

  it('has nothing for a selector that names nothing', () => {
    assert.deepEqual(load(text, { select: 'on' }).problems, [
      'r.yaml:1:1: "on" selects nothing: there is base, override_one, override_two (did you mean one?)',
    ]);
    assert.deepEqual(load('name: x', { select: 'one' }).problems, [
      'r.yaml:1:1: "one" selects nothing: the file has no base and no override_*',
    ]);
  });

  it('is base alone if there is nothing else', () => assert.deepEqual(load(BASE).names, ['b']));

  it('takes --set into every variant', () => {
    const { recipes } = load(text, { overrides: [{ kind: 'set', text: 'environment.B=9' }] });
    assert.deepEqual(
      recipes.map(({ environment }) => environment['B']),
      ['9', '9'],
    );
  });

  it('names the line of the part that is wrong', () => {
    const { problems } = load(`${BASE}override_a:\n  slurm: {time_limit: x}\noverride_b:\n  slurm: {acount: x}\n`);
    assert.deepEqual(
      problems.map((problem) => problem.split(': ', 2).join(': ')),
      ['r.yaml:8:23: slurm.time_limit', 'r.yaml:10:11: slurm.acount'],
    );
  });

  it('tells what is wrong with base once, not for every variant', () => {
    const { problems } = load(`${BASE}  typo: 1\noverride_a: {}\noverride_b: {}\n`);
    assert.equal(problems.length, 1);
  });

  it('refuses other keys beside base, and overrides without base', () => {
    assert.deepEqual(load(`${BASE}tp8: {}\n`).problems, [
      'r.yaml:7:1: tp8: unknown key beside base: "tp8" (put it under base:, or name it override_tp8)',
    ]);
    assert.match(load('override_a: {}').problems.join('\n'), /there is override_\* but no base/);
  });
});

describe('zip_override_', () => {
  it('walks all lists in step; one element counts for all, a list of lists gives lists', () => {
    const { recipes, names, problems } = load(`${BASE}zip_override_z:
  environment: {A: [x, y], B: [same]}
  extra_mount: [["/1:/1"], ["/2:/2", "/3:/3"]]
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(names, ['b_z_0', 'b_z_1']);
    assert.deepEqual(
      recipes.map(({ environment, mounts }) => [environment, mounts.map(({ host }) => host)]),
      [
        [{ A: 'x', B: 'same' }, ['/1']],
        [{ A: 'y', B: 'same' }, ['/2', '/3']],
      ],
    );
  });

  it('is selected as a whole or by position', () => {
    const text = `${BASE}zip_override_z: {environment: {A: [x, y, z]}}\n`;
    assert.deepEqual(load(text, { select: 'zip_override_z[2]' }).names, ['b_z_2']);
    assert.deepEqual(load(text, { select: 'zip_override_z' }).names, ['b_z_0', 'b_z_1', 'b_z_2']);
  });

  it('refuses lists of unequal lengths, and a block without lists', () => {
    assert.deepEqual(load(`${BASE}zip_override_z: {environment: {A: [x, y], B: [1, 2, 3]}}\n`).problems, [
      'r.yaml:7:35: zip_override_z.environment.A: 2 values beside 3 in another list (give 1 or 3)',
    ]);
    assert.match(load(`${BASE}zip_override_z: {}\n`).problems.join(), /there is no list with values to walk/);
  });
});

function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete out[key];
    else out[key] = key in out ? merged(out[key], value) : value;
  }
  return out;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

it('merges as plain objects would', () => {
  const flags = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof(
      fc.nat(9),
      fc.constant(null),
      fc.array(fc.nat(3), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.nat(9), fc.constant(null)), { noNullPrototype: true }),
    ),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(flags, flags, (below, above) => {
      const whole = (aggregated: unknown): unknown => ({
        name: 'b',
        model: { path: '/m' },
        resources: { agg_workers: 1 },
        backend: { sglang_config: { aggregated } },
      });
      const file = stringify({ base: whole(below), override_x: { backend: { sglang_config: { aggregated: above } } } });
      const direct = stringify({ ...(whole(merged(below, above)) as object), name: 'b_x' });
      assert.deepEqual(load(file).recipes[0]?.workers, load(direct).recipes[0]?.workers);
      assert.equal(load(file).names[0], 'b_x');
    }),
    { numRuns: 100 },
  );
});
