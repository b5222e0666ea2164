/**
 * The end of a job's time, from the supervisor's side.
 *
 *   ask SLURM how much is left ── more than the warning ──► sleep, ask again (the limit may have been moved)
 *        ▲                     └─ less ──► stop ── little left ──► hurry
 *        └── SIGUSR1, which SLURM may send up to a minute too early
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts';
import { viewJob } from './job-view.ts';
import type { SlurmCommands } from './slurm-commands.ts';

/** For what comes after the last process: files, the check that nothing is left. */
const LAST_SECONDS = 8;

export interface DeadlineWatch {
  readonly job: string;
  /** An ordered shutdown takes so long. */
  readonly warningSeconds: number;
  readonly commands: SlurmCommands;
  readonly clock: Clock;
  /** First to stop, then to hurry. */
  readonly cancel: (by: string) => void;
}

export class JobDeadline {
  readonly #watch: DeadlineWatch;
  #timer: TimerHandle | null = null;
  #isOver = false;
  #isStopping = false;

  constructor(watch: DeadlineWatch) {
    this.#watch = watch;
    void this.#look(false);
  }

  /** SLURM says that the end is near. */
  warned(): void {
    if (!this.#isOver && !this.#isStopping) void this.#look(true);
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  async #look(isWarned: boolean): Promise<void> {
    const { job, commands, warningSeconds } = this.#watch;
    const { phase, secondsLeft } = await viewJob(job, commands);
    if (this.#isOver || this.#isStopping) return;
    this.#timer?.cancel();
    if (secondsLeft !== null && secondsLeft > warningSeconds) this.#after(secondsLeft - warningSeconds, () => void this.#look(isWarned));
    else if (secondsLeft !== null) this.#stopRun(secondsLeft);
    // No answer: who was warned does not wait for the next one.
    else if (isWarned && phase !== 'running') this.#stopRun(warningSeconds);
  }

  #stopRun(secondsLeft: number): void {
    this.#isStopping = true;
    const by = `the time limit of the job, ${secondsLeft} s before it`;
    this.#watch.cancel(by);
    this.#after(Math.max(1, secondsLeft - LAST_SECONDS), () => this.#watch.cancel(by));
  }

  #after(seconds: number, then: () => void): void {
    this.#timer = this.#watch.clock.after(seconds * 1000, then);
  }
}
