/** One run handed to SLURM: its directory, its batch script, its job. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from '../../base/runtime/make-directory.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { renderBatchScript, warningSeconds } from '../slurm/batch-script.ts';
import { slurmCommands, submissionEnvironment } from '../slurm/slurm-commands.ts';
import { stepOptionProblems } from '../slurm/step-options.ts';
import { knowsContainers, releaseJob, SubmitError, submitHeld, testSubmission } from '../slurm/submit-job.ts';
import { runPaths } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { type NewRun, writeRun } from './create-run.ts';
import type { Gathered } from './gather-recipes.ts';
import { writeHandover } from './handover.ts';

/** refused: the recipe cannot be written as a job; failed: SLURM, or the disk, did not take it. */
export type Submission =
  | { readonly kind: 'submitted'; readonly run: NewRun }
  | { readonly kind: 'refused' | 'failed'; readonly message: string };

const NO_PYXIS =
  'warning: the srun of this machine has no --container-image (pyxis); if that of the nodes has none either, set container_runtime: none in the cluster file\n';

/** `outputs`: absolute; made if it is not there. The run's directory in it is named after the job's number. */
export async function submitRun(one: Gathered, cluster: Cluster, outputs: string, context: CommandContext): Promise<Submission> {
  const { recipe } = one;
  const nodeBinary = cluster.nodePath ?? context.nodeBinary;
  const rendered = renderBatchScript({
    recipe,
    cluster,
    outputs,
    supervisor: [nodeBinary, path.join(context.packageDirectory, 'dist/bin/srtctl.js'), 'supervise-job'],
  });
  const problems = [...rendered.problems, ...stepOptionProblems(recipe.srunOptions)];
  if (problems.length > 0) return { kind: 'refused', message: problems.join('\nerror: ') };
  let staging: string | null = null;
  try {
    await makeDirectory(outputs);
    // Not a run until it has its number; beside its place, so that renaming it is one step.
    staging = path.join(outputs, `.submitting-${randomUUID()}`);
    await mkdir(staging);
    return { kind: 'submitted', run: await submit(one, rendered.script, staging, outputs, context, nodeBinary, cluster) };
  } catch (error) {
    const message =
      error instanceof SubmitError ? error.message : `no run directory can be made in ${outputs}: ${String(error)}; -o DIR takes another`;
    return { kind: 'failed', message };
  } finally {
    if (staging !== null) await rm(staging, { recursive: true, force: true });
  }
}

async function submit(
  { recipe, plan, file, redactedText }: Gathered,
  script: string,
  staging: string,
  outputs: string,
  context: CommandContext,
  nodeBinary: string,
  cluster: Cluster,
): Promise<NewRun> {
  const scriptFile = path.join(staging, 'sbatch.sh');
  await writeFile(scriptFile, script);
  const given = new Set([...script.matchAll(/^#SBATCH --([\w-]+)/gm)].map(([, name]) => name!));
  const commands = slurmCommands(submissionEnvironment({ ...context.env }, given));
  await testSubmission(scriptFile, commands);
  if (plan.processes.some(({ container }) => container !== null) && !(await knowsContainers(commands))) context.err(NO_PYXIS);
  const job = await submitHeld(scriptFile, commands);
  const paths = runPaths(path.join(outputs, job));
  try {
    await writeHandover(staging, {
      plan,
      secrets: recipe.secrets,
      nodeBinary,
      networkInterface: cluster.networkInterface,
      stepOptions: recipe.srunOptions,
      warningSeconds: warningSeconds(recipe.slurm.timeLimit),
    });
    const input = { plan, recipeFile: file, redactedText };
    await writeRun(runPaths(staging), job, input, 'slurm', createRedactor(recipe.secrets), context.clock.wallMs());
    await rename(staging, paths.directory);
    await releaseJob(job, commands);
  } catch (error) {
    await commands.run(['scancel', job]);
    await rm(path.join(paths.directory, 'handover.json'), { force: true });
    const isTaken = error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
    if (isTaken)
      throw new SubmitError(
        `${paths.directory} is there already, from another cluster or before SLURM counted anew; -o DIR takes another`,
        {
          cause: error,
        },
      );
    throw error;
  }
  return { id: job, paths };
}
