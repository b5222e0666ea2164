/**
 * How a run stands, asked again and again from any shell: by its own files, and by SLURM where they are silent.
 *
 *   status.json changes ──► it is the record; nobody else is asked
 *   none yet, or no change for STALE_MS ──► SLURM is asked, at most every ASK_MS: pending (why), running, or over
 */
import type { Clock } from '../../base/core/clock.ts';
import { viewJob } from '../slurm/job-view.ts';
import { type PendingReason, pendingReason } from '../slurm/pending-reason.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import type { JobFile, RunPaths, StatusFile } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { removeHandover } from './handover.ts';
import { readSettledStatus, readStatus } from './read-status.ts';

/** What must be known of a run to look at it. */
export interface WatchedRun {
  readonly paths: RunPaths;
  readonly job: Pick<JobFile, 'id' | 'launcher'>;
}

export interface RunLook {
  /** Null: none yet. */
  readonly status: StatusFile | null;
  /** Nobody supervises it, and it has not ended in order; in words. Null: all is well. */
  readonly abandoned: string | null;
  /** Why SLURM has not started it; null: it has, or it is not SLURM's. */
  readonly pending: PendingReason | null;
}

/** Heartbeats come every 10 s; a shared file system shows them late. */
const STALE_MS = 30_000;
const ASK_MS = 3000;

const ABANDONED = 'its supervisor is gone without having ended it; the processes of the run were stopped with it';

/** The first look asks SLURM at once unless the run has ended. */
export function watchRun(run: WatchedRun, context: Pick<CommandContext, 'clock' | 'env'>): () => Promise<RunLook> {
  if (run.job.launcher !== 'slurm')
    return async () => {
      const { status, isAbandoned } = await readSettledStatus(run.paths);
      return { status, abandoned: isAbandoned ? ABANDONED : null, pending: null };
    };
  return watchJob(run, context.clock, { ...context.env });
}

function watchJob({ job, paths }: WatchedRun, clock: Clock, env: NodeJS.ProcessEnv): () => Promise<RunLook> {
  const commands = slurmCommands(env);
  let lastUpdate: string | null = null;
  let changedMs = Number.NEGATIVE_INFINITY;
  let askedMs = Number.NEGATIVE_INFINITY;
  let pending: PendingReason | null = null;
  return async () => {
    const status = await readStatus(paths);
    const nowMs = clock.nowMs();
    const update = status?.updatedAt ?? null;
    const isFirst = askedMs === Number.NEGATIVE_INFINITY;
    if (update !== lastUpdate && !isFirst) changedMs = nowMs;
    lastUpdate = update;
    const isLively = status !== null && nowMs - changedMs < STALE_MS;
    if (status?.state === 'ended' || isLively) return { status, abandoned: null, pending: null };
    if (nowMs - askedMs < ASK_MS) return { status, abandoned: null, pending };
    askedMs = nowMs;
    const view = await viewJob(job.id, commands);
    pending = view.phase === 'pending' && status === null ? pendingReason(view.reason) : null;
    if (view.phase === 'running' && status !== null) changedMs = nowMs;
    if (view.phase !== 'over' && view.phase !== 'gone') return { status, abandoned: null, pending };
    // The supervisor writes its last status a moment before its job is over.
    const last = await readStatus(paths);
    if (last?.state === 'ended') return { status: last, abandoned: null, pending: null };
    await removeHandover(paths.directory);
    return { status: last, abandoned: abandonedJob(job.id, view.state, last !== null), pending: null };
  };
}

function abandonedJob(job: string, state: string, hasBegun: boolean): string {
  const what = state === '' ? `SLURM does not know job ${job} any more: it ended some time ago` : `job ${job} is over (${state})`;
  return hasBegun
    ? `${what}, and its supervisor did not live to write how; SLURM ended its processes`
    : `${what} before its supervisor began; logs/slurm.log may say why`;
}
