/** `srtctl cancel`: stops a run. */
import { Command } from 'commander';
import { writeCancelFile } from '../supervise/cancel-file.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { nextLook, readSettledStatus } from './read-status.ts';
import { addOutputOption, type RunFlags, whichRun } from './run-options.ts';
import { ABANDONED } from './status.ts';
import { outcomeOf } from './status-view.ts';
import type { Surroundings } from './surroundings.ts';

const EXAMPLES = `
Examples:
  srtctl cancel                 stops the newest run: routers drain, then tier by tier; logs and partial results are kept
  srtctl cancel                 once more, while it stops: hurries it
  srtctl cancel quickstart --no-wait

Ends with 0 when the run has ended (or had before), as Ctrl-C at "srtctl apply" would end it.`;

interface CancelFlags extends RunFlags {
  readonly wait: boolean;
}

export function cancelCommand(around: Surroundings, finish: (code: number) => void): Command {
  return addOutputOption(new Command('cancel'))
    .description('stop a run')
    .argument('[run]', 'identifier, recipe name or directory of a run (default: the newest)')
    .option('--no-wait', 'only ask; do not wait until it has ended')
    .addHelpText('after', EXAMPLES)
    .action(async (which: string | undefined, flags: CancelFlags) => finish(await cancel(which, flags, around)));
}

async function cancel(which: string | undefined, flags: CancelFlags, around: Surroundings): Promise<number> {
  const run = await whichRun(which, flags, around);
  if (run === null) return EXIT_CODES.recipe;
  let asked = false;
  let isStopped = false;
  const giveBack = around.onSignal(() => {
    isStopped = true;
  });
  try {
    for (;;) {
      const { status, isAbandoned } = await readSettledStatus(run.paths);
      if (isAbandoned) {
        around.out(`${run.job.id}: ${ABANDONED}\n`);
        return EXIT_CODES.ok;
      }
      if (status?.state === 'ended') {
        around.out(`${run.job.id}: ${asked ? '' : 'had ended before: '}${outcomeOf(status)}\n`);
        return EXIT_CODES.ok;
      }
      if (!asked) {
        await writeCancelFile(run.paths.cancel, 'srtctl cancel');
        around.out(`${run.job.id}: asked to stop\n`);
        asked = true;
      }
      if (!flags.wait) return EXIT_CODES.ok;
      if (isStopped) return EXIT_CODES.cancelled;
      await nextLook(around.clock);
    }
  } finally {
    giveBack();
  }
}
