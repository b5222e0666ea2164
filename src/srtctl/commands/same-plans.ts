/** Whether two texts of a recipe have the same plans. */
import path from 'node:path';
import type { Plan } from '../plan/plan.ts';
import { planRecipe } from '../plan/plan-recipe.ts';
import { loadRecipe } from '../recipe/load/load-recipe.ts';
import { readClusterFile } from '../recipe/load/read-files.ts';
import { formatProblem } from '../recipe/text/problem.ts';
import type { CommandContext } from './command-context.ts';

type Read = { readonly plans: readonly Plan[] } | { readonly why: string };

/** Null: they have. Otherwise the reason why not, for people. */
export function samePlans(one: string, other: string, file: string, context: CommandContext): string | null {
  const [before, after] = [one, other].map((text) => readPlans(text, file, context));
  if (before === undefined || after === undefined) return null;
  if ('why' in before) return `it is not right as it is: ${before.why}`;
  if ('why' in after) return `it cannot be converted: ${after.why}`;
  const at = before.plans.findIndex((plan, index) => JSON.stringify(plan) !== JSON.stringify(after.plans[index]));
  if (at < 0 && before.plans.length === after.plans.length) return null;
  return `it cannot be converted: the plan of ${before.plans[at]?.name ?? 'a variant'} would change`;
}

function readPlans(text: string, file: string, context: CommandContext): Read {
  const { cluster } = readClusterFile(context.workingDirectory, context.env);
  const { recipes, problems } = loadRecipe(text, file, {
    cluster,
    variables: context.env,
    recipeDirectory: path.dirname(file),
    isPreview: true,
  });
  const [problem] = problems;
  if (problem !== undefined) return { why: formatProblem(problem) };
  const plans: Plan[] = [];
  for (const recipe of recipes) {
    const { plan, problems: found } = planRecipe(recipe, cluster, { local: false, directory: context.workingDirectory });
    if (plan === null) return { why: `${found[0]?.path}: ${found[0]?.message}` };
    plans.push({ ...plan, warnings: [] });
  }
  return { plans };
}
