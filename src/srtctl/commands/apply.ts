/** `srtctl apply`: runs recipes. */
import { Command } from 'commander';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { askAbilities, type SlurmAbilities } from '../slurm/abilities.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import { judgeStepOptions } from '../slurm/step-extras.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { findAllocation } from './allocation.ts';
import { applyJob } from './apply-job.ts';
import type { CommandContext } from './command-context.ts';
import { createRun, type NewRun } from './create-run.ts';
import { outputDirectory } from './find-runs.ts';
import { fitPlan } from './fit-plan.ts';
import { type Gathered, gatherRecipes } from './gather-recipes.ts';
import { findMissingPrograms } from './missing-programs.ts';
import { addRecipeOptions, type RecipeFlags, type RecipeOptions } from './recipe-options.ts';
import { runDetached } from './run-detached.ts';
import { type Allocation, type LocalRun, type RunDisplay, runLocally } from './run-locally.ts';
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
  srtctl apply recipes/ --tags nightly
      every recipe of a directory as a job of SLURM, with one summary
  srtctl apply -f recipe.yaml --local --json | jq -c 'select(.type == "process")'
      events for programs; the last one has the type "result"

Ends with the exit code of the run: 0 succeeded, 2 recipe, 3 SLURM did not take it, 4 start, 5 readiness,
6 benchmark, 7 something died while it ran, 130 cancelled. Everything about it stays in its run directory.`;

interface ApplyFlags extends RecipeFlags, RunFlags {
  readonly detach: boolean;
  readonly wait: boolean;
  readonly json: boolean;
  readonly jobid?: string;
  readonly exclude?: string;
  readonly tags: readonly string[];
}

export function applyCommand(context: CommandContext, finish: (code: number) => void): Command {
  const command = new Command('apply').description('run a recipe: start everything, prove it, measure, stop everything');
  const read = addRecipeOptions(command);
  return addOutputOption(command)
    .option('-d, --detach', 'leave the run in the background and return', false)
    .option('--wait', 'stay until the run has ended, as is done anyway with --local and without -d', false)
    .option('--json', 'events as JSON, one object a line', false)
    .option('--jobid <job>', 'run in this allocation of SLURM; new: submit a job also from within an allocation')
    .option('--exclude <nodes>', 'nodes that are not used, as SLURM writes lists of them: node[3-5]')
    .option('--tags <words>', 'words to find the run by, with commas between; kept in job.json', tags, [])
    .option('-y, --yes', 'has no effect: apply asks nothing', false)
    .option('--no-preflight', 'has no effect: what is missing on this host is a warning')
    .addHelpText('after', EXAMPLES)
    .action(async (_: readonly string[], flags: ApplyFlags) => finish(await apply(read(flags), flags, context)));
}

function tags(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Where a recipe goes. */
type Target =
  | { readonly kind: 'here' }
  | { readonly kind: 'allocation'; readonly allocation: Omit<Allocation, 'stepOptions'>; readonly abilities: SlurmAbilities }
  | { readonly kind: 'job'; readonly abilities: SlurmAbilities };

async function apply(options: RecipeOptions, flags: ApplyFlags, context: CommandContext): Promise<number> {
  if (flags.detach && flags.wait) return refuse('-d returns at once and --wait stays: give one of them', context);
  const gathering = await gatherRecipes(options, context, false);
  if (!tellProblems(gathering, context)) return EXIT_CODES.recipe;
  const { gathered, cluster } = gathering;
  const target = await targetOf(options.local, flags, cluster, context);
  if (target === null) return EXIT_CODES.submit;
  const isHere = target.kind !== 'job';
  if (isHere && flags.detach && gathered.length > 1) {
    return refuse(`-d takes one recipe, and here are ${gathered.length}: choose one with -f FILE:VARIANT, or leave -d out`, context);
  }
  const outputs = outputDirectory(flags.output, cluster, context.workingDirectory);
  let code: number = EXIT_CODES.ok;
  const ends: string[] = [];
  const done = (isHere ? !flags.detach : flags.wait) ? 'succeeded' : 'submitted';
  for (const [index, one] of gathered.entries()) {
    if (gathered.length > 1 && !flags.json) context.out(`\n== ${one.recipe.name} (${index + 1} of ${gathered.length})\n`);
    const its = await applyOne(one, target, cluster, outputs, flags, context);
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

/** Null: there is no such allocation, and that has been said. */
async function targetOf(isLocal: boolean, flags: ApplyFlags, cluster: Cluster, context: CommandContext): Promise<Target | null> {
  if (isLocal) return { kind: 'here' };
  const commands = slurmCommands({ ...context.env });
  const found = await findAllocation(flags.jobid, commands, context);
  if (!found.ok) {
    context.err(`error: ${found.message}\n`);
    return null;
  }
  const abilities = await askAbilities(commands);
  if (found.job === null) return { kind: 'job', abilities };
  if (flags.jobid === undefined) context.err(`in allocation ${found.job} (SLURM_JOB_ID); --jobid new submits a job instead\n`);
  const { networkInterface } = cluster;
  return { kind: 'allocation', allocation: { job: found.job, networkInterface, excluded: flags.exclude ?? null }, abilities };
}

async function applyOne(
  one: Gathered,
  target: Target,
  cluster: Cluster,
  outputs: string,
  flags: ApplyFlags,
  context: CommandContext,
): Promise<number> {
  const { recipe } = one;
  if (target.kind === 'here') return applyHere(one, null, cluster, outputs, flags, context);
  if (target.kind === 'allocation') {
    const fit = fitPlan(recipe, one.plan, cluster, { ...target.abilities, segments: true }, context.workingDirectory);
    if (!fit.ok) {
      context.err(`error: ${fit.message}\n`);
      return EXIT_CODES.submit;
    }
    if (fit.note !== null) context.err(`warning: ${fit.note}\n`);
    const stepOptions = judgeStepOptions(recipe.srunOptions).kept;
    return applyHere({ ...one, plan: fit.plan }, { ...target.allocation, stepOptions }, cluster, outputs, flags, context);
  }
  const { exclude } = flags;
  const sbatchDirectives = { ...recipe.sbatchDirectives, ...(exclude === undefined ? {} : { exclude }) };
  const display = flags.wait ? displayOf(flags, context) : null;
  const job = { cluster, abilities: target.abilities, outputs, tags: flags.tags, display, isJson: flags.json };
  return applyJob({ ...one, recipe: { ...recipe, sbatchDirectives } }, job, context);
}

/** Under the eyes of this process, or of one in the background. */
async function applyHere(
  { recipe, plan, file, redactedText }: Gathered,
  allocation: Allocation | null,
  cluster: Cluster,
  outputs: string,
  flags: ApplyFlags,
  context: CommandContext,
): Promise<number> {
  const redactor = createRedactor(recipe.secrets);
  const missing = allocation === null ? await findMissingPrograms(plan, searchPath(context.env['PATH'])) : [];
  if (missing.length > 0) {
    for (const one of missing) context.err(`error: ${one}\n`);
    return EXIT_CODES.start;
  }
  let run: NewRun;
  try {
    const input = { plan, recipeFile: file, redactedText, tags: flags.tags };
    run = await createRun(input, outputs, 'local', redactor, context.clock.wallMs());
  } catch (error) {
    context.err(
      `error: no run directory can be made in ${outputs}: ${error instanceof Error ? error.message : String(error)}; -o DIR takes another\n`,
    );
    return EXIT_CODES.start;
  }
  for (const warning of plan.warnings) context.err(`warning: ${redactor.text(warning)}\n`);
  const what: LocalRun = { plan, secrets: recipe.secrets, nodeBinary: cluster.nodePath ?? context.nodeBinary, allocation };
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
