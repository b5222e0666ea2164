/** Plans recipes for tests of planning, and finds processes in plans. */
import assert from 'node:assert/strict';
import type { Plan, PlannedProcess } from '../../src/srtctl/plan/plan.ts';
import { planRecipe } from '../../src/srtctl/plan/plan-recipe.ts';
import { NO_CLUSTER } from '../../src/srtctl/recipe/resolve/cluster.ts';
import type { Recipe } from '../../src/srtctl/recipe/resolve/recipe.ts';

export function planned(recipe: Recipe, { local = false, cluster = NO_CLUSTER } = {}): Plan {
  const { plan, problems } = planRecipe(recipe, cluster, { local, directory: '/home/me' });
  assert.deepEqual(problems, []);
  return plan ?? assert.fail('no plan and no problem');
}

export function problemsOf(recipe: Recipe): readonly string[] {
  const { plan, problems } = planRecipe(recipe, NO_CLUSTER, { local: true, directory: '/home/me' });
  assert.equal(plan, null);
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

export function byId(plan: Plan, id: string): PlannedProcess {
  return plan.processes.find((process) => process.id === id) ?? assert.fail(`no ${id} among ${plan.processes.map(({ id }) => id)}`);
}

/** `actual` has every member of `expected`. */
export function assertHolds(actual: object | null, expected: object): void {
  assert.deepEqual({ ...actual, ...expected }, actual);
}
