/** `srtctl cancel`: stops a run. */
import { Command } from 'commander';
import { type SlurmCommands, slurmCommands } from '../slurm/slurm-commands.ts';
import { writeCancelFile } from '../supervise/cancel-file.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { askJob, endJob } from './cancel-job.ts';
import type { CommandContext } from './command-context.ts';
import { type FoundRun, listRuns } from './find-runs.ts';
import { forceEnd, killSupervisor } from './force-end.ts';
import { nextLook } from './read-status.ts';
import { addOutputOption, type RunFlags, runsDirectory, whichRun } from './run-options.ts';
import { type RunLook, watchRun } from './run-watch.ts';
import { outcomeOf } from './status-view.ts';

/** A supervisor that has not begun to stop by then does not hear; the start of a node's programs may take its time. */
const DEAF_MS = 60_000;
/** Its status says so within moments, and later on a slow file system. */
const SILENT_MS = 10_000;
const NAMED_RUNS = 5;

const EXAMPLES = `
Examples:
  srtctl cancel                 stops the only run that lasts: routers drain, then tier by tier; logs and results are kept
  srtctl cancel                 once more, while it stops: hurries it
  srtctl cancel quickstart --no-wait
  srtctl cancel --force 4711    ends every process of this user that carries the mark of the run, on each of its nodes, without its supervisor

Ends with 0 when the run has ended (or had before), as Ctrl-C at "srtctl apply" would end it; with 2 when several runs last and none is named; with
7 when processes of a lost run are left. A supervisor that does not react within 60 s is ended with everything that it started.`;

interface CancelFlags extends RunFlags {
  readonly wait: boolean;
  readonly force: boolean;
}

export function cancelCommand(context: CommandContext, finish: (code: number) => void): Command {
  return addOutputOption(new Command('cancel'))
    .description('stop a run')
    .argument('[run]', 'identifier, recipe name or directory of a run (default: the only one that lasts)')
    .option('--no-wait', 'only ask; do not wait until it has ended')
    .option('--force', 'end what carries the mark of the run, at once and without its supervisor', false)
    .addHelpText('after', EXAMPLES)
    .action(async (which: string | undefined, flags: CancelFlags) => finish(await cancel(which, flags, context)));
}

async function cancel(which: string | undefined, flags: CancelFlags, context: CommandContext): Promise<number> {
  const run = which === undefined ? await onlyLiveRun(flags, context) : await whichRun(which, flags, context);
  if (run === null) return EXIT_CODES.recipe;
  return flags.force ? await forceEnd(run, context) : await new Cancellation(run, flags, context).run();
}

/** Null: there is not exactly one, and that has been said. Without any that lasts, the newest, which says how it ended. */
async function onlyLiveRun(flags: CancelFlags, context: CommandContext): Promise<FoundRun | null> {
  const directory = runsDirectory(flags, context);
  const listed = await listRuns(directory);
  const runs = listed.ok ? listed.runs : [];
  const looks = await Promise.all(runs.map((run) => watchRun(run, context)()));
  const live = runs.filter((_, index) => looks[index]!.abandoned === null && looks[index]!.status?.state !== 'ended');
  if (live.length === 0) return whichRun(undefined, flags, context);
  if (live.length === 1) return live[0]!;
  const some = live.slice(0, NAMED_RUNS).map(({ job }) => job.id);
  const more = live.length > NAMED_RUNS ? ` and ${live.length - NAMED_RUNS} more` : '';
  context.err(`error: ${live.length} runs last: name one of ${some.join(', ')}${more}\n`);
  return null;
}

class Cancellation {
  readonly #run: FoundRun;
  readonly #flags: CancelFlags;
  readonly #context: CommandContext;
  readonly #commands: SlurmCommands | null;
  /** When it was asked; null: not yet. */
  #askedMs: number | null = null;
  #isWritten = false;

  constructor(run: FoundRun, flags: CancelFlags, context: CommandContext) {
    this.#run = run;
    this.#flags = flags;
    this.#context = context;
    this.#commands = run.job.launcher === 'slurm' ? slurmCommands({ ...context.env }) : null;
  }

  async run(): Promise<number> {
    const { clock } = this.#context;
    const look = watchRun(this.#run, this.#context);
    let isStopped = false;
    const giveBack = this.#context.onSignal(() => {
      isStopped = true;
    });
    try {
      for (;;) {
        const seen = await look();
        const code = this.#over(seen);
        if (code !== null) return code;
        if (this.#askedMs === null) await this.#ask(seen);
        else if (seen.status?.state !== 'stopping') await this.#askHarder(clock.nowMs() - this.#askedMs);
        if (!this.#flags.wait) return EXIT_CODES.ok;
        if (isStopped) return EXIT_CODES.cancelled;
        await nextLook(clock);
      }
    } finally {
      giveBack();
    }
  }

  /** Null: it lasts. */
  #over({ status, abandoned, leftovers }: RunLook): number | null {
    const { id } = this.#run.job;
    if (abandoned !== null) {
      const isEarly = status === null && this.#askedMs !== null;
      this.#context.out(isEarly ? `${id}: cancelled before it began\n` : `lost  ${id}: ${abandoned}\n`);
      return leftovers > 0 ? EXIT_CODES.running : EXIT_CODES.ok;
    }
    if (status?.state !== 'ended') return null;
    this.#context.out(`${id}: ${this.#askedMs === null ? 'had ended before: ' : ''}${outcomeOf(status)}\n`);
    return EXIT_CODES.ok;
  }

  async #ask({ status, pending }: RunLook): Promise<void> {
    const run = this.#run;
    this.#askedMs = this.#context.clock.nowMs();
    if (this.#commands === null) await writeCancelFile(run.paths.cancel, 'srtctl cancel');
    else if (status === null && pending !== null) await endJob(run, this.#commands);
    else await askJob(run, this.#commands);
    this.#context.out(`${run.job.id}: asked to stop\n`);
  }

  /** It has not begun to stop. */
  async #askHarder(waitedMs: number): Promise<void> {
    const run = this.#run;
    const { err, clock } = this.#context;
    if (this.#commands !== null && !this.#isWritten && waitedMs > SILENT_MS) {
      // Where SLURM cannot carry the wish the run directory can.
      await writeCancelFile(run.paths.cancel, 'srtctl cancel');
      this.#isWritten = true;
    }
    if (waitedMs <= DEAF_MS) return;
    if (this.#commands !== null) {
      err(`${run.job.id}: its supervisor does not react; SLURM ends the whole job\n`);
      await endJob(run, this.#commands);
    } else if (await killSupervisor(run)) {
      err(`${run.job.id}: its supervisor does not react and was killed; what it started ends with it\n`);
    } else err(`${run.job.id}: its supervisor does not react, and is not on this machine (${run.job.host}): cancel it there\n`);
    this.#askedMs = clock.nowMs();
  }
}
