/** `srtctl apply`: runs recipes. */
import { Command } from 'commander';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { applyJob } from './apply-job.ts';
import type { CommandContext } from './command-context.ts';
import { createRun, type NewRun } from './create-run.ts';
import { outputDirectory } from './find-runs.ts';
import { type Gathered, gatherRecipes } from './gather-recipes.ts';
import { findMissingPrograms } from './missing-programs.ts';
import { addRecipeOptions, type RecipeFlags, type RecipeOptions } from './recipe-options.ts';
import { runDetached } from './run-detached.ts';
import { type LocalRun, type RunDisplay, runLocally } from './run-locally.ts';
import { addOutputOption, type RunFlags } from './run-options.ts';
import { searchPath } from './search-path.ts';
import { tellProblems } from './tell-problems.ts';

const EXAMPLES = `
Examples:
  srtctl apply -f recipes/quickstart.yaml --local
      from nothing to benchmark results on this machine, without GPUs; Ctrl-C stops it
  srtctl apply -f recipe.yaml --local --set benchmark.concurrencies=4 --set benchmark.isl=512
      a smaller benchmark
  srtctl apply -f recipe.yaml --local --unset benchmark -d
      a fleet that stays up in the background: srtctl status, logs -f, cancel
  srtctl apply -f recipe.yaml --local --json | jq -c 'select(.type == "process")'
      events for programs; the last one has the type "result"

Ends with the exit code of the run: 0 succeeded, 2 recipe, 3 SLURM did not take it, 4 start, 5 readiness,
6 benchmark, 7 something died while it ran, 130 cancelled. Everything about it stays in its run directory.`;

interface ApplyFlags extends RecipeFlags, RunFlags {
  readonly detach: boolean;
  readonly wait: boolean;
  readonly json: boolean;
}

export function applyCommand(context: CommandContext, finish: (code: number) => void): Command {
  const command = new Command('apply').description('run a recipe: start everything, prove it, measure, stop everything');
  const read = addRecipeOptions(command);
  return addOutputOption(command)
    .option('-d, --detach', 'leave the run in the background and return', false)
    .option('--wait', 'stay until the run has ended, as is done anyway with --local and without -d', false)
    .option('--json', 'events as JSON, one object a line', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ApplyFlags) => finish(await apply(read(flags), flags, context)));
}

async function apply(options: RecipeOptions, flags: ApplyFlags, context: CommandContext): Promise<number> {
  if (flags.detach && flags.wait) return refuse('-d returns at once and --wait stays: give one of them', context);
  const gathering = await gatherRecipes(options, context);
  if (!tellProblems(gathering, context)) return EXIT_CODES.recipe;
  const { gathered, cluster } = gathering;
  if (options.local && flags.detach && gathered.length > 1) {
    return refuse(`-d takes one recipe, and here are ${gathered.length}: choose one with -f FILE:VARIANT, or leave -d out`, context);
  }
  const outputs = outputDirectory(flags.output, cluster, context.workingDirectory);
  let code: number = EXIT_CODES.ok;
  const ends: string[] = [];
  const done = (options.local ? !flags.detach : flags.wait) ? 'succeeded' : 'submitted';
  for (const [index, one] of gathered.entries()) {
    if (gathered.length > 1 && !flags.json) context.out(`\n== ${one.recipe.name} (${index + 1} of ${gathered.length})\n`);
    const what: LocalRun = { plan: one.plan, secrets: one.recipe.secrets, nodeBinary: cluster.nodePath ?? context.nodeBinary };
    const its = options.local
      ? await applyOne(one, what, outputs, flags, context)
      : await applyJob(one, cluster, outputs, flags.wait ? displayOf(flags, context) : null, flags.json, context);
    if (code === EXIT_CODES.ok) code = its;
    ends.push(`  ${one.recipe.name}: ${its === EXIT_CODES.ok ? done : `exit code ${its}`}\n`);
    // Who cancels does not want the next one.
    if (its === EXIT_CODES.cancelled) break;
  }
  if (gathered.length > 1 && !flags.json) context.out(`\n${ends.length} of ${gathered.length} recipes:\n${ends.join('')}`);
  return code;
}

function refuse(message: string, context: CommandContext): number {
  context.err(`error: ${message}\n`);
  return EXIT_CODES.recipe;
}

async function applyOne(
  { recipe, plan, file, redactedText }: Gathered,
  what: LocalRun,
  outputs: string,
  flags: ApplyFlags,
  context: CommandContext,
): Promise<number> {
  const redactor = createRedactor(recipe.secrets);
  const missing = await findMissingPrograms(plan, searchPath(context.env['PATH']));
  if (missing.length > 0) {
    for (const one of missing) context.err(`error: ${one}\n`);
    return EXIT_CODES.start;
  }
  let run: NewRun;
  try {
    run = await createRun({ plan, recipeFile: file, redactedText }, outputs, 'local', redactor, context.clock.wallMs());
  } catch (error) {
    context.err(
      `error: no run directory can be made in ${outputs}: ${error instanceof Error ? error.message : String(error)}; -o DIR takes another\n`,
    );
    return EXIT_CODES.start;
  }
  for (const warning of plan.warnings) context.err(`warning: ${redactor.text(warning)}\n`);
  if (!flags.detach) return runLocally(what, run, displayOf(flags, context), context);
  const code = await runDetached(what, run, context);
  if (code !== EXIT_CODES.ok) return code;
  const lines = `${run.id} runs in the background\n  srtctl status ${run.id}\n  srtctl logs -f -r ${run.id}\n  srtctl cancel ${run.id}\n`;
  context.out(flags.json ? `${JSON.stringify({ run: run.id, directory: run.paths.directory })}\n` : lines);
  return EXIT_CODES.ok;
}

function displayOf({ json }: ApplyFlags, context: CommandContext): RunDisplay {
  if (json) return 'json';
  return context.screen === null ? 'lines' : 'live';
}
