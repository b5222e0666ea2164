/** What any shell can find out about a run, and do to it, from its directory alone. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { Plan } from '../plan/plan.ts';
import { writeCancelFile } from './cancel-file.ts';
import { type JobFile, runPaths, type StatusFile } from './run-directory.ts';

/** A supervisor on another machine renews status.json at least this often, or it is not known to live. */
const STALE_MS = 60_000;
const POLL_MS = 200;

/**
 * - running: its supervisor lives. - ended: it says so. - lost: its supervisor died without a word; the fleet is gone or going.
 * - unknown: the supervisor is on another machine and has not been heard of lately.
 */
export type RunCondition = 'running' | 'ended' | 'lost' | 'unknown';

export interface RunView {
  readonly directory: string;
  readonly condition: RunCondition;
  readonly status: StatusFile;
  /** Null: the file is missing or broken. */
  readonly job: JobFile | null;
}

export type ReadRun = { readonly kind: 'run'; readonly view: RunView } | { readonly kind: 'no-run'; readonly message: string };

export async function readRun(directory: string, host: string, clock: Clock): Promise<ReadRun> {
  const paths = runPaths(directory);
  const status = await readJson<StatusFile>(paths.status);
  if (status.kind === 'bad') return { kind: 'no-run', message: `${directory} is not a run: ${status.message}` };
  const job = await readJson<JobFile>(paths.job);
  const condition = await conditionOf(status.value, host, clock);
  return { kind: 'run', view: { directory, condition, status: status.value, job: job.kind === 'bad' ? null : job.value } };
}

/** Rejects if there is no readable plan. Secrets are not in it. */
export async function readPlan(directory: string): Promise<Plan> {
  const plan = await readJson<Plan>(runPaths(directory).plan);
  if (plan.kind === 'bad') throw new Error(plan.message);
  return plan.value;
}

async function conditionOf(status: StatusFile, host: string, clock: Clock): Promise<RunCondition> {
  if (status.state === 'ended') return 'ended';
  if (status.supervisor.host === host) return (await livesHere(status)) ? 'running' : 'lost';
  return clock.wallMs() - Date.parse(status.updatedAt) < STALE_MS ? 'running' : 'unknown';
}

/** The same pid with another start time, or after a boot, is another process. */
async function livesHere({ supervisor }: StatusFile): Promise<boolean> {
  const boot = await bootId();
  if (boot !== null && supervisor.bootId !== null && boot !== supervisor.bootId) return false;
  if (supervisor.startTime !== null) return (await processStartTime(supervisor.pid)) === supervisor.startTime;
  try {
    return process.kill(supervisor.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Resolves when the run is not running any more, or after `timeoutMs` (null: no limit) with what it is then. */
export async function waitForRun(
  directory: string,
  host: string,
  clock: Clock,
  timeoutMs: number | null,
  onView: (view: RunView) => void = () => {},
): Promise<ReadRun> {
  const untilMs = timeoutMs === null ? Number.POSITIVE_INFINITY : clock.nowMs() + timeoutMs;
  for (;;) {
    const read = await readRun(directory, host, clock);
    if (read.kind === 'no-run') return read;
    onView(read.view);
    if (read.view.condition === 'ended' || read.view.condition === 'lost' || clock.nowMs() >= untilMs) return read;
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
}

/** How the wish was passed on, for people. Each call is one wish: the second hurries. `by`: who wishes. */
export async function cancelRun(view: RunView, host: string, by: string): Promise<string> {
  const { supervisor } = view.status;
  switch (view.condition) {
    case 'ended':
      return `the run has ended already (${view.status.outcome ?? 'outcome unknown'})`;
    case 'lost':
      return `its supervisor (pid ${supervisor.pid}) is gone; its processes were ended by their guard`;
    default:
      // The file alone does it, on every machine; no signal could say who asked.
      await writeCancelFile(runPaths(view.directory).cancel, by);
      return supervisor.host === host
        ? `asked its supervisor (pid ${supervisor.pid}) to stop`
        : `asked its supervisor on ${supervisor.host} to stop`;
  }
}

async function readJson<T extends { readonly version?: number } | Plan>(
  path: string,
): Promise<{ kind: 'ok'; value: T } | { kind: 'bad'; message: string }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return { kind: 'bad', message: `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` };
  }
  try {
    const value = JSON.parse(text) as T;
    if (typeof value === 'object' && value !== null) return { kind: 'ok', value };
    return { kind: 'bad', message: `${path} does not hold an object` };
  } catch {
    return { kind: 'bad', message: `${path} is not JSON` };
  }
}
