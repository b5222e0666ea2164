/** One run handed to SLURM: its directory, its batch script, its job. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeDirectory } from '../../base/runtime/make-directory.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import type { SlurmAbilities } from '../slurm/abilities.ts';
import { renderBatchScript, warningSeconds } from '../slurm/batch-script.ts';
import { isHostile } from '../slurm/sbatch-directives.ts';
import { slurmCommands, submissionEnvironment } from '../slurm/slurm-commands.ts';
import { judgeStepOptions } from '../slurm/step-extras.ts';
import { releaseJob, SubmitError, submitHeld, testSubmission } from '../slurm/submit-job.ts';
import { runPaths } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { type NewRun, writeRun } from './create-run.ts';
import type { Gathered } from './gather-recipes.ts';
import { type Handover, writeHandover } from './handover.ts';

/** failed: SLURM, or the disk, did not take it. */
export type Submission = { readonly kind: 'submitted'; readonly run: NewRun } | { readonly kind: 'failed'; readonly message: string };

/** What a job is made of. */
export interface JobInput {
  readonly one: Gathered;
  readonly cluster: Cluster;
  readonly abilities: SlurmAbilities;
  readonly tags: readonly string[];
  /** Absolute; made if it is not there. The run's directory in it is named after the job's number. */
  readonly outputs: string;
}

export async function submitRun(input: JobInput, context: CommandContext): Promise<Submission> {
  const { outputs, one } = input;
  if (isHostile(outputs))
    return { kind: 'failed', message: `${JSON.stringify(outputs)} cannot be written into a batch script; -o DIR takes another` };
  let staging: string | null = null;
  try {
    await makeDirectory(outputs);
    const { configsDirectory } = one.recipe;
    if (configsDirectory !== null) await makeDirectory(path.resolve(context.workingDirectory, configsDirectory));
    // Not a run until it has its number; beside its place, so that renaming it is one step.
    staging = path.join(outputs, `.submitting-${randomUUID()}`);
    await mkdir(staging);
    return { kind: 'submitted', run: await submit(input, staging, context) };
  } catch (error) {
    const message =
      error instanceof SubmitError ? error.message : `no run directory can be made in ${outputs}: ${String(error)}; -o DIR takes another`;
    return { kind: 'failed', message };
  } finally {
    if (staging !== null) await rm(staging, { recursive: true, force: true });
  }
}

async function submit(input: JobInput, staging: string, context: CommandContext): Promise<NewRun> {
  const { one, cluster, tags, outputs } = input;
  const { recipe, plan, file, redactedText } = one;
  const redactor = createRedactor(recipe.secrets);
  const run = { recipeFile: file, redactedText, tags };
  const handover = handoverOf(input, cluster.embedsRun ? run : null, context);
  const script = scriptOf(input, handover, context);
  const scriptFile = path.join(staging, 'sbatch.sh');
  await writeFile(scriptFile, script, { mode: 0o600 });
  const given = new Set([...script.matchAll(/^#SBATCH --([\w-]+)/gm)].map(([, name]) => name!));
  const commands = slurmCommands(submissionEnvironment({ ...context.env }, given));
  await testSubmission(scriptFile, commands);
  const job = await submitHeld(scriptFile, commands);
  const paths = runPaths(path.join(outputs, job));
  try {
    // In the script there are secrets then.
    if (cluster.embedsRun) await rm(scriptFile);
    else await writeHandover(staging, handover);
    await writeRun(runPaths(staging), job, { plan, ...run }, 'slurm', redactor, context.clock.wallMs());
    await rename(staging, paths.directory);
    await releaseJob(job, commands);
  } catch (error) {
    await commands.run(['scancel', job]);
    await rm(path.join(paths.directory, 'handover.json'), { force: true });
    const isTaken = error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
    if (!isTaken) throw error;
    const message = `${paths.directory} is there already, from another cluster or before SLURM counted anew; -o DIR takes another`;
    throw new SubmitError(message, { cause: error });
  }
  return { id: job, paths };
}

function handoverOf({ one, cluster }: JobInput, run: Handover['run'], context: CommandContext): Handover {
  const { recipe, plan } = one;
  return {
    plan,
    secrets: recipe.secrets,
    nodeBinary: cluster.nodePath ?? context.nodeBinary,
    networkInterface: cluster.networkInterface,
    stepOptions: judgeStepOptions(recipe.srunOptions).kept,
    warningSeconds: warningSeconds(recipe.slurm.timeLimit),
    run,
  };
}

function scriptOf({ one, cluster, abilities, outputs }: JobInput, handover: Handover, context: CommandContext): string {
  return renderBatchScript({
    recipe: one.recipe,
    nodes: one.plan.nodes.length,
    cluster,
    knowsSegments: abilities.segments,
    outputs,
    supervisor: [handover.nodeBinary, path.join(context.packageDirectory, 'dist/bin/srtctl.js'), 'supervise-job'],
    embedded: cluster.embedsRun ? gzipSync(JSON.stringify(handover)).toString('base64') : null,
  });
}
