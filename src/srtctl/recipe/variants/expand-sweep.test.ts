import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { smallRecipe } from '../../../../test/support/recipe-texts.ts';
import { type LoadedRecipes, loadRecipe } from '../load/load-recipe.ts';
import { formatProblem } from '../text/problem.ts';

const load = (text: string): LoadedRecipes => loadRecipe(text, 'r.yaml');
const namesOf = (text: string): string[] => load(text).recipes.map(({ name }) => name);
const problemsOf = (text: string): string[] => load(text).problems.map(formatProblem);

describe('a sweep', () => {
  const BENCHMARK = 'benchmark: {type: sa-bench, isl: "{isl}", osl: 8, concurrencies: "{c}"}\n';

  it('makes a recipe of every combination, the last parameter fastest, each with its name and what was varied', () => {
    const { recipes, problems } = load(smallRecipe(`${BENCHMARK}sweep: {isl: [16, 32], c: [1x2, [4, 8]]}`));
    assert.deepEqual(problems.map(formatProblem), []);
    assert.deepEqual(
      recipes.map(({ name, variant, benchmark }) => [
        name,
        variant.varied,
        benchmark.type === 'sa-bench' && [benchmark.inputTokens, benchmark.concurrencies],
      ]),
      [
        ['small_isl16_c1x2', { isl: 16, c: '1x2' }, [16, [1, 2]]],
        ['small_isl16_c4-8', { isl: 16, c: [4, 8] }, [16, [4, 8]]],
        ['small_isl32_c1x2', { isl: 32, c: '1x2' }, [32, [1, 2]]],
        ['small_isl32_c4-8', { isl: 32, c: [4, 8] }, [32, [4, 8]]],
      ],
    );
  });

  it('walks parameters in step in zip mode, one value counting for all', () => {
    const text = smallRecipe(`${BENCHMARK}sweep: {mode: zip, parameters: {isl: [16, 32, 64], c: [5]}}`);
    assert.deepEqual(namesOf(text), ['small_isl16_c5', 'small_isl32_c5', 'small_isl64_c5']);
  });

  it('knows grid by name', () => {
    const text = smallRecipe(`${BENCHMARK}sweep: {mode: grid, parameters: {isl: [16, 32], c: [5, 6]}}`);
    assert.equal(namesOf(text).length, 4);
  });

  it('sets values at paths', () => {
    const text = smallRecipe(
      'backend: {sglang_config: {aggregated: {tp-size: 1}}}\nsweep: {backend.sglang_config.aggregated.tp-size: [2, 4]}',
    );
    const { recipes } = load(text);
    assert.deepEqual(
      recipes.map(({ name, workers }) => [name, workers[0]?.flags['tp-size']]),
      [
        ['small_tp-size2', 2],
        ['small_tp-size4', 4],
      ],
    );
  });

  it('replaces placeholders inside of texts and leaves others alone', () => {
    const { recipes } = load(smallRecipe('environment: {A: "x{v}y{node}"}\nsweep: {v: [1, z]}'));
    assert.deepEqual(
      recipes.map(({ environment }) => environment['A']),
      ['x1y{node}', 'xzy{node}'],
    );
  });

  it('leaves a name alone that says itself what varies, and numbers names that are equal', () => {
    assert.deepEqual(namesOf(smallRecipe('sweep: {v: [1, 2]}').replace('name: small', 'name: "n-{v}"')), ['n-1', 'n-2']);
    assert.deepEqual(namesOf(smallRecipe('environment: {A: "{v}"}\nsweep: {v: ["a/b", "a:b"]}')), ['small_va-b', 'small_va-b-2']);
  });

  it('is part of a variant', () => {
    const text = `base:\n${smallRecipe('benchmark: {type: manual}').replace(/^(?=.)/gm, '  ')}\noverride_s: {sweep: {resources.gpus_per_node: [2, 4]}}\n`;
    assert.deepEqual(namesOf(text), ['small_s_gpus_per_node2', 'small_s_gpus_per_node4']);
  });

  const WRONG: readonly [string, string][] = [
    ['sweep: [1]', 'r.yaml:9:8: sweep: expected parameters, each with a list of values (for example sweep: {tp: [4, 8]})'],
    ['sweep: {}', 'r.yaml:9:8: sweep: there is nothing to vary (remove sweep)'],
    ['sweep: {a: 1}', 'r.yaml:9:12: sweep.a: expected a list of at least one value (for example a: [1, 2])'],
    ['sweep: {a: []}', 'r.yaml:9:12: sweep.a: expected a list of at least one value (for example a: [1, 2])'],
    [
      'sweep: {a: [1]}',
      'r.yaml:9:12: sweep.a: nothing in the recipe says {a} (write {a} where the value belongs, or name the parameter by its path, as in benchmark.isl)',
    ],
    ['sweep: {mode: zipped, parameters: {slurm.account: [a]}}', 'r.yaml:9:15: sweep.mode: got "zipped", expected grid or zip'],
    [
      'sweep: {mode: zip, parameters: {slurm.account: [a, b], slurm.partition: [1, 2, 3]}}',
      'r.yaml:9:48: sweep.parameters."slurm.account": 2 values beside 3 of another parameter (give 1 or 3)',
    ],
    ['sweep: {name.x: [1]}', 'r.yaml:9:17: sweep."name.x": cannot be set: a part of the path is a value without keys'],
    [
      `sweep: {${['slurm.account', 'slurm.partition', 'setup_script'].map((path, at) => `${at === 2 ? '"model.precision"' : path}: [${Array.from({ length: 11 }, (_, i) => `v${i}`).join(', ')}]`).join(', ')}}`,
      'r.yaml:9:8: sweep: 1331 combinations; at most 1000 are possible',
    ],
  ];
  for (const [sweep, expected] of WRONG) {
    it(`complains about ${sweep.slice(0, 60)}`, () =>
      assert.ok(problemsOf(smallRecipe(sweep)).includes(expected), problemsOf(smallRecipe(sweep)).join('\n')));
  }

  it('tells what is wrong with the recipe beside what is wrong with the sweep', () => {
    assert.equal(problemsOf(smallRecipe('typo: 1\nsweep: {a: 1}')).length, 2);
  });
});

