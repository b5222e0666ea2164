/** What planning costs: a recipe of 4 nodes, one of 1,000, and the table for people. */

import type { Plan } from '../../src/srtctl/plan/plan.ts';
import { planRecipe } from '../../src/srtctl/plan/plan-recipe.ts';
import { planTable } from '../../src/srtctl/plan/plan-table.ts';
import { NO_CLUSTER } from '../../src/srtctl/recipe/resolve/cluster.ts';
import type { Recipe } from '../../src/srtctl/recipe/resolve/recipe.ts';
import { recipeWith, workerGroup } from '../../test/support/srtctl-recipe.ts';
import type { Case } from './case.ts';

function planned(recipe: Recipe): Plan {
  const { plan } = planRecipe(recipe, NO_CLUSTER, { local: false, directory: '/' });
  if (plan === null) throw new Error('no plan');
  return plan;
}

export function cases(): readonly Case[] {
  const small = recipeWith({ workers: [workerGroup('prefill', 2, 2), workerGroup('decode', 2, 2)] });
  const large = recipeWith({
    workers: [workerGroup('prefill', 400, 400, { gpusPerWorker: 8 }), workerGroup('decode', 600, 1200, { gpusPerWorker: 4 })],
    frontend: { additional: 99, spread: 'even' },
    resources: { gpusPerNode: 8 },
  });
  const plan = planned(large);
  return [
    { name: '4 nodes', ops: 1, run: () => void planned(small) },
    { name: '1,000 nodes, 100 routers, 1,600 workers', ops: 1, run: () => void planned(large) },
    { name: 'the JSON of the latter', ops: 1, run: () => void JSON.stringify(plan) },
    { name: 'the table of the latter', ops: 1, run: () => void planTable(plan) },
  ];
}
