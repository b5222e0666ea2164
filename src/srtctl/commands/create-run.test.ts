import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { completeExample } from '../../../test/support/srtctl-recipe.ts';
import { planRecipe } from '../plan/plan-recipe.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { createRun } from './create-run.ts';

test('the identifier of a run is neither an option nor a hidden directory, whatever the name of the recipe', async (t) => {
  const outputs = mkdtempSync(path.join(tmpdir(), 'srtctl-runs-'));
  t.after(() => rmSync(outputs, { recursive: true, force: true }));
  const { plan } = planRecipe(completeExample(), NO_CLUSTER, { local: true, directory: '/' });
  assert.ok(plan !== null);
  const idOf = async (name: string): Promise<string> => {
    const input = { plan: { ...plan, name }, recipeFile: null, tags: [], redactedText: '' };
    const { id, paths } = await createRun(input, outputs, 'local', createRedactor([]), 0);
    assert.equal(paths.directory, path.join(outputs, id));
    return id;
  };
  assert.equal(await idOf('r1 fp4'), 'r1-fp4-19700101-000000');
  assert.equal(await idOf('r1 fp4'), 'r1-fp4-19700101-000000-2');
  assert.equal(await idOf('-x'), 'x-19700101-000000');
  assert.equal(await idOf('..'), 'run-19700101-000000');
  assert.equal(await idOf('é🎉'), 'run-19700101-000000-2');
});
