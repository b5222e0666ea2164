/**
 * One process as a step of a SLURM job, with the srun client that brings its output.
 *
 *   srun spawned ── mark of the step read ──► running ── srun ends ──► (its step is gone, too) ──► ended
 *        │ no mark within the deadline: srun is ended        └ not asked to: held for a moment, see HOLD_MS
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../base/core/clock.ts';
import { followOutput } from '../launch/follow-output.ts';
import { LaunchError, type ProcessEnd, type ProcessListener, type RunningProcess } from '../launch/launcher.ts';
import type { LogFile } from '../launch/log-file.ts';
import { OWN_LINE } from '../launch/start-script.ts';
import type { PlannedProcess } from '../plan/plan.ts';
import type { SlurmSteps } from './job-steps.ts';
import { endOfTask, kindOfWord, lostNode } from './srun-words.ts';
import { readStepMark } from './step-options.ts';

/** A start is told after this long even without the mark of the step (an image is being fetched). */
const EARLY_MS = 5000;
/** scancel and the end of a job's time signal steps and supervisor at the same moment: the end of a step must not be heard first. */
const HOLD_MS = 300;
/** From the kill of a step to the end of its srun; then srun itself is killed. */
const KILLED_MS = 3000;
/** After a srun that was killed its step lives for 2 to 3 s. */
const STEP_GONE_MS = 10_000;
/** What a task leaves behind gets this long to end by itself. */
const LEFTOVER_MS = 1000;
/** Last words of srun that are kept to explain its end. */
const KEPT_WORDS = 20;

export interface SlurmStart {
  /** srun and its arguments. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: LogFile;
  readonly redact: (text: string) => string;
  readonly steps: SlurmSteps;
  readonly clock: Clock;
  /** How long SLURM may take to run it. */
  readonly startDeadlineMs: number;
  /** The client runs, whether or not its step will. */
  readonly onClient: (client: SlurmProcess) => void;
  readonly onNodeLost: (why: string) => void;
}

export class SlurmProcess implements RunningProcess {
  readonly process: PlannedProcess;
  /** Resolves after `ended` was told, or when it never began. */
  readonly done: Promise<void>;
  readonly #start: SlurmStart;
  readonly #listener: ProcessListener;
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  /** Resolves when the step is known to run, or the client has ended. */
  readonly #marked: Promise<void>;
  #onMarked: () => void = () => {};
  #step: string | null = null;
  #pid: number | null = null;
  #isAsked = false;
  #isTold = false;
  #isGone = false;

