/**
 * Asks ready workers what they are. Nothing depends on the answer: a worker that has no such endpoints, or answers nonsense,
 * takes requests all the same, and its model is `unknown`.
 */
import type { Logger } from '../../../base/core/logger.ts';
import type { WorkerFacts, WorkerRecord } from '../registry/worker-record.ts';
import type { WorkerCalls, WorkerClient } from '../worker-client.ts';
import { factsOf } from './server-facts.ts';
import { jsonOf } from './worker-answers.ts';

/** The newer name first. Source: SGLang 0.5.23 has both of each pair, older engines only the second. */
const SERVER_INFO_PATHS = ['/server_info', '/get_server_info'];
const MODEL_INFO_PATHS = ['/model_info', '/get_model_info'];
const LIMITS = { timeoutMs: 10_000, bodyBytes: 4 << 20 };
const MAX_AT_ONCE = 8;

interface FactsSink {
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): void;
  /** The worker could not be asked, or has nothing to say. */
  factsMissing(record: WorkerRecord, why: string): void;
}

export class Discovery {
  readonly #client: WorkerClient;
  readonly #logger: Logger;
  readonly #sink: FactsSink;
  readonly #waiting = new Set<WorkerRecord>();
  readonly #running = new Map<WorkerRecord, AbortController>();
  readonly #done = new Set<Promise<void>>();
  /** Workers that could not be asked; those that answered that they have no such path are not among them. */
  readonly #unanswered = new Set<WorkerRecord>();

  constructor(client: WorkerClient, logger: Logger, sink: FactsSink) {
    this.#client = client;
    this.#logger = logger;
    this.#sink = sink;
  }

  /** Asks the worker, in its turn. A worker that is being asked already is asked once more afterwards. */
  ask(record: WorkerRecord): void {
    this.#waiting.add(record);
    this.#startNext();
  }

  /** Asks again if the last try got no answer. */
  retry(record: WorkerRecord): void {
    if (this.#unanswered.delete(record)) this.ask(record);
  }

  forget(record: WorkerRecord): void {
    this.#unanswered.delete(record);
    this.#waiting.delete(record);
    this.#running.get(record)?.abort();
  }

  /** Resolves when no request is under way any more. Idempotent. */
  async stop(): Promise<void> {
    this.#waiting.clear();
    for (const controller of this.#running.values()) controller.abort();
    await Promise.all(this.#done);
  }

  #startNext(): void {
    for (const record of this.#waiting) {
      if (this.#running.size >= MAX_AT_ONCE) return;
      if (this.#running.has(record)) continue;
      this.#waiting.delete(record);
      const controller = new AbortController();
      this.#running.set(record, controller);
      const done = this.#ask(record, controller.signal).finally(() => {
        this.#running.delete(record);
        this.#done.delete(done);
        this.#startNext();
      });
      this.#done.add(done);
    }
  }

  async #ask(record: WorkerRecord, signal: AbortSignal): Promise<void> {
    const calls = this.#client.open(record.worker, signal);
    try {
      const server = await getFirst(calls, SERVER_INFO_PATHS);
      const model = server === NO_ANSWER ? NO_ANSWER : await getFirst(calls, MODEL_INFO_PATHS);
      if (signal.aborted) return;
      if (server === NO_ANSWER || model === NO_ANSWER) {
        this.#logger.debug({ worker: record.worker.url }, 'worker did not answer what it is; it will be asked again');
        this.#unanswered.add(record);
        this.#sink.factsMissing(record, `no answer to ${SERVER_INFO_PATHS[0]}`);
        return;
      }
      if (server !== null || model !== null) this.#sink.factsDiscovered(record, factsOf(server, model));
      else this.#sink.factsMissing(record, `${SERVER_INFO_PATHS[0]} describes nothing`);
    } finally {
      await calls.close();
    }
  }
}

const NO_ANSWER = Symbol('no answer');

/** The body of the first path that is answered 200, if it is a JSON object; null when none is. */
async function getFirst(calls: WorkerCalls, paths: readonly string[]): Promise<object | null | typeof NO_ANSWER> {
  for (const path of paths) {
    const result = await calls.get(path, LIMITS);
    if (!result.ok) return result.failure === 'too-large' ? null : NO_ANSWER;
    if (result.status === 200) return jsonOf(result);
  }
  return null;
}
