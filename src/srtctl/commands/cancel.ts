/** `srtctl cancel`: stops a run. */
import { Command } from 'commander';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import { writeCancelFile } from '../supervise/cancel-file.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { askJob, endJob } from './cancel-job.ts';
import type { CommandContext } from './command-context.ts';
import { nextLook } from './read-status.ts';
import { addOutputOption, type RunFlags, whichRun } from './run-options.ts';
import { watchRun } from './run-watch.ts';
import { outcomeOf } from './status-view.ts';

/** A supervisor of a job that has not begun to stop by then does not hear; the start of a node's programs may take its time. */
const DEAF_MS = 60_000;
/** Its status says so within moments, and later on a slow file system. */
const SILENT_MS = 10_000;

const EXAMPLES = `
Examples:
  srtctl cancel                 stops the newest run: routers drain, then tier by tier; logs and partial results are kept
  srtctl cancel                 once more, while it stops: hurries it
  srtctl cancel quickstart --no-wait

Ends with 0 when the run has ended (or had before), as Ctrl-C at "srtctl apply" would end it.`;

interface CancelFlags extends RunFlags {
  readonly wait: boolean;
}

export function cancelCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('cancel'))
    .description('stop a run')
    .argument('[run]', 'identifier, recipe name or directory of a run (default: the newest)')
    .option('--no-wait', 'only ask; do not wait until it has ended')
    .addHelpText('after', EXAMPLES)
    .action(async (which: string | undefined, flags: CancelFlags) => finish(await cancel(which, flags, context)));
}

async function cancel(which: string | undefined, flags: CancelFlags, context: CommandContext): Promise<number> {
  const run = await whichRun(which, flags, context);
  if (run === null) return EXIT_CODES.recipe;
  const commands = run.job.launcher === 'slurm' ? slurmCommands({ ...context.env }) : null;
  const look = watchRun(run, context);
  /** When it was asked; null: not yet. */
  let askedMs: number | null = null;
  let isWritten = false;
  let isStopped = false;
  const giveBack = context.onSignal(() => {
    isStopped = true;
  });
  try {
    for (;;) {
      const { status, abandoned, pending } = await look();
      if (abandoned !== null) {
        context.out(`${run.job.id}: ${status === null && askedMs !== null ? 'cancelled before it began' : abandoned}\n`);
        return EXIT_CODES.ok;
      }
      if (status?.state === 'ended') {
        context.out(`${run.job.id}: ${askedMs === null ? 'had ended before: ' : ''}${outcomeOf(status)}\n`);
        return EXIT_CODES.ok;
      }
      if (askedMs === null) {
        askedMs = context.clock.nowMs();
        if (commands === null) await writeCancelFile(run.paths.cancel, 'srtctl cancel');
        else if (status === null && pending !== null) await endJob(run, commands);
        else await askJob(run, commands);
        context.out(`${run.job.id}: asked to stop\n`);
      } else if (commands !== null && status?.state !== 'stopping') {
        if (!isWritten && context.clock.nowMs() - askedMs > SILENT_MS) {
          // Where SLURM cannot carry the wish the run directory can.
          await writeCancelFile(run.paths.cancel, 'srtctl cancel');
          isWritten = true;
        }
        if (context.clock.nowMs() - askedMs > DEAF_MS) {
          context.err(`${run.job.id}: its supervisor does not react; SLURM ends the whole job\n`);
          await endJob(run, commands);
          askedMs = context.clock.nowMs();
        }
      }
      if (!flags.wait) return EXIT_CODES.ok;
      if (isStopped) return EXIT_CODES.cancelled;
      await nextLook(context.clock);
    }
  } finally {
    giveBack();
  }
}
