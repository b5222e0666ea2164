/** Runs a plan from its first process to its last, and leaves a run directory that tells all of it. */
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import type { Launcher } from '../launch/launcher.ts';
import { bootId, processStartTime } from '../launch/proc.ts';
import type { Plan } from '../plan/plan.ts';
import type { Redactor } from '../recipe/redact.ts';
import { watchCancelFile } from './cancel-file.ts';
import { reportText } from './report.ts';
import { EXIT_CODES, type FailureReport, type ProcessStatus, type RunOutcome, runPaths, type StatusFile } from './run-directory.ts';
import type { Notice } from './run-events.ts';
import { RunFiles } from './run-files.ts';
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

/** `directory`: absolute, exists. Never rejects for what happens to the run; that is in the result. */
export async function runPlan(plan: Plan, launcher: Launcher, directory: string, deps: RunDeps): Promise<RunResult> {
  const { clock, redactor } = deps;
  const paths = runPaths(directory);
  await mkdir(paths.logs, { recursive: true });
  const startedAtMs = clock.wallMs();
  const offsetMs = startedAtMs - clock.nowMs();
  const identity = { pid: process.pid, startTime: await processStartTime(process.pid), host: deps.host, bootId: await bootId() };
  let endedAt: string | null = null;

  const supervisor = new Supervisor(plan, launcher, { directory, id: deps.id }, { clock, onNotice: (notice) => onNotice(notice) });
  const { machine } = supervisor;
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms + offsetMs).toISOString());
  const status = (): StatusFile =>
    redactor.data({
      version: 1,
      id: deps.id,
      name: plan.name,
      state: machine.state,
      tier: machine.tier,
      outcome: machine.state === 'ended' ? machine.outcome : null,
      exitCode: machine.state === 'ended' && machine.outcome !== null ? EXIT_CODES[machine.outcome] : null,
      startedAt: new Date(startedAtMs).toISOString(),
      updatedAt: new Date(clock.wallMs()).toISOString(),
      endedAt,
      endpoint: supervisor.site?.bind(plan.endpoint) ?? null,
      nodes: supervisor.site?.nodes ?? [],
      supervisor: identity,
      processes: [...machine.records.values()].map(
        (record): ProcessStatus => ({
          id: record.id,
          role: record.planned.role,
          node: record.planned.node,
          tier: record.planned.tier,
          state: record.state,
          pid: record.pid,
          log: record.planned.log,
          detail: record.detail,
          lastLine: record.lastLine,
          startedAt: iso(record.startedAtMs),
          readyAt: iso(record.readyAtMs),
          endedAt: iso(record.endedAtMs),
          exitCode: record.end?.code ?? null,
          signal: record.end?.signal ?? null,
        }),
      ),
      report: machine.report,
    });

  const files = new RunFiles(paths, clock, status, (code) => {
    deps.onNotice?.({ type: 'warning', text: `${directory} cannot be written (${code}); the run goes on` }, clock.wallMs());
  });
  const onNotice = (raw: Notice): void => {
    const atMs = clock.wallMs();
    // Lines are clean already, and there are many of them.
    const notice = raw.type === 'line' ? raw : redactor.data(raw);
    if (notice.type === 'line') files.touch();
    else files.event({ at: new Date(atMs).toISOString(), ...notice });
    deps.onNotice?.(notice, atMs);
  };

  // For readers on other machines, who see nothing but the file.
  let heartbeat = clock.after(HEARTBEAT_MS, beat);
  function beat(): void {
    files.touch();
    heartbeat = clock.after(HEARTBEAT_MS, beat);
  }
  const cancel = (by: string): void => supervisor.cancel(by);
  const unwatch = deps.watchCancel?.(cancel);
  const unwatchFile = watchCancelFile(paths.cancel, clock, cancel);
  try {
    await supervisor.run();
  } finally {
    unwatch?.();
    unwatchFile();
    heartbeat.cancel();
  }
  endedAt = new Date(clock.wallMs()).toISOString();
  const outcome = machine.outcome ?? 'running';
  const exitCode = EXIT_CODES[outcome];
  const final = status();
  await files.finish(final.report === null ? null : reportText(final.report, exitCode));
  return { outcome, exitCode, report: final.report, status: final };
}
