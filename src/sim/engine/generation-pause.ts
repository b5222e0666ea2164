/**
 * POST /pause_generation and /continue_generation, as the HTTP process of the engine sees them.
 *
 *   running --pause: abort--------------> emptying --no job is left--> paused --continue--> running
 *           --pause: in_place, retract------------------------------->
 *
 * Requests that arrive in another state than `running` are held and start in order at `continue`. A pause or a continue that
 * arrives while the engine is emptying waits until it is empty. Source: SGLang 0.5.23, tokenizer_manager.py.
 */
export type PauseMode = 'abort' | 'in_place' | 'retract';

/** What a pause does to its engine. */
export interface PausedEngine {
  hasJobs(): boolean;
  abortJobs(): void;
  pauseSchedulers(retract: boolean): void;
  resumeSchedulers(): void;
  /** Calls `run` after a second of the engine's time. */
  afterSecond(run: () => void): void;
}

export class GenerationPause {
  readonly #engine: PausedEngine;
  #state: 'running' | 'emptying' | 'paused' = 'running';
  readonly #held: (() => void)[] = [];
  /** Pauses and continues that wait until the engine is empty. */
  readonly #queued: (() => void)[] = [];

  constructor(engine: PausedEngine) {
    this.#engine = engine;
  }

  get isOn(): boolean {
    return this.#state !== 'running';
  }

  /** Held requests. */
  get heldRequests(): number {
    return this.#held.length;
  }

  /** Starts a request that generates: now, or at the end of the pause. */
  pass(start: () => void): void {
    if (this.isOn) this.#held.push(start);
    else start();
  }

  /** Calls `done` when the pause is complete: with `abort`, when no request runs. */
  pause(mode: PauseMode, done: () => void): void {
    if (this.#state === 'emptying') {
      this.#queued.push(() => this.pause(mode, done));
      return;
    }
    if (mode === 'abort') {
      this.#state = 'emptying';
      this.#empty(done);
      return;
    }
    this.#state = 'paused';
    this.#engine.pauseSchedulers(mode === 'retract');
    done();
  }

  continue(done: () => void): void {
    if (this.#state === 'emptying') {
      this.#queued.push(() => this.continue(done));
      return;
    }
    this.#state = 'running';
    this.#engine.resumeSchedulers();
    for (const start of this.#held.splice(0)) start();
    done();
  }

  /** Aborts until no request runs, checking once a second. */
  #empty(done: () => void): void {
    if (this.#engine.hasJobs()) {
      this.#engine.abortJobs();
      this.#engine.afterSecond(() => this.#empty(done));
      return;
    }
    this.#state = 'paused';
    done();
    for (const run of this.#queued.splice(0)) run();
  }
}
