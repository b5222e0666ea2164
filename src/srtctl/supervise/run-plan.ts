/** Runs a plan from its first process to its last, and leaves a run directory that tells all of it. */
import { rm } from 'node:fs/promises';
import type { Clock } from '../../base/core/clock.ts';
import { makeDirectory } from '../../base/runtime/make-directory.ts';
import type { Launcher } from '../launch/launcher.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { Plan } from '../plan/plan.ts';
import type { Redactor } from '../recipe/secrets/redactor.ts';
import { watchCancelFile } from './cancel-file.ts';
import { reportText } from './report.ts';
import { EXIT_CODES, type FailureReport, type RunOutcome, runPaths, type StatusFile } from './run-directory.ts';
import type { Notice } from './run-events.ts';
import { RunFiles } from './run-files.ts';
import { type RunIdentity, statusOf } from './status-of.ts';
import { Supervisor } from './supervisor.ts';

const HEARTBEAT_MS = 10_000;

export interface RunDeps {
  readonly clock: Clock;
  /** Takes secrets out of what is written and told. The launcher does so with the output of processes. */
  readonly redactor: Redactor;
  /** Identifier of the run, as in job.json. */
  readonly id: string;
  /** Name of this machine. */
  readonly host: string;
  /** Called before anything happens; `status` tells at any time how the run stands. */
  readonly onBegin?: (status: () => StatusFile) => void;
  /** Everything that happens, with the wall clock in milliseconds; for live views. */
  readonly onNotice?: (notice: Notice, atMs: number) => void;
  /** Calls back for every wish to stop (the second hurries); returns how to unsubscribe. Such as watchSignals of the runtime. */
  readonly watchCancel?: (cancel: (by: string) => void) => () => void;
}

export interface RunResult {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  /** Null: nothing to report, all went well. */
  readonly report: FailureReport | null;
  readonly status: StatusFile;
}

/** `directory`: absolute, exists. Rejects only if nothing can be written there before the run; what happens to the run is in the result. */
export async function runPlan(plan: Plan, launcher: Launcher, directory: string, deps: RunDeps): Promise<RunResult> {
  // Whoever wants to stop is heard from the first moment.
  const early: string[] = [];
  let cancel = (by: string): void => void early.push(by);
  const unwatch = deps.watchCancel?.((by) => cancel(by));
  try {
    const run = await prepare(plan, launcher, directory, deps);
    deps.onBegin?.(run.status);
    const over = run.supervisor.run();
    cancel = (by) => run.supervisor.cancel(by);
    for (const by of early) cancel(by);
    return await finish(over, run, directory, deps, cancel);
  } finally {
    unwatch?.();
  }
}

interface Preparation {
  readonly supervisor: Supervisor;
  readonly files: RunFiles;
  /** Secrets taken out. */
  readonly status: () => StatusFile;
}

async function prepare(plan: Plan, launcher: Launcher, directory: string, deps: RunDeps): Promise<Preparation> {
  const { clock, redactor } = deps;
  const paths = runPaths(directory);
  await makeDirectory(paths.logs);
  // What an etcd of an earlier run left would bring its workers back.
  await rm(paths.scratch, { recursive: true, force: true });
  const startedAtMs = clock.wallMs();
  const identity: RunIdentity = {
    id: deps.id,
    name: plan.name,
    supervisor: { pid: process.pid, startTime: await processStartTime(process.pid), host: deps.host, bootId: await bootId() },
    startedAtMs,
    offsetMs: startedAtMs - clock.nowMs(),
  };
  const tell = (notice: Notice): void => {
    const atMs = clock.wallMs();
    // Lines are clean already, and there are many of them.
    const clean = notice.type === 'line' ? notice : redactor.data(notice);
    if (clean.type === 'line') files.touchLines();
    else files.event({ at: new Date(atMs).toISOString(), ...clean });
    deps.onNotice?.(clean, atMs);
  };
  const supervisor = new Supervisor(plan, launcher, { directory, id: deps.id }, { clock, onNotice: tell });
  const { machine } = supervisor;
  const status = (): StatusFile => {
    const { site } = supervisor;
    const bound = site === null ? null : { nodes: site.nodes, endpoint: site.bind(plan.endpoint) };
    const nowMs = clock.wallMs();
    return redactor.data(statusOf(machine, identity, bound, nowMs, machine.state === 'ended' ? nowMs : null));
  };
  const files = new RunFiles(paths, clock, status, (code) => {
    deps.onNotice?.({ type: 'warning', text: `${directory} cannot be written (${code}); the run goes on` }, clock.wallMs());
  });
  await files.begin();
  return { supervisor, files, status };
}

async function finish(
  over: Promise<void>,
  { supervisor, files, status }: Preparation,
  directory: string,
  { clock, onNotice }: RunDeps,
  cancel: (by: string) => void,
): Promise<RunResult> {
  // For readers on other machines, who see nothing but the file.
  let heartbeat = clock.after(HEARTBEAT_MS, beat);
  function beat(): void {
    files.touch();
    heartbeat = clock.after(HEARTBEAT_MS, beat);
  }
  const paths = runPaths(directory);
  const unwatchFile = watchCancelFile(paths.cancel, clock, cancel);
  try {
    await over;
  } finally {
    unwatchFile();
    heartbeat.cancel();
  }
  try {
    await rm(paths.scratch, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    onNotice?.({ type: 'warning', text: `${paths.scratch} is left: ${(error as Error).message}` }, clock.wallMs());
  }
  const outcome = supervisor.machine.outcome ?? 'running';
  const exitCode = EXIT_CODES[outcome];
  const final = status();
  await files.finish(final.report === null ? null : reportText(final.report, exitCode));
  return { outcome, exitCode, report: final.report, status: final };
}
