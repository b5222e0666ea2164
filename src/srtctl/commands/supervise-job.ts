/** Not for people: what the batch script of a job becomes. It runs the plan as steps of its own job. */
import { hostname } from 'node:os';
import { Command } from 'commander';
import { createRedactor } from '../recipe/secrets/redactor.ts';
import { JobDeadline } from '../slurm/job-deadline.ts';
import { killWaitSeconds, viewJob } from '../slurm/job-view.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import { slurmLauncher } from '../slurm/slurm-launcher.ts';
import { reportText } from '../supervise/report.ts';
import { EXIT_CODES, runPaths } from '../supervise/run-directory.ts';
import { runPlan } from '../supervise/run-plan.ts';
import { benchmarkVerdicts, verdictLines } from './benchmark-verdict.ts';
import { collectScores } from './collect-scores.ts';
import type { CommandContext } from './command-context.ts';
import { writeRun } from './create-run.ts';
import { type Handover, takeHandover } from './handover.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import { NoticeLines } from './notice-line.ts';
import { outcomeOf } from './status-view.ts';

export function superviseJobCommand(context: CommandContext, finish: (code: number) => void): Command {
  return new Command('supervise-job')
    .description('supervise a run in the SLURM job of its number (batch scripts of srtctl run this)')
    .argument('<directory>')
    .action(async (directory: string) => finish(await superviseJob(directory, context)));
}

async function superviseJob(directory: string, context: CommandContext): Promise<number> {
  const job = context.env['SLURM_JOB_ID'];
  if (job === undefined) {
    context.err('error: supervise-job runs in a batch script of SLURM; "srtctl apply" submits one\n');
    return EXIT_CODES.recipe;
  }
  const { clock } = context;
  let handover: Handover;
  try {
    handover = await takeHandover(directory, clock);
  } catch (error) {
    context.err(`error: the plan of job ${job} is not in ${directory}: ${String(error)}; was it submitted with "srtctl apply"?\n`);
    return EXIT_CODES.start;
  }
  const { plan, secrets, nodeBinary, networkInterface, stepOptions } = handover;
  const redactor = createRedactor(secrets);
  if (handover.run !== null) await writeRun(runPaths(directory), job, { plan, ...handover.run }, 'slurm', redactor, clock.wallMs());
  const launcher = slurmLauncher({
    clock,
    job,
    environment: inheritedEnvironment(plan, context.env),
    nodeBinary,
    packageDirectory: context.packageDirectory,
    networkInterface,
    stepOptions,
    excluded: null,
    redact: redactor.text,
  });
  const startMs = clock.wallMs();
  const lines = new NoticeLines();
  const result = await runPlan(plan, launcher, directory, {
    clock,
    redactor,
    id: job,
    host: hostname(),
    onNotice: (notice, atMs) => {
      const line = lines.lineOf(notice, atMs - startMs);
      if (line !== null) context.out(`${line}\n`);
    },
    watchCancel: (cancel) => watchJob(job, handover, context, cancel),
  });
  const scores = result.exitCode === EXIT_CODES.ok ? await collectScores(plan, directory) : null;
  if (scores !== null) context.out(`\n${scores}`);
  if (result.report !== null) context.out(`\n${reportText(result.report, result.exitCode)}`);
  context.out(`\n${verdictLines(await benchmarkVerdicts(directory))}${job} ${outcomeOf(result.status)}\n`);
  return result.exitCode;
}

/** Who may end a job: a person (scancel, srtctl cancel), its time limit, SLURM itself. Returns how to unsubscribe. */
function watchJob(job: string, { warningSeconds }: Handover, context: CommandContext, cancel: (by: string) => void): () => void {
  const { clock } = context;
  const commands = slurmCommands({ ...context.env });
  let isOver = false;
  const deadline = new JobDeadline({ job, warningSeconds, commands, clock, cancel });
  const giveBackWarning = context.onUserSignal(() => deadline.warned());
  const giveBack = context.onSignal((signal, count) => {
    context.out(`[${signal} heard, job ${job}: ${count === 1 ? 'stopping in order' : 'hurrying'}]\n`);
    cancel(signal);
    if (count === 1) void hurryWithJob();
  });
  /** After a plain scancel SLURM kills everything, us too, after KillWait; what is left by then is hurried. */
  const hurryWithJob = async (): Promise<void> => {
    const { state } = await viewJob(job, commands);
    if (state === 'RUNNING' || isOver) return;
    const killWait = await killWaitSeconds(commands);
    clock.after(Math.max(killWait / 2, killWait - 10) * 1000, () => {
      if (!isOver) cancel('SLURM, which kills the job in a moment');
    });
  };
  return () => {
    isOver = true;
    deadline.stop();
    giveBackWarning();
    giveBack();
  };
}
