/** Hands a batch script to SLURM. */
import type { SlurmAnswer, SlurmCommands } from './slurm-commands.ts';

/** The message says what SLURM said and what to do. */
export class SubmitError extends Error {
  override readonly name = 'SubmitError';
}

const SUBMIT_MS = 60_000;

/** What SLURM's refusals mean for who wrote a recipe. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/unrecognized option '--segment/, 'this SLURM has no --segment: set use_segment_sbatch_directive: false in the cluster file'],
  [/unrecognized option '--container/, 'this SLURM has no pyxis: set container_runtime: none in the cluster file'],
  [/unrecognized option/, 'this SLURM does not know the option; remove it from sbatch_directives'],
  [
    /gpus-per-node|Invalid generic resource|[Gg][Rr][Ee][Ss]/,
    'see resources.gpus_per_node, or set use_gpus_per_node_directive: false in the cluster file',
  ],
  [/[Ii]nvalid partition|partition name/, 'see slurm.partition and default_partition; "sinfo -h -o %R" lists the partitions'],
  [/[Ii]nvalid account|account\/partition/, 'see slurm.account and default_account'],
  [/time limit/i, 'see slurm.time_limit'],
  [
    /[Nn]ode count|node configuration is not available|More processors/,
    'the partition has no such nodes: see the node counts and gpus_per_node of the recipe, and slurm.partition',
  ],
  [/Unable to contact|Connection refused|communication/i, 'the controller of SLURM does not answer; "scontrol ping" tells more'],
  [/not on PATH/, 'submit where SLURM is, or add --local to run on this machine'],
];

/** Whether SLURM would take it. Rejects with a SubmitError. */
export async function testSubmission(script: string, commands: SlurmCommands): Promise<void> {
  const answer = await commands.run(['sbatch', '--test-only', script], SUBMIT_MS);
  if (answer.code !== 0) throw refusal('SLURM would not take the job', answer);
}

/** The number of a job that waits for `releaseJob`, so that its directory can be named after it before it runs. Rejects with a SubmitError. */
export async function submitHeld(script: string, commands: SlurmCommands): Promise<string> {
  const answer = await commands.run(['sbatch', '--hold', '--parsable', script], SUBMIT_MS);
  const job = /^(\d+)(?:;|$)/m.exec(answer.stdout.trim())?.[1];
  if (answer.code !== 0 || job === undefined) throw refusal('SLURM did not take the job', answer);
  return job;
}

/** Rejects with a SubmitError. */
export async function releaseJob(job: string, commands: SlurmCommands): Promise<void> {
  const answer = await commands.run(['scontrol', 'release', job]);
  if (answer.code !== 0) throw refusal(`job ${job} could not be released`, answer);
}

function refusal(what: string, { code, stdout, stderr }: SlurmAnswer): SubmitError {
  const said = stderr || stdout.trim() || 'it said nothing';
  const hint = HINTS.find(([pattern]) => pattern.test(said))?.[1];
  return new SubmitError(`${what}${code === null ? '' : ` (status ${code})`}: ${said}${hint === undefined ? '' : `\n  ${hint}`}`);
}
