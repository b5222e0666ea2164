/** Sends the same request to many workers. Workers at once, rounds at once and, by its limits, each call are bounded. */
import type { Worker } from '../../../base/core/worker.ts';
import type { WorkerCalls, WorkerClient } from './worker-client.ts';

/** Calls of one round that run at the same time. Source: sglang_router 0.3.2. */
const PARALLEL = 32;
const MAX_ROUNDS = 16;

export class WorkerRounds {
  readonly #client: WorkerClient;
  /** One per call: Node warns about many listeners of one signal. */
  readonly #calls = new Set<AbortController>();
  #isStopped = false;
  readonly #running = new Set<Promise<unknown>>();
  /** Running shared rounds by name. */
  readonly #shared = new Map<string, Promise<unknown>>();

  constructor(client: WorkerClient) {
    this.#client = client;
  }

  /** False: the maximum number of rounds is running. */
  get hasRoom(): boolean {
    return this.#running.size < MAX_ROUNDS;
  }

  /**
   * The result of `ask` for each worker, in their order. `ask` must not reject. `authorization`: for workers without an API key, or
   * null.
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

  /** The result of the running round of that name, or of a new one. For requests that change nothing. */
  share<T>(name: string, begin: () => Promise<T>): Promise<T> {
    const shared = this.#shared.get(name);
    // One name always means the same request.
    if (shared !== undefined) return shared as Promise<T>;
    const fresh = begin().finally(() => this.#shared.delete(name));
    this.#shared.set(name, fresh);
    return fresh;
  }

  /** Ends all calls; resolves when none is running. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const controller of this.#calls) controller.abort();
    await Promise.allSettled(this.#running);
  }
}
