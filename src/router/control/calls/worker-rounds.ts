/** Asks many workers the same thing. Bounded: how many are asked at once, how many rounds run at once, and, by its limits, every call. */
import type { Worker } from '../../../base/core/worker.ts';
import type { WorkerCalls, WorkerClient } from './worker-client.ts';

/** Workers of one round that are asked at the same time. Source: sglang_router 0.3.2. */
const PARALLEL = 32;
const MAX_ROUNDS = 16;

export class WorkerRounds {
  readonly #client: WorkerClient;
  /** One for each call: many listeners of one signal draw a warning of Node. */
  readonly #calls = new Set<AbortController>();
  #isStopped = false;
  readonly #running = new Set<Promise<unknown>>();
  /** By name of the question: whoever asks while it is being asked gets the same answer. */
  readonly #shared = new Map<string, Promise<unknown>>();

  constructor(client: WorkerClient) {
    this.#client = client;
  }

  /** False: as many rounds run as may. */
  get hasRoom(): boolean {
    return this.#running.size < MAX_ROUNDS;
  }

  /**
   * What `ask` found of each worker, in their order. `ask` must not reject. `authorization`: for workers without a key of their
   * own, or null.
   */
  ask<T>(
    workers: readonly Worker[],
    authorization: string | null,
    ask: (calls: WorkerCalls, worker: Worker) => Promise<T>,
  ): Promise<readonly T[]> {
    const found: T[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < workers.length) {
        const at = next++;
        const worker = workers[at]!; // `at` is below the length.
        const controller = new AbortController();
        this.#calls.add(controller);
        if (this.#isStopped) controller.abort();
        const calls = this.#client.open(worker, controller.signal, authorization);
        try {
          found[at] = await ask(calls, worker);
        } finally {
          await calls.close();
          this.#calls.delete(controller);
        }
      }
    };
    const round = Promise.all(Array.from({ length: Math.min(PARALLEL, workers.length) }, lane)).then(() => found);
    const done = round.finally(() => this.#running.delete(done));
    this.#running.add(done);
    return done;
  }

  /** The answer of a round of that name that is under way, or of a new one. For questions that change nothing. */
  share<T>(name: string, begin: () => Promise<T>): Promise<T> {
    const shared = this.#shared.get(name);
    // One name always stands for one question.
    if (shared !== undefined) return shared as Promise<T>;
    const fresh = begin().finally(() => this.#shared.delete(name));
    this.#shared.set(name, fresh);
    return fresh;
  }

  /** Ends all calls; resolves when none is left. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const controller of this.#calls) controller.abort();
    await Promise.allSettled(this.#running);
  }
}
