import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadRecipe } from '../../src/srtctl/recipe/load/load-recipe.ts';
import { SEED_RECIPE } from '../../test/support/recipe-texts.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

const readSchema = (name: string): JsonSchema => JSON.parse(readFileSync(`docs/${name}.schema.json`, 'utf8')) as JsonSchema;
const schema = readSchema('recipe');
const definitions = schema['$defs'] as Readonly<Record<string, JsonSchema>>;
/** zod reads JSON Schema back, but without if and patternProperties. */
const editor = z.fromJSONSchema(withoutPatterns(definitions['recipe']!) as never);
const cluster = z.fromJSONSchema(withoutPatterns(readSchema('srtslurm')) as never);

function withoutPatterns({ patternProperties: _, ...rest }: JsonSchema): JsonSchema {
  return rest;
}

const seed = parse(SEED_RECIPE) as Record<string, unknown>;
function withValue(path: string, value: unknown): unknown {
  const copy = structuredClone(seed);
  const keys = path.split('.');
  const last = keys.pop()!;
  let block = copy;
  for (const key of keys) {
    block[key] ??= {};
    block = block[key] as Record<string, unknown>;
  }
  block[last] = value;
  return copy;
}

describe('the JSON Schema of recipes', () => {
  it('takes the seed', () => assert.equal(editor.safeParse(seed).success, true));

  const REFUSED: readonly [string, unknown][] = [
    ['modle', {}],
    ['model.pth', 'x'],
    ['backend.type', 'simm'],
    ['backend.use_sglang_router', 'maybe'],
    ['resources.gpus_per_node', 0],
    ['resources.prefill_nodes', 1.5],
    ['backend.sglang_config', []],
    ['benchmark.req_rate', -1],
    ['extra_mount', '/a:/a'],
    ['environment.A', {}],
  ];
  for (const [path, value] of REFUSED) {
    it(`refuses ${path}: ${JSON.stringify(value)}`, () => assert.equal(editor.safeParse(withValue(path, value)).success, false));
  }

  it('takes placeholders of sweeps and keys without a value', () => {
    assert.equal(editor.safeParse(withValue('benchmark.isl', '{isl}')).success, true);
    assert.equal(editor.safeParse(withValue('slurm.account', null)).success, true);
    assert.equal(editor.safeParse(withValue('sweep', { isl: [1, 2] })).success, true);
  });

  it('takes whatever loading takes', () => {
    let count = 0;
    const paths = [
      'name',
      'model.container',
      'resources.prefill_workers',
      'backend.type',
      'backend.router',
      'frontend.spread',
      'benchmark.isl',
      'benchmark.concurrencies',
      'slurm.time_limit',
      'environment.A',
      'srun_options.x',
      'extra_mount',
      'backend.sglang_config.prefill.x',
    ];
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom('sim', 'bundled', 'even', '4', 4, '1x2', [1, 2], '01:00:00', ['/a:/b'], true),
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), values, (path, value) => {
        const whole = withValue(path, value);
        if (loadRecipe(JSON.stringify(whole), 'r.json').problems.length > 0) return;
        count++;
        assert.equal(editor.safeParse(whole).success, true);
      }),
      { numRuns: 120 },
    );
    assert.ok(count > 20);
  });

  it('asks for name, model.path and resources', () => {
    assert.deepEqual((definitions['whole'] as { allOf: unknown[] }).allOf[1], {
      required: ['name', 'model', 'resources'],
      properties: { model: { required: ['path'] } },
    });
  });
});

describe('the JSON Schema of cluster files', () => {
  it('takes what it knows and refuses the rest', () => {
    assert.equal(cluster.safeParse({ default_account: 'a', gpus_per_node: 8, containers: { a: 'b' } }).success, true);
    for (const wrong of [{ default_acount: 'a' }, { container_runtime: 'docker' }, { gpus_per_node: 'many' }])
      assert.equal(cluster.safeParse(wrong).success, false);
  });
});
