/** `srtctl plan` and `srtctl dry-run`: what would run, without running it. */
import { Command } from 'commander';
import { planTable } from '../plan/plan-table.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { type Gathered, gatherRecipes } from './gather-recipes.ts';
import { addRecipeOptions, type RecipeFlags, type RecipeOptions } from './recipe-options.ts';
import { tellProblems } from './tell-problems.ts';

const EXAMPLES = `
Examples:
  srtctl plan -f recipes/quickstart.yaml --local
      every node, process, port and command of the recipe, and what differs from what it asks for
  srtctl plan -f recipe.yaml --json | jq '.processes[] | select(.role == "router") | .argv'
      the complete plan: argv, environment, mounts, readiness of every process
  srtctl plan -f recipe.yaml --set backend.num_additional_frontends=4
      the same recipe with a setting changed

Secrets are shown as ***. Several recipes (a sweep, overrides, a directory) give a JSON array.`;

/** `name`: the two are the same but for their names. */
export function planCommand(name: 'plan' | 'dry-run', context: CommandContext, finish: (code: number) => void): Command {
  const command = new Command(name).description(
    name === 'plan' ? 'show all processes, ports and commands of a recipe' : 'what apply would start, as plan shows it; starts nothing',
  );
  const read = addRecipeOptions(command);
  return command
    .option('--json', 'the plan as JSON', false)
    .addHelpText('after', EXAMPLES.replaceAll('srtctl plan', `srtctl ${name}`))
    .action(async (_: readonly string[], flags: RecipeFlags & { readonly json: boolean }) =>
      finish(await plan(read(flags), flags.json, context)),
    );
}

async function plan(options: RecipeOptions, isJson: boolean, context: CommandContext): Promise<number> {
  const gathering = await gatherRecipes(options, context, true);
  if (!tellProblems(gathering, context)) return EXIT_CODES.recipe;
  const { gathered } = gathering;
  if (!isJson) {
    context.out(gathered.map(asText).join('\n'));
    return EXIT_CODES.ok;
  }
  const plans = gathered.map(({ plan: its, recipe }) => createRedactor(recipe.secrets).data(its));
  context.out(`${JSON.stringify(plans.length === 1 ? plans[0] : plans, null, 2)}\n`);
  return EXIT_CODES.ok;
}

function asText({ plan: its, recipe }: Gathered): string {
  return createRedactor(recipe.secrets).text(planTable(its));
}