  /** Rejects with a LaunchError if the step ends before its program runs. */
  static async start(process: PlannedProcess, start: SlurmStart, listener: ProcessListener): Promise<SlurmProcess> {
    const child = spawn(start.argv[0]!, start.argv.slice(1), {
      cwd: start.cwd,
      env: start.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C of a terminal must not reach the clients: it would kill their tasks.
      detached: true,
    });
    const failed = new Promise<Error>((resolve) => child.on('error', resolve));
    if (child.pid === undefined) {
      await start.log.close();
      const error = await failed;
      throw new LaunchError(`${process.id}: srun cannot be started: ${error.message}`, { cause: error });
    }
    const { stdout, stderr } = child;
    const started = new SlurmProcess(process, start, listener, child, stdout!, stderr!);
    start.onClient(started);
    await Promise.race([started.#marked, new Promise<void>((resolve) => start.clock.after(EARLY_MS, resolve))]);
    if (started.#isGone && started.#step === null) {
      await started.done;
      const words = started.#said.at(-1) ?? 'it said nothing';
      throw new LaunchError(`${process.id}: srun could not start it on its node: ${words}`);
    }
    started.#isTold = true;
    return started;
  }

  private constructor(
    process: PlannedProcess,
    start: SlurmStart,
    listener: ProcessListener,
    child: ChildProcess,
    stdout: NodeJS.ReadableStream,
    stderr: NodeJS.ReadableStream,
  ) {
    this.process = process;
    this.#start = start;
    this.#listener = listener;
    this.#child = child;
    this.#marked = new Promise((resolve) => {
      this.#onMarked = resolve;
    });
    const { log, redact } = start;
    const read = Promise.all([
      followOutput(stdout, { redact, log, onLine: (line) => this.#hear(line) }),
      followOutput(stderr, { redact, log, onLine: (line) => this.#hearClient(line) }),
    ]);
    const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    const deadline = start.clock.after(start.startDeadlineMs, () => {
      if (this.#step !== null) return;
      const late = `${OWN_LINE}SLURM has not run this step within ${start.startDeadlineMs / 1000} s; giving up`;
      this.#said.push(late);
      log.write(late);
      listener.line(late);
      child.kill('SIGKILL');
    });
    this.done = exit.then(async ({ code, signal }) => {
      await read;
      deadline.cancel();
      await this.#end(code, signal);
    });
  }

  get pid(): number | null {
    return this.#pid;
  }

  signal(how: 'drain' | 'terminate' | 'kill'): void {
    if (this.#isGone) return;
    this.#isAsked = true;
    const signal = how === 'kill' ? 'KILL' : how === 'drain' && this.process.role === 'nginx' ? 'QUIT' : 'TERM';
    const { steps, clock } = this.#start;
    if (this.#step !== null) steps.signal(this.#step, signal);
    else void this.#signalUnmarked(signal);
    if (how === 'kill') clock.after(KILLED_MS, () => this.killClient());
  }

  /** Its step follows within 2 to 3 s. */
  killClient(): void {
    if (!this.#isGone) this.#child.kill('SIGKILL');
  }

  /** A step without its mark has a number all the same, if it has begun; otherwise only its client can be told. */
  async #signalUnmarked(signal: 'TERM' | 'QUIT' | 'KILL'): Promise<void> {
    const step = (await this.#start.steps.list())?.find(({ name }) => name === this.process.id);
    if (step === undefined) this.killClient();
    else this.#start.steps.signal(step.id, signal);
  }

  #hear(line: string): boolean {
    const mark = this.#step === null ? readStepMark(line) : null;
    if (mark === null) {
      this.#listener.line(line);
      return true;
    }
    this.#step = `${mark.job}.${mark.step}`;
    this.#pid = mark.pid;
    this.#start.log.write(`${OWN_LINE}step ${this.#step} is process ${mark.pid} on ${mark.node}`);
    this.#onMarked();
    return false;
  }

  #endLeftovers(): void {
    if (!this.#isGone && this.#step !== null) this.#start.steps.signal(this.#step, 'KILL');
  }

  /** Both streams of a client end before `ended` is told. */
  #hearClient(line: string): boolean {
    const kind = kindOfWord(line);
    if (kind === 'noise') return false;
    this.#said.push(line);
    if (this.#said.length > KEPT_WORDS) this.#said.shift();
    // Its children may hold the output open, and then the step would go on for a minute.
    if (/: task 0: /.test(line) && !this.#isGone) this.#start.clock.after(LEFTOVER_MS, () => this.#endLeftovers());
    if (lostNode(line) !== null) this.#start.onNodeLost(line);
    if (kind === 'word') this.#listener.line(line);
    return true;
  }

  async #end(code: number | null, signal: string | null): Promise<void> {
    const { log, steps, clock } = this.#start;
    let end: ProcessEnd = endOfTask(code, this.#said);
    if (signal !== null) {
      // The client was killed, by us or by somebody: its step must not outlive it.
      if (!this.#isAsked) log.write(`${OWN_LINE}the srun client of this step was ended by ${signal}`);
      await steps.clear(({ id, name }) => id === this.#step || name === this.process.id, STEP_GONE_MS);
      end = { code: null, signal };
    }
    this.#isGone = true;
    this.#onMarked();
    await log.close();
    if (this.#step === null && !this.#isTold) return;
    if (!this.#isAsked) await new Promise<void>((resolve) => clock.after(HOLD_MS, resolve));
    this.#listener.ended(end);
  }
}
