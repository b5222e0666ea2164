/**
 * How a run stands, asked again and again from any shell: by its own files, and by SLURM where they are silent.
 *
 *   status.json changes ──► it is the record; nobody else is asked
 *   none yet, or no change for STALE_MS ──► SLURM is asked, at most every ASK_MS: pending (why), running, or over
 */
import type { Clock } from '../../base/core/clock.ts';
import { type MarkedProcess, markedProcesses, type RunMarks } from '../launch/marked.ts';
import { markOf } from '../launch/proc.ts';
import { viewJob } from '../slurm/job-view.ts';
import { type PendingReason, pendingReason } from '../slurm/pending-reason.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import type { JobFile, RunPaths, StatusFile } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { removeHandover } from './handover.ts';
import { isGone, readSettledStatus, readStatus, readStatusFile } from './read-status.ts';

/** What must be known of a run to look at it. */
export interface WatchedRun {
  readonly paths: RunPaths;
  readonly job: Pick<JobFile, 'id' | 'launcher'> & Partial<JobFile>;
}

export interface RunLook {
  /** Null: none yet. */
  readonly status: StatusFile | null;
  /** Nobody supervises it, and it has not ended in order; in words. Null: all is well. */
  readonly abandoned: string | null;
  /** Why SLURM has not started it; null: it has, or it is not SLURM's. */
  readonly pending: PendingReason | null;
  /** Why its status.json cannot be read; null: it can, or there is none. */
  readonly damage: string | null;
  /** A run that lasts gives a sign every 10 s; this one has not for so long. Null: it has. */
  readonly silentMs: number | null;
  /** Processes of a run without supervisor that still run on this machine. */
  readonly leftovers: number;
}

/** Heartbeats come every 10 s; a shared file system shows them late. */
const STALE_MS = 30_000;
const ASK_MS = 3000;

/** SLURM is not asked as long as the files of the run are fresh. */
export function watchRun(run: WatchedRun, context: Pick<CommandContext, 'clock' | 'env'>): () => Promise<RunLook> {
  const { clock } = context;
  if (run.job.launcher === 'slurm') return watchJob(run, clock, { ...context.env });
  return async () => {
    const { status, damage, isLost } = await readSettledStatus(run.paths, run.job, clock.wallMs());
    const left = isLost ? await markedProcesses(marksOf(run)) : [];
    const abandoned = isLost ? lostInWords(run, left) : null;
    return { status, abandoned, pending: null, damage, silentMs: isLost ? null : silenceOf(status, clock), leftovers: left.length };
  };
}

/** Looked at before anything is claimed: the guard of a run may have been killed with its supervisor. */
function lostInWords({ job }: WatchedRun, left: readonly MarkedProcess[]): string {
  const gone = 'its supervisor is gone without having ended it';
  if (left.length === 0) return `${gone}; none of its processes runs here any more`;
  const some = left.slice(0, 3).map(({ pid, command }) => `pid ${pid} (${command})`);
  return `${gone}, and ${left.length} of its processes still run: ${some.join(', ')}; "srtctl cancel --force ${job.id}" ends them`;
}

/** Of whichever launcher: a run inside an allocation counts as one of this machine. */
export function marksOf({ job: { id }, paths: { directory } }: WatchedRun): RunMarks {
  return { marks: [markOf({ id, directory }, 'local'), markOf({ id, directory }, 'slurm')], directory };
}

function silenceOf(status: StatusFile | null, clock: Clock): number | null {
  if (status === null || status.state === 'ended') return null;
  const silentMs = clock.wallMs() - Date.parse(status.updatedAt);
  return silentMs > STALE_MS ? silentMs : null;
}

function watchJob({ job, paths }: WatchedRun, clock: Clock, env: NodeJS.ProcessEnv): () => Promise<RunLook> {
  const commands = slurmCommands(env);
  let lastUpdate: string | null = null;
  let changedMs = Number.NEGATIVE_INFINITY;
  let askedMs = Number.NEGATIVE_INFINITY;
  let pending: PendingReason | null = null;
  return async () => {
    const { status, damage } = await readStatusFile(paths);
    const nowMs = clock.nowMs();
    const silentMs = silenceOf(status, clock);
    const seen = { status, abandoned: null, damage, silentMs, leftovers: 0 };
    const update = status?.updatedAt ?? null;
    const isFirst = changedMs === Number.NEGATIVE_INFINITY && lastUpdate === null;
    // At the first look its age tells, as far as clocks agree; later that it changes.
    if (update !== null && (isFirst ? silentMs === null : update !== lastUpdate)) changedMs = nowMs;
    lastUpdate = update;
    // Whoever looks from the node of the supervisor need not wait for its next sign.
    const isLively = status !== null && nowMs - changedMs < STALE_MS && !(await isGone(status.supervisor));
    if (status?.state === 'ended' || isLively) return { ...seen, pending: null };
    if (nowMs - askedMs < ASK_MS) return { ...seen, pending };
    askedMs = nowMs;
    const view = await viewJob(job.id, commands);
    pending = view.phase === 'pending' && status === null ? pendingReason(view.reason) : null;
    if (view.phase === 'running' && status !== null) changedMs = nowMs;
    if (view.phase !== 'over' && view.phase !== 'gone') return { ...seen, pending };
    // The supervisor writes its last status a moment before its job is over.
    const last = await readStatus(paths);
    if (last?.state === 'ended') return { ...seen, status: last, pending: null };
    await removeHandover(paths.directory);
    return { ...seen, status: last, abandoned: abandonedJob(job.id, view.state, last !== null), pending: null, silentMs: null };
  };
}

function abandonedJob(job: string, state: string, hasBegun: boolean): string {
  const what = state === '' ? `SLURM does not know job ${job} any more: it ended some time ago` : `job ${job} is over (${state})`;
  return hasBegun
    ? `${what}, and its supervisor did not live to write how; SLURM ended its processes`
    : `${what} before its supervisor began; logs/slurm.log may say why`;
}
