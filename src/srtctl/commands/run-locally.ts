/** One run under the eyes of this process, from a plan to its end, shown as the terminal allows. */
import { access, readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { localLauncher } from '../local/local-launcher.ts';
import type { Plan } from '../plan/plan.ts';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { type SlurmOptions, slurmLauncher } from '../slurm/slurm-launcher.ts';
import { reportText } from '../supervise/report.ts';
import { EXIT_CODES, type StatusFile } from '../supervise/run-directory.ts';
import { type RunResult, runPlan } from '../supervise/run-plan.ts';
import { benchmarkVerdicts, verdictLines } from './benchmark-verdict.ts';
import { collectScores } from './collect-scores.ts';
import type { CommandContext } from './command-context.ts';
import type { NewRun } from './create-run.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import { LiveView } from './live-view.ts';
import { NoticeLines } from './notice-line.ts';
import { searchPath } from './search-path.ts';
import { duration, outcomeOf } from './status-view.ts';

/** How a run is shown while it lasts. silent: not at all, its files tell. */
export type RunDisplay = 'live' | 'lines' | 'json' | 'silent';

/** An allocation of SLURM that is there already. */
export type Allocation = Pick<SlurmOptions, 'job' | 'networkInterface' | 'stepOptions' | 'excluded'>;

/** What runs, and how. */
export interface LocalRun {
  readonly plan: Plan;
  /** Every value that must not be seen. */
  readonly secrets: readonly string[];
  /** Runs routers, simulated engines and the benchmark. */
  readonly nodeBinary: string;
  /** Where it runs; null: on this machine. */
  readonly allocation: Allocation | null;
}

/** Returns the exit code of the run. */
export async function runLocally(
  { plan, secrets, nodeBinary, allocation }: LocalRun,
  run: NewRun,
  display: RunDisplay,
  context: CommandContext,
): Promise<number> {
  const redactor = createRedactor(secrets);
  const { clock } = context;
  const environment = inheritedEnvironment(plan, context.env);
  const common = { clock, nodeBinary, packageDirectory: context.packageDirectory, redact: redactor.text };
  const launcher =
    allocation === null
      ? localLauncher({ ...common, environment: { ...environment, PATH: searchPath(context.env['PATH']) } })
      : slurmLauncher({ ...common, environment, ...allocation });
  const startMs = clock.wallMs();
  const lines = new NoticeLines();
  let view: LiveView | null = null;
  const result = await runPlan(plan, launcher, run.paths.directory, {
    clock,
    redactor,
    id: run.id,
    host: hostname(),
    onBegin: (status: () => StatusFile) => {
      if (display !== 'live' || context.screen === null) return;
      context.err('closing this terminal ends the run; -d leaves it in the background\n');
      view = new LiveView(context.screen, clock, status);
      view.start();
    },
    onNotice: (notice, atMs) => {
      // What processes write is in their logs; of it only the benchmark's is news.
      if (display === 'json' && (notice.type !== 'line' || notice.id === 'benchmark'))
        context.out(`${JSON.stringify({ at: new Date(atMs).toISOString(), run: run.id, ...notice })}\n`);
      if (display === 'live' && notice.type === 'warning') view?.note(`warning: ${notice.text}`);
      if (display !== 'lines') return;
      const line = lines.lineOf(notice, atMs - startMs);
      if (line !== null) context.out(`${line}\n`);
    },
    watchCancel: (cancel) =>
      context.onSignal((signal, count) => {
        if (display !== 'json' && display !== 'silent') context.err(count === 1 ? STOPPING : HURRYING);
        cancel(signal);
      }),
  });
  const scores = result.exitCode === EXIT_CODES.ok ? await collectScores(plan, run.paths.directory) : null;
  // What a callback assigned is not seen by the compiler.
  (view as LiveView | null)?.stop();
  if (display === 'json')
    context.out(`${JSON.stringify({ at: result.status.endedAt, run: run.id, type: 'result', ...(await summaryOf(result, run)) })}\n`);
  else if (display !== 'silent') {
    if (scores !== null && display === 'lines') context.out(`\n${scores}`);
    await tellEnd(result, run, display === 'live', context);
  }
  return result.exitCode;
}

const STOPPING = '\nstopping: routers finish what is under way, then everything ends; Ctrl-C again hurries\n';
const HURRYING = '\nhurrying\n';

async function summaryOf({ outcome, exitCode, report }: RunResult, run: NewRun): Promise<object> {
  const { directory } = run.paths;
  return { outcome, exitCode, directory, report, benchmarks: await benchmarkVerdicts(directory) };
}

/** How a run ended, for people. */
export async function tellEnd(
  result: Pick<RunResult, 'status' | 'report' | 'exitCode'>,
  run: NewRun,
  withTable: boolean,
  context: CommandContext,
): Promise<void> {
  const { status, report, exitCode } = result;
  if (withTable) context.out(`\n${await summaries(run)}`);
  else {
    const verdicts = await benchmarkVerdicts(run.paths.directory);
    if (verdicts.length > 0) context.out(`\n${verdictLines(verdicts)}`);
  }
  if (report !== null) context.err(`\n${reportText(report, exitCode)}`);
  const { directory, status: file } = run.paths;
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) context.err(`\n${directory} is gone: logs, results and report of this run are lost, but for what was printed here\n`);
  const tookMs = Date.parse(status.endedAt ?? status.updatedAt) - Date.parse(status.startedAt);
  context.out(`\n${run.id} ${outcomeOf(status)} after ${duration(tookMs)}\nrun directory: ${run.paths.directory}\n`);
}

/** What the benchmark wrote for people; empty if it came to nothing. */
async function summaries(run: NewRun): Promise<string> {
  const results = path.join(run.paths.directory, 'results');
  const folders = await readdir(results).catch(() => []);
  const texts = await Promise.all(folders.map((folder) => readFile(path.join(results, folder, 'summary.txt'), 'utf8').catch(() => '')));
  return texts.join('\n');
}
