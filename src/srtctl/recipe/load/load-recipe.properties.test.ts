import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { load, problemsOf } from '../../../../test/support/load-text.ts';
import { SEED_RECIPE } from '../../../../test/support/recipe-texts.ts';
import { formatProblem } from '../text/problem.ts';

const TEXT_PARTS = [
  'name',
  ':',
  ' ',
  '\n',
  '  ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '*a',
  '&a',
  '!secret',
  '!x',
  '<<',
  '|',
  '>',
  '#',
  '\t',
  '---',
  '?',
  '%',
  '0x1',
  'model',
  'sweep',
  'base',
  'override_a',
  'resources',
  '\0',
  '😀',
  '\ud800',
];

describe('whatever the text is', () => {
  it('nothing throws, and every complaint has a place in it', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...TEXT_PARTS), { maxLength: 40 }).map((parts) => parts.join('')),
      fc.json().map((json) => json),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const { problems, recipes } = load(text);
        assert.equal(recipes.length > 0, problems.length === 0);
        const lines = text.split(/\r\n|\r|\n/);
        for (const { line, column } of problems) assert.ok(line >= 0 && column >= 0 && line <= lines.length + 1, `${line}:${column}`);
      }),
      { numRuns: 200 },
    );
  });

  it('no change of one value throws, and none passes unseen', () => {
    const paths = leafPaths(SEED_INPUT);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const { problems, recipes } = load(SEED_RECIPE, { overrides: [{ kind: 'set', text: `${path}=${JSON.stringify(value)}` }] });
        assert.equal(recipes.length === 1, problems.length === 0);
      }),
      { numRuns: 120 },
    );
  });

  it('a value without a text is a problem and never throws', () => {
    const hostile = JSON.stringify({ toString: null, valueOf: null, constructor: null });
    const flags = ['tp-size', 'dp-size', 'pp-size', 'port', 'disaggregation-bootstrap-port', 'page-size', 'model-path', 'kv-cache-dtype'];
    const paths = [...leafPaths(SEED_INPUT), ...flags.map((flag) => `backend.sglang_config.prefill.${flag}`)];
    for (const path of paths) {
      for (const value of [hostile, `[${hostile}]`]) {
        const { problems, recipes } = load(SEED_RECIPE, { overrides: [{ kind: 'set', text: `${path}=${value}` }] });
        assert.equal(recipes.length === 1, problems.length === 0, path);
      }
    }
  });

  it('deep nesting and repeated aliases end in a complaint', () => {
    assert.ok(problemsOf(`a: ${'['.repeat(20_000)}`).length > 0);
    assert.match(problemsOf(`${'a: {'.repeat(100)}${'}'.repeat(100)}`).join('\n'), /nested deeper than 64 levels/);
    const bomb = Array.from(
      { length: 9 },
      (_, at) =>
        `x-${at}: &a${at} [${Array(10)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(', ')}]`,
    ).join('\n');
    assert.match(problemsOf(bomb).join('\n'), /more than 200000 values/);
    assert.match(problemsOf('a: &a [*a]').join('\n'), /stands inside what it refers to/);
  });
});

const SEED_INPUT = {
  name: 'seed',
  model: { path: '/models/r1', container: 'image', precision: 'fp4' },
  resources: { gpus_per_node: 4, prefill_nodes: 2, prefill_workers: 2, decode_nodes: 2, decode_workers: 2 },
  backend: {
    use_sglang_router: true,
    num_additional_frontends: 3,
    sglang_config: { prefill: { 'tensor-parallel-size': 4 }, decode: { 'tensor-parallel-size': 4 } },
    prefill_environment: { A: 'x' },
  },
  benchmark: { type: 'sa-bench', isl: 100, osl: 10, concurrencies: '1x2' },
};

function leafPaths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leafPaths(inner, path === '' ? key : `${path}.${key}`));
}

function leaves(value: unknown, path = ''): [string, unknown][] {
  return leafPaths(value, path).map((leaf) => [
    leaf,
    leaf.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value),
  ]);
}

/** Texts in quotes: `on` without them is a complaint. */
const yaml = (value: unknown): string => stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });

/** Without variables and a home, which the machine would have to have. */
const container = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/^[$~]/.test(text));

const input = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9 .-]{0,20}$/),
  model: fc.record({ path: fc.stringMatching(/^\/[a-z/]{1,20}$/), container }),
  resources: fc
    .nat(6)
    .map((power) => ({ gpus_per_node: 4, prefill_nodes: power + 1, prefill_workers: power + 1, decode_nodes: 1, decode_workers: 2 })),
  backend: fc.record({
    use_sglang_router: fc.boolean(),
    enable_multiple_frontends: fc.boolean(),
    num_additional_frontends: fc.nat(20),
    sglang_config: fc.record({
      prefill: fc.dictionary(fc.stringMatching(/^[a-z]{4,8}$/), fc.oneof(fc.nat(), fc.boolean(), fc.string(), fc.constant('on')), {
        noNullPrototype: true,
        minKeys: 1,
      }),
      decode: fc.record({ 'tp-size': fc.constant(2) }),
    }),
    prefill_environment: fc.dictionary(fc.stringMatching(/^[A-Z]{2,8}$/), fc.string(), { noNullPrototype: true, minKeys: 1 }),
  }),
});

describe('the same recipe', () => {
  it('comes of the text that is kept of it', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const overrides = [{ kind: 'set', text: 'slurm.account=a' }] as const;
        const { recipes, textOf } = load(yaml(whole), { overrides });
        assert.deepEqual(load(textOf(recipes[0]!)).recipes, recipes);
      }),
      { numRuns: 50 },
    );
  });

  it('comes of a file and of one --set for each of its values', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const fromFile = load(yaml(whole));
        const overrides = leaves(whole).map(([path, value]) => ({ kind: 'set' as const, text: `${path}=${JSON.stringify(value)}` }));
        assert.deepEqual(load('environment: {}', { overrides }).recipes, fromFile.recipes);
        assert.deepEqual(fromFile.problems.map(formatProblem), []);
      }),
      { numRuns: 50 },
    );
  });

  it('comes of either spelling of router mode', () => {
    fc.assert(
      fc.property(input, (whole) => {
        const { use_sglang_router: isRouter, enable_multiple_frontends, num_additional_frontends, ...backend } = whole.backend;
        const frontend = { type: isRouter ? 'sglang' : 'dynamo', enable_multiple_frontends, num_additional_frontends };
        assert.deepEqual(load(yaml({ ...whole, backend, frontend })).recipes, load(yaml(whole)).recipes);
      }),
      { numRuns: 40 },
    );
  });

  it('comes back after --set and --unset of something else', () => {
    const overrides = [
      { kind: 'set', text: 'slurm.account=a' },
      { kind: 'unset', text: 'slurm' },
    ] as const;
    assert.deepEqual(load(SEED_RECIPE, { overrides }).recipes, load(SEED_RECIPE).recipes);
  });
});
