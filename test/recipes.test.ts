// Every file in recipes/ is what its comments say, and the JSON Schemas know every key that is used.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadCluster } from '../src/srtctl/recipe/load/load-cluster.ts';
import { type LoadedRecipes, loadRecipe } from '../src/srtctl/recipe/load/load-recipe.ts';
import { isClusterFileName } from '../src/srtctl/recipe/load/read-files.ts';
import { formatProblem } from '../src/srtctl/recipe/text/problem.ts';
import { recipeText } from './support/recipe-texts.ts';
import { trackedFiles } from './support/tracked-files.ts';

const FILES = trackedFiles().flatMap((file) => /^recipes\/(.*)$/.exec(file)?.[1] ?? []);
const CLUSTER = loadCluster(recipeText('srtslurm.example.yaml'), 'srtslurm.example.yaml').cluster;
const load = (file: string): LoadedRecipes =>
  loadRecipe(recipeText(file), file, {
    cluster: CLUSTER,
    variables: { SGLANG_SRC: '/src/sglang' },
    directoryExists: (path) => path === '/src/sglang' || path.startsWith('/lustre/models/'),
  });

const schemaOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`docs/${name}.schema.json`, 'utf8')) as Record<string, unknown>;

describe('recipes/', () => {
  for (const file of FILES.filter((name) => !isClusterFileName(name))) {
    it(`${file} has no problems and, with the example cluster file, no warnings`, () => {
      const { problems, warnings, recipes } = load(file);
      assert.deepEqual([...problems, ...warnings].map(formatProblem), []);
      assert.ok(recipes.length > 0);
    });

    it(`${file} uses only keys that its JSON Schema has`, () => {
      const recipe = schemaOf('recipe')['$defs'] as { recipe: Schema };
      const data = parse(recipeText(file)) as Record<string, unknown>;
      for (const one of data['base'] === undefined ? [data] : [data['base']]) assertKeys(one, recipe.recipe, file);
    });
  }

  it('has a cluster file without problems, with keys that its JSON Schema has', () => {
    const file = 'srtslurm.example.yaml';
    const { problems, warnings } = loadCluster(recipeText(file), file);
    assert.deepEqual([...problems, ...warnings].map(formatProblem), []);
    assertKeys(parse(recipeText(file)), schemaOf('srtslurm') as unknown as Schema, file);
  });

  it('sweep.yaml gives the recipes that its comments name', () => {
    assert.deepEqual(
      load('sweep.yaml').recipes.map(({ name }) => name),
      ['sizes_small', 'sizes_lengths_isl512', 'sizes_lengths_isl1024', 'sizes_lengths_isl4096', 'sizes_shapes_0', 'sizes_shapes_1'],
    );
  });

  it('several-workers-per-node.yaml and multi-node-workers.yaml have the workers of their names', () => {
    const sizes = (file: string): unknown =>
      load(file).recipes[0]?.workers.map(({ workers, nodes, gpusPerWorker }) => [workers, nodes, gpusPerWorker]);
    assert.deepEqual(sizes('several-workers-per-node.yaml'), [
      [4, 1, 2],
      [2, 1, 4],
    ]);
    assert.deepEqual(sizes('multi-node-workers.yaml'), [
      [1, 2, 8],
      [1, 4, 16],
    ]);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}

function assertKeys(value: unknown, schema: Schema, path: string): void {
  const inner = schema.properties ? schema : schema.anyOf?.find(({ properties }) => properties !== undefined);
  if (inner?.properties === undefined || typeof value !== 'object' || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    const next = inner.properties[key];
    assert.ok(next, `${path}.${key}`);
    assertKeys(below, next, `${path}.${key}`);
  }
}
