/**
 * Fetches what workers that are up report about themselves. Only `--dp-aware` needs the answer: without that flag, a worker that has no
 * such endpoints, or answers something else, takes requests, and its model is `unknown`.
 */
import type { Clock } from '../../../base/core/clock.ts';
import type { Logger } from '../../../base/core/logger.ts';
import { jsonOf } from '../calls/json-answers.ts';
import type { WorkerCalls, WorkerClient } from '../calls/worker-client.ts';
import { tooManyWorkers } from '../registry/worker-limit.ts';
import type { WorkerObserver } from '../registry/worker-observer.ts';
import type { WorkerFacts, WorkerRecord } from '../registry/worker-record.ts';
import { isUp, type Phase, type WorkerEvent } from '../registry/worker-state.ts';
import { RankRetries } from './rank-retries.ts';
import { factsOf, findMisfit } from './server-facts.ts';

/** The newer name first. Source: SGLang 0.5.23 has both of each pair, older engines only the second. */
const SERVER_INFO_PATHS = ['/server_info', '/get_server_info'];
const MODEL_INFO_PATHS = ['/model_info', '/get_model_info'];
const LIMITS = { timeoutMs: 10_000, bodyBytes: 4 << 20 };
const MAX_AT_ONCE = 8;

/** What the fetcher needs of the registry. */
interface FactsSink {
  /** False: the worker is not registered any more. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): boolean;
  ranksMissing(record: WorkerRecord, why: string): void;
}

export class FactsFetcher implements WorkerObserver {
  readonly #client: WorkerClient;
  readonly #logger: Logger;
  readonly #sink: FactsSink;
  readonly #rankRetries: RankRetries;
  readonly #waiting = new Set<WorkerRecord>();
  readonly #running = new Map<WorkerRecord, AbortController>();
  readonly #done = new Set<Promise<void>>();
  /** Workers that did not answer. Not those that answered that they have no such path. */
  readonly #unanswered = new Set<WorkerRecord>();

  constructor(clock: Clock, client: WorkerClient, logger: Logger, sink: FactsSink) {
    this.#client = client;
    this.#logger = logger;
    this.#sink = sink;
    this.#rankRetries = new RankRetries(clock, (record) => this.#ask(record));
  }

  /** Resolves when no request is in flight. Idempotent. */
  async stop(): Promise<void> {
    this.#rankRetries.stop();
    this.#waiting.clear();
    for (const controller of this.#running.values()) controller.abort();
    await Promise.all(this.#done);
  }

  /** A worker that came up again may be another engine. */
  phaseChanged(record: WorkerRecord, from: Phase): void {
    if (isUp(record.state) && from !== 'asking' && from !== 'ready') this.#ask(record);
  }

  probeEnded(record: WorkerRecord, event: WorkerEvent): void {
    if (event === 'probe-passed' && isUp(record.state) && this.#unanswered.delete(record)) this.#ask(record);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#rankRetries.forget(record);
    this.#unanswered.delete(record);
    this.#waiting.delete(record);
    this.#running.get(record)?.abort();
  }

  /** Queues a fetch. If one of this worker is running, another one follows it. */
  #ask(record: WorkerRecord): void {
    this.#waiting.add(record);
    this.#startNext();
  }

  #startNext(): void {
    for (const record of this.#waiting) {
      if (this.#running.size >= MAX_AT_ONCE) return;
      if (this.#running.has(record)) continue;
      this.#waiting.delete(record);
      const controller = new AbortController();
      this.#running.set(record, controller);
      const done = this.#fetch(record, controller.signal).finally(() => {
        this.#running.delete(record);
        this.#done.delete(done);
        this.#startNext();
      });
      this.#done.add(done);
    }
  }

  async #fetch(record: WorkerRecord, signal: AbortSignal): Promise<void> {
    const calls = this.#client.open(record.worker, signal);
    try {
      const server = await getFirst(calls, SERVER_INFO_PATHS);
      const model = server === NO_ANSWER ? NO_ANSWER : await getFirst(calls, MODEL_INFO_PATHS);
      if (signal.aborted) return;
      if (server === NO_ANSWER || model === NO_ANSWER) {
        this.#logger.debug({ worker: record.worker.url }, 'worker did not answer what it is; it will be asked again');
        this.#unanswered.add(record);
        this.#missing(record, `no answer to ${SERVER_INFO_PATHS[0]}`);
      } else if (server === null && model === null) this.#missing(record, `${SERVER_INFO_PATHS[0]} describes nothing`);
      else this.#found(record, factsOf(server, model));
    } finally {
      await calls.close();
    }
  }

  #found(record: WorkerRecord, facts: WorkerFacts): void {
    const worker = record.worker.url;
    const { areRanksKnown } = record.state;
    const before = record.ranks.length;
    const misfit = findMisfit(record.claims.options, facts);
    if (misfit !== null) this.#logger.warn({ worker, misfit }, 'worker is not what it was registered as');
    if (!this.#sink.factsDiscovered(record, facts)) return;
    const ranks = record.ranks.length;
    if (!record.state.areRanksKnown) {
      this.#missing(record, facts.dpSize === null ? '/server_info gives no usable dp_size, which --dp-aware needs' : tooManyWorkers());
      return;
    }
    this.#rankRetries.forget(record);
    if (!areRanksKnown) this.#logger.info({ worker, ranks }, 'worker has told its data-parallel ranks');
    else if (ranks !== before) this.#logger.warn({ worker, before, ranks }, 'worker has another number of data-parallel ranks');
  }

  /** An engine whose ranks are unknown takes no requests, so it is asked again without waiting for a probe. */
  #missing(record: WorkerRecord, why: string): void {
    if (record.state.areRanksKnown) return;
    this.#sink.ranksMissing(record, why);
    this.#rankRetries.askLater(record);
  }
}

const NO_ANSWER = Symbol('no answer');

/** The body of the first path that answers 200, if it is a JSON object; null when there is none. */
async function getFirst(calls: WorkerCalls, paths: readonly string[]): Promise<object | null | typeof NO_ANSWER> {
  for (const path of paths) {
    const result = await calls.get(path, LIMITS);
    if (!result.ok) return result.failure === 'too-large' ? null : NO_ANSWER;
    if (result.status === 200) return jsonOf(result);
  }
  return null;
}
