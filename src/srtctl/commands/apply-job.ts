/** `srtctl apply` without `--local`: hands a recipe to SLURM, and follows it there if asked. */

import type { Cluster } from '../recipe/resolve/cluster.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import type { SlurmAbilities } from '../slurm/abilities.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { endJob } from './cancel-job.ts';
import type { CommandContext } from './command-context.ts';
import { fitPlan } from './fit-plan.ts';
import { followRun } from './follow-run.ts';
import type { Gathered } from './gather-recipes.ts';
import { nextLook } from './read-status.ts';
import type { RunDisplay } from './run-locally.ts';
import { watchRun } from './run-watch.ts';
import { submitRun } from './submit-run.ts';

/** A job that can never start is told by SLURM within a moment of its release. */
const FIRST_LOOKS_MS = 1500;

export interface JobOptions {
  readonly cluster: Cluster;
  readonly abilities: SlurmAbilities;
  /** Absolute. */
  readonly outputs: string;
  readonly tags: readonly string[];
  /** Null to return as soon as SLURM has the job. */
  readonly display: RunDisplay | null;
  readonly isJson: boolean;
}

export async function applyJob(one: Gathered, options: JobOptions, context: CommandContext): Promise<number> {
  const { cluster, abilities, outputs, tags, display, isJson } = options;
  const fit = fitPlan(one.recipe, one.plan, cluster, abilities, context.workingDirectory);
  if (!fit.ok) {
    context.err(`error: ${fit.message}\n`);
    return EXIT_CODES.submit;
  }
  const submission = await submitRun({ one: { ...one, plan: fit.plan }, cluster, abilities, tags, outputs }, context);
  if (submission.kind !== 'submitted') {
    context.err(`error: ${submission.message}\n`);
    return EXIT_CODES.submit;
  }
  const { run } = submission;
  const redactor = createRedactor(one.recipe.secrets);
  for (const warning of [...(fit.note === null ? [] : [fit.note]), ...fit.plan.warnings])
    context.err(`warning: ${redactor.text(warning)}\n`);
  // Scripts look for `Job N`.
  const lines = `Job ${run.id} (${one.recipe.name}) is submitted\n  srtctl status ${run.id}\n  srtctl logs -f -r ${run.id}\n  srtctl cancel ${run.id}\nrun directory${cluster.embedsRun ? ', on the nodes' : ''}: ${run.paths.directory}\n`;
  context.out(isJson ? `${JSON.stringify({ type: 'submitted', run: run.id, directory: run.paths.directory })}\n` : lines);
  const found = { paths: run.paths, job: { id: run.id, launcher: 'slurm' as const } };
  if (display !== null) return followRun(found, display, context);
  const look = watchRun(found, context);
  for (const untilMs = context.clock.nowMs() + FIRST_LOOKS_MS; context.clock.nowMs() < untilMs; await nextLook(context.clock)) {
    const { pending, status } = await look();
    // Pending for ever is said at once; what runs, or has run, is not pending.
    if (status !== null || pending === null) break;
    if (!pending.isForEver) continue;
    await endJob(found, slurmCommands({ ...context.env }));
    context.err(`error: job ${run.id}: ${pending.words}; it was cancelled\n`);
    return EXIT_CODES.submit;
  }
  return EXIT_CODES.ok;
}
