/** `srtctl wait`: until a run is up, or has ended. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { reportText } from '../supervise/report.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';
import { nextLook } from './read-status.ts';
import { addOutputOption, type RunFlags, whichRun } from './run-options.ts';
import { watchRun } from './run-watch.ts';
import { outcomeOf } from './status-view.ts';

const EXAMPLES = `
Examples:
  srtctl wait                          until the newest run has ended; ends with its exit code
  srtctl wait quickstart --for ready   until its endpoint has answered a real request
  srtctl wait --timeout 600            at most ten minutes; ends with 124 when that was not enough`;

/** As the command timeout of coreutils. */
const EXIT_TIMEOUT = 124;

interface WaitFlags extends RunFlags {
  readonly for: 'ready' | 'end';
  readonly timeout?: number;
}

export function waitCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('wait'))
    .description('wait for a run')
    .argument('[run]', 'identifier, recipe name or directory of a run (default: the newest)')
    .addOption(new Option('--for <what>', 'what to wait for').choices(['ready', 'end']).default('end'))
    .option('--timeout <s>', 'seconds to wait at most (default: without end)', seconds)
    .addHelpText('after', EXAMPLES)
    .action(async (which: string | undefined, flags: WaitFlags) => finish(await wait(which, flags, context)));
}

async function wait(which: string | undefined, flags: WaitFlags, context: CommandContext): Promise<number> {
  const run = await whichRun(which, flags, context);
  if (run === null) return EXIT_CODES.recipe;
  const deadlineMs = flags.timeout === undefined ? Number.POSITIVE_INFINITY : context.clock.nowMs() + flags.timeout * 1000;
  let isStopped = false;
  const giveBack = context.onSignal(() => {
    isStopped = true;
  });
  const look = watchRun(run, context);
  let told = '';
  try {
    for (;;) {
      const { status, abandoned, pending, damage } = await look();
      if (abandoned !== null) {
        context.err(`lost  ${run.job.id}: ${abandoned}\n`);
        return status === null ? EXIT_CODES.start : EXIT_CODES.running;
      }
      if (damage !== null && status === null && damage !== told) context.err(`${run.job.id}: ${damage}\n`);
      told = damage ?? told;
      if (pending !== null && pending.words !== told) context.err(`${run.job.id}: ${pending.words}\n`);
      told = pending?.words ?? told;
      if (pending?.isForEver === true) return EXIT_CODES.submit;
      if (status?.state === 'ended') {
        context.out(`${run.job.id}: ${outcomeOf(status)}\n`);
        if (status.report !== null) context.err(reportText(status.report, status.exitCode ?? EXIT_CODES.running));
        return status.exitCode ?? EXIT_CODES.running;
      }
      if (flags.for === 'ready' && (status?.state === 'serving' || status?.state === 'benchmarking')) {
        context.out(`${status.endpoint}\n`);
        return EXIT_CODES.ok;
      }
      if (isStopped) return EXIT_CODES.cancelled;
      if (context.clock.nowMs() >= deadlineMs) {
        context.err(`${run.job.id}: still ${status?.state ?? 'preparing'} after ${flags.timeout} s\n`);
        return EXIT_TIMEOUT;
      }
      await nextLook(context.clock);
    }
  } finally {
    giveBack();
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new InvalidArgumentError('expected a number of seconds.');
  return value;
}