const parameters = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,5}$/),
  fc.array(fc.oneof(fc.nat(99), fc.stringMatching(/^[a-z:/ ]{1,6}$/)), { minLength: 1, maxLength: 4 }),
  {
    noNullPrototype: true,
    minKeys: 1,
    maxKeys: 3,
  },
);
const swept = (values: Record<string, unknown[]>, sweep: unknown): string => {
  const environment = Object.fromEntries(Object.keys(values).map((name) => [name.toUpperCase(), `{${name}}`]));
  return stringify(
    { name: 's', model: { path: '/m' }, resources: { agg_workers: 1 }, environment, sweep },
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' },
  );
};

describe('any sweep', () => {
  it('in grid mode has as many recipes as combinations, all different, each with a name of its own', () => {
    fc.assert(
      fc.property(parameters, (values) => {
        const { recipes, problems } = load(swept(values, values));
        assert.deepEqual(problems.map(formatProblem), []);
        assert.equal(
          recipes.length,
          Object.values(values).reduce((product, list) => product * list.length, 1),
        );
        assert.equal(new Set(recipes.map(({ name }) => name)).size, recipes.length);
        for (const { environment, variant } of recipes) {
          for (const [name, value] of Object.entries(variant.varied)) {
            assert.ok(values[name]?.includes(value as string | number));
            assert.equal(environment[name.toUpperCase()], String(value));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('in zip mode has one recipe for each position', () => {
    fc.assert(
      fc.property(parameters, fc.integer({ min: 1, max: 4 }), (values, length) => {
        const equal = Object.fromEntries(
          Object.entries(values).map(([name, list], at) => [name, at % 2 === 1 ? list.slice(0, 1) : Array(length).fill(list[0])]),
        );
        assert.equal(load(swept(equal, { mode: 'zip', parameters: equal })).recipes.length, length);
      }),
      { numRuns: 40 },
    );
  });
});
