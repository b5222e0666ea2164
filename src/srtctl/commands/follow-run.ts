/** Shows a job of SLURM from the shell that submitted it, until it ends or that shell has seen enough. */
import path from 'node:path';
import { OWN_LINE } from '../launch/start-script.ts';
import { slurmCommands } from '../slurm/slurm-commands.ts';
import { printable } from '../supervise/printable.ts';
import { EXIT_CODES, type StatusFile } from '../supervise/run-directory.ts';
import type { Notice } from '../supervise/run-events.ts';
import { benchmarkVerdicts } from './benchmark-verdict.ts';
import { askJob, endJob } from './cancel-job.ts';
import type { CommandContext } from './command-context.ts';
import { LiveView } from './live-view.ts';
import { LogTail } from './log-tail.ts';
import { NoticeLines } from './notice-line.ts';
import { damageOfJson, nextLook } from './read-status.ts';
import { type RunDisplay, tellEnd } from './run-locally.ts';
import { type RunLook, type WatchedRun, watchRun } from './run-watch.ts';

/** Returns the exit code of the run. Ctrl-C asks whether to leave it or to cancel it; without a terminal it is left. */
export async function followRun(run: WatchedRun, display: RunDisplay, context: CommandContext): Promise<number> {
  const follower = new Follower(run, display, context);
  let interrupts = 0;
  const giveBack = context.onSignal(() => {
    interrupts++;
  });
  const look = watchRun(run, context);
  try {
    for (let answered = 0; ; await nextLook(context.clock)) {
      const code = await follower.show(await look());
      if (code !== null) return code;
      if (interrupts === answered) continue;
      answered = interrupts;
      if (await follower.leaves()) return EXIT_CODES.cancelled;
    }
  } finally {
    giveBack();
    await follower.close();
  }
}

class Follower {
  readonly #run: WatchedRun;
  readonly #display: RunDisplay;
  readonly #context: CommandContext;
  readonly #events: LogTail;
  readonly #benchmark: LogTail;
  readonly #lines = new NoticeLines();
  #isTailing = false;
  #view: LiveView | null = null;
  #status: StatusFile | null = null;
  #told = '';
  #asked = 0;

  constructor(run: WatchedRun, display: RunDisplay, context: CommandContext) {
    this.#run = run;
    this.#display = display;
    this.#context = context;
    this.#events = new LogTail(run.paths.events);
    this.#benchmark = new LogTail(path.join(run.paths.logs, 'benchmark.log'));
  }

  /** Null: it goes on. */
  async show({ status, abandoned, pending }: RunLook): Promise<number | null> {
    const { job } = this.#run;
    if (pending !== null) this.#say(pending.words);
    if (pending?.isForEver === true) {
      await endJob(this.#run, slurmCommands({ ...this.#context.env }));
      this.#context.err(`error: job ${job.id} was cancelled, since ${pending.words}\n`);
      return EXIT_CODES.submit;
    }
    if (status !== null) await this.#showRun(status);
    if (abandoned !== null) {
      await this.close();
      this.#context.err(`error: ${abandoned}\n`);
      return status === null ? EXIT_CODES.start : EXIT_CODES.running;
    }
    if (status?.state !== 'ended') return null;
    await this.#tell(true);
    this.#view?.stop();
    const exitCode = status.exitCode ?? EXIT_CODES.running;
    const { outcome, report } = status;
    const { directory } = this.#run.paths;
    if (this.#display === 'json')
      this.#context.out(
        `${JSON.stringify({ at: status.endedAt, run: job.id, type: 'result', outcome, exitCode, directory, report, benchmarks: await benchmarkVerdicts(directory) })}\n`,
      );
    else await tellEnd({ status, report, exitCode }, { id: job.id, paths: this.#run.paths }, this.#display === 'live', this.#context);
    return exitCode;
  }

  /** Somebody pressed Ctrl-C. True: the run is left to itself. */
  async leaves(): Promise<boolean> {
    const { id } = this.#run.job;
    const commands = slurmCommands({ ...this.#context.env });
    this.#view?.stop();
    this.#view = null;
    if (this.#asked > 0) {
      this.#context.err('hurrying\n');
      await askJob(this.#run, commands);
      return false;
    }
    const answer = await this.#context.ask(`\njob ${id} runs on without this shell. [d]etach, [c]ancel it, or [Enter] to go on watching? `);
    if (answer === null || /^d/i.test(answer.trim())) {
      this.#context.err(`\nleft: job ${id} goes on\n  srtctl wait ${id}\n  srtctl cancel ${id}\n`);
      return true;
    }
    if (!/^c/i.test(answer.trim())) return false;
    this.#asked++;
    this.#context.err('cancelling: routers finish what is under way, then everything ends; Ctrl-C again hurries\n');
    if (this.#status === null) await endJob(this.#run, commands);
    else await askJob(this.#run, commands);
    return false;
  }

  async close(): Promise<void> {
    this.#view?.stop();
    this.#view = null;
    if (this.#isTailing) await Promise.all([this.#events.close(), this.#benchmark.close()]);
    this.#isTailing = false;
  }

  async #showRun(status: StatusFile): Promise<void> {
    this.#status = status;
    const { screen, clock } = this.#context;
    if (this.#display === 'live' && screen !== null && this.#view === null && this.#asked === 0) {
      this.#view = new LiveView(screen, clock, () => this.#status ?? status);
      this.#view.start();
    }
    await this.#tell(false);
  }

  /** What the events of the run add to what was told. */
  async #tell(isAll: boolean): Promise<void> {
    if (this.#display !== 'lines' && this.#display !== 'json') return;
    if (!this.#isTailing) await Promise.all([this.#events.start(null), this.#benchmark.start(null)]);
    this.#isTailing = true;
    // Lines are in the logs alone; those of the benchmark are what people wait for.
    for (const text of this.#display === 'lines' ? await this.#benchmark.read(isAll) : [])
      if (text !== '' && !text.startsWith(OWN_LINE)) this.#context.out(`benchmark | ${printable(text)}\n`);
    const startMs = Date.parse(this.#status?.startedAt ?? '');
    for (const text of await this.#events.read(isAll)) {
      // A line that a crash of the machine has cut says nothing.
      if (damageOfJson(text) !== null) continue;
      const { at, ...notice } = JSON.parse(text) as { at: string } & Notice;
      if (this.#display === 'json') this.#context.out(`${JSON.stringify({ at, run: this.#run.job.id, ...notice })}\n`);
      const line = this.#display === 'lines' ? this.#lines.lineOf(notice as Notice, Date.parse(at) - startMs) : null;
      if (line !== null) this.#context.out(`${line}\n`);
    }
  }

  #say(words: string): void {
    if (words === this.#told) return;
    this.#told = words;
    if (this.#display === 'json') this.#context.out(`${JSON.stringify({ run: this.#run.job.id, type: 'pending', words })}\n`);
    else this.#context.out(`pending: ${words}\n`);
  }
}
