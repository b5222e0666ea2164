/** An allocation of SLURM that is there already, for `srtctl apply --jobid` and in the shell of salloc. */
import { type JobView, viewJob } from '../slurm/job-view.ts';
import type { SlurmCommands } from '../slurm/slurm-commands.ts';
import type { CommandContext } from './command-context.ts';

export type FoundAllocation =
  /** Null: a job of its own is submitted. */
  { readonly ok: true; readonly job: string | null } | { readonly ok: false; readonly message: string };

/** What `--jobid` says for a new job. */
const NEW = 'new';

/** `asked`: of `--jobid`; undefined: the allocation of this shell, if it has one. */
export async function findAllocation(
  asked: string | undefined,
  commands: SlurmCommands,
  context: CommandContext,
): Promise<FoundAllocation> {
  const own = context.env['SLURM_JOB_ID'];
  const job = asked ?? (own === '' ? undefined : own);
  if (job === undefined || job === NEW) return { ok: true, job: null };
  if (!/^\d+$/.test(job)) return { ok: false, message: `--jobid ${job}: expected the number of a job, or ${NEW}` };
  const view = await viewJob(job, commands);
  if (view.phase === 'running') return { ok: true, job };
  return { ok: false, message: `job ${job} ${inWords(view)}; --jobid ${NEW} submits a job` };
}

function inWords({ phase, state, reason }: JobView): string {
  if (phase === 'pending') return `has no nodes yet (${state}, ${reason})`;
  if (phase === 'unknown') return `cannot be looked at: ${reason}`;
  return phase === 'gone' ? 'is not known to SLURM' : `is over (${state})`;
}
