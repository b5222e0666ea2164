/** The steps of one job as SLURM sees them: their numbers, signals to them, and whether they are gone. */
import type { Clock } from '../../base/core/clock.ts';
import type { SlurmCommands } from './slurm-commands.ts';

export type StepSignal = 'TERM' | 'QUIT' | 'KILL';

export interface KnownStep {
  /** `123.4`. */
  readonly id: string;
  readonly name: string;
}

/** Signals of one moment go out together: a teardown of hundreds of steps is a few commands. */
const GATHER_MS = 10;
const STEPS_AT_ONCE = 200;
const LOOK_MS = 200;

export class SlurmSteps {
  readonly #job: string;
  readonly #commands: SlurmCommands;
  readonly #clock: Clock;
  readonly #waiting = new Map<StepSignal, Set<string>>();
  #listing: Promise<readonly KnownStep[] | null> | null = null;

  constructor(job: string, commands: SlurmCommands, clock: Clock) {
    this.#job = job;
    this.#commands = commands;
    this.#clock = clock;
  }

  /** Steps of the job without the batch script's own and `extern`. Null: SLURM does not answer. A job that is gone has none. */
  list(): Promise<readonly KnownStep[] | null> {
    // Many processes ask in the same moment.
    this.#listing ??= this.#list().finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  /** Never to srun: a signal to the client kills its task at once. `step`: as of KnownStep. */
  signal(step: string, signal: StepSignal): void {
    const waiting = this.#waiting.get(signal);
    if (waiting !== undefined) {
      waiting.add(step);
      return;
    }
    this.#waiting.set(signal, new Set([step]));
    this.#clock.after(GATHER_MS, () => {
      const steps = [...(this.#waiting.get(signal) ?? [])];
      this.#waiting.delete(signal);
      for (let at = 0; at < steps.length; at += STEPS_AT_ONCE) void this.#send(steps.slice(at, at + STEPS_AT_ONCE), signal);
    });
  }

  /** Ends every step for which `isOurs` holds, and waits until SLURM lists none of them. Returns those that it found; null: it is not known. */
  async clear(isOurs: (step: KnownStep) => boolean, patienceMs: number): Promise<{ found: readonly KnownStep[]; isClear: boolean } | null> {
    const found = new Map<string, KnownStep>();
    const deadlineMs = this.#clock.nowMs() + patienceMs;
    for (;;) {
      const listed = await this.list();
      const left = listed?.filter(isOurs) ?? null;
      if (left?.length === 0) return { found: [...found.values()], isClear: true };
      if (this.#clock.nowMs() >= deadlineMs) return left === null ? null : { found: [...found.values()], isClear: false };
      for (const step of left ?? []) {
        if (!found.has(step.id)) this.signal(step.id, 'KILL');
        found.set(step.id, step);
      }
      await new Promise<void>((resolve) => this.#clock.after(LOOK_MS, resolve));
    }
  }

  async #list(): Promise<readonly KnownStep[] | null> {
    const { code, stdout, stderr } = await this.#commands.run(['squeue', '-h', '-s', '-j', this.#job, '-o', '%i|%j']);
    if (code !== 0) return /Invalid job id/.test(stderr) ? [] : null;
    return stdout.split('\n').flatMap((line) => {
      const [id = '', ...name] = line.trim().split('|');
      return /^\d+\.\d+$/.test(id) ? [{ id, name: name.join('|') }] : [];
    });
  }

  /** Its status says nothing: it is 0 for a step that does not exist. With --ctld a signal is delivered without a false complaint. */
  async #send(steps: readonly string[], signal: StepSignal): Promise<void> {
    await this.#commands.run(signal === 'KILL' ? ['scancel', ...steps] : ['scancel', '--ctld', `--signal=${signal}`, ...steps]);
  }
}
