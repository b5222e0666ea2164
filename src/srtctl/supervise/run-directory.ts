/**
 * The directory of a run: which files it has and what is in them. Any shell can look at it later.
 *
 *   recipe.yaml     as it was given, secrets taken out        job.json       what the run is; written once
 *   plan.json       what runs, secrets taken out              status.json    how it stands; replaced as a whole
 *   events.jsonl    what happened, one object a line          logs/<file>    output of each process
 *   report.txt      why it ended, for people                  cancel         asks the supervisor to stop; twice: to hurry
 *   .reserve        while it runs: room for the last status, should the disk be full
 *   scratch         while it runs: data of processes that are worth nothing afterwards (etcd, NATS)
 */
import { join } from 'node:path';
import { type PlanRole, SCRATCH_FOLDER } from '../plan/plan.ts';

export interface RunPaths {
  readonly directory: string;
  readonly recipe: string;
  readonly plan: string;
  readonly job: string;
  readonly status: string;
  readonly events: string;
  readonly report: string;
  readonly cancel: string;
  readonly logs: string;
  readonly scratch: string;
}

export function runPaths(directory: string): RunPaths {
  return {
    directory,
    recipe: join(directory, 'recipe.yaml'),
    plan: join(directory, 'plan.json'),
    job: join(directory, 'job.json'),
    status: join(directory, 'status.json'),
    events: join(directory, 'events.jsonl'),
    report: join(directory, 'report.txt'),
    cancel: join(directory, 'cancel'),
    logs: join(directory, 'logs'),
    scratch: join(directory, SCRATCH_FOLDER),
  };
}

/** `startTime`: in clock ticks since boot as /proc tells it, which with the pid names one process for good; null: not known. */
export interface SupervisorIdentity {
  readonly pid: number;
  readonly startTime: number | null;
  readonly host: string;
  readonly bootId: string | null;
}

/** `job.json`. */
export interface JobFile {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly launcher: 'local' | 'slurm';
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Where srtctl ran. */
  readonly host: string;
  /** Recipe as it was named; null: standard input. */
  readonly recipeFile: string | null;
  /** Words of the user, to find runs by. */
  readonly tags: readonly string[];
  /** Who supervises it from the first moment on; null: SLURM starts somebody. */
  readonly supervisor: SupervisorIdentity | null;
}

/**
 *   preparing ─► starting ─► proving ─► benchmarking | serving ─► stopping ─► ended
 *                   every state before `stopping` may go there on a failure or a cancellation
 */
export type RunState = 'preparing' | 'starting' | 'proving' | 'benchmarking' | 'serving' | 'stopping' | 'ended';

/** waiting: its tier has not come; starting: not ready yet; stopping: told to end. */
export type ProcessState = 'waiting' | 'starting' | 'ready' | 'stopping' | 'ended';

/** How a run ended. The numbers are exit codes of srtctl. */
export const EXIT_CODES = { ok: 0, recipe: 2, submit: 3, start: 4, readiness: 5, benchmark: 6, running: 7, cancelled: 130 } as const;

export type RunOutcome = Exclude<keyof typeof EXIT_CODES, 'recipe' | 'submit'>;

export interface ProcessStatus {
  readonly id: string;
  readonly role: PlanRole;
  readonly node: string;
  readonly tier: number;
  readonly state: ProcessState;
  readonly pid: number | null;
  /** Relative to the run directory. */
  readonly log: string;
  /** What it is waited for, what it was ended by; null: nothing to say. */
  readonly detail: string | null;
  readonly lastLine: string | null;
  /** When a ready process that is named for its silence last answered; null: it answers. */
  readonly silentSince: string | null;
  /** ISO 8601, UTC; null: not yet. */
  readonly startedAt: string | null;
  readonly readyAt: string | null;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What failed, why probably, what was done. */
export interface FailureReport {
  readonly outcome: RunOutcome;
  /** One sentence: what failed first and where. */
  readonly summary: string;
  /** Process that failed first; null: none did (a port, a request, a cancellation). */
  readonly process: string | null;
  readonly node: string | null;
  /** Relative to the run directory. */
  readonly log: string | null;
  /** Its last lines, oldest first. */
  readonly lastLines: readonly string[];
  /** Likely causes and what to do, best first. */
  readonly hints: readonly string[];
  /** Other processes that ended on their own about the same time, one sentence each. */
  readonly also: readonly string[];
  /** How each process that had to be stopped ended, one sentence each. */
  readonly stopped: readonly string[];
}

/** `status.json`. */
export interface StatusFile {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  /** Tier that is being started or stopped; null: none. */
  readonly tier: number | null;
  /** Null until the run has ended. */
  readonly outcome: RunOutcome | null;
  readonly exitCode: number | null;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
  /** Bound; null before the nodes are known. */
  readonly endpoint: string | null;
  readonly nodes: readonly { readonly node: string; readonly name: string; readonly address: string }[];
  readonly supervisor: SupervisorIdentity;
  readonly processes: readonly ProcessStatus[];
  readonly report: FailureReport | null;
}
