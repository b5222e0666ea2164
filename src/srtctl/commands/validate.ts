/** `srtctl validate`: whether recipes and cluster files are right. */
import { Command } from 'commander';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { gatherRecipes } from './gather-recipes.ts';
import { addRecipeOptions, type RecipeFlags, type RecipeOptions } from './recipe-options.ts';
import { tellProblems, tellWarnings } from './tell-problems.ts';

const EXAMPLES = `
Examples:
  srtctl validate -f recipe.yaml
  srtctl validate -f recipes/           every recipe and cluster file below the directory
  srtctl validate -f recipe.yaml --json | jq '.files[].problems'

Every problem of every file is told at once, each with file, line, column and what to do. Ends with 0, or with 2 if there is one.`;

export function validateCommand(context: CommandContext, finish: (code: number) => void): Command {
  const command = new Command('validate').description('check recipes and cluster files (srtslurm*.yaml) completely; starts nothing');
  const read = addRecipeOptions(command);
  return command
    .option('--json', 'the findings as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (_: readonly string[], flags: RecipeFlags & { readonly json: boolean }) =>
      finish(await validate(read(flags), flags.json, context)),
    );
}

async function validate(options: RecipeOptions, isJson: boolean, context: CommandContext): Promise<number> {
  const gathering = await gatherRecipes(options, context, true);
  const { reports, hasProblems } = gathering;
  if (isJson) {
    context.out(`${JSON.stringify({ ok: !hasProblems && reports.length > 0, files: reports }, null, 2)}\n`);
    return hasProblems || reports.length === 0 ? EXIT_CODES.recipe : EXIT_CODES.ok;
  }
  if (reports.length === 0 || hasProblems) {
    tellProblems(gathering, context);
    return EXIT_CODES.recipe;
  }
  tellWarnings(gathering, context);
  for (const { file, recipes, needs, warnings } of reports) {
    const what = recipes.length === 0 ? 'cluster file' : recipes.join(', ');
    context.out(`ok  ${file}: ${what}${counted(warnings.length)}\n`);
    for (const one of needs) context.out(`    ${one}\n`);
  }
  return EXIT_CODES.ok;
}

function counted(warnings: number): string {
  return warnings === 0 ? '' : ` (${warnings} ${warnings === 1 ? 'warning' : 'warnings'})`;
}
