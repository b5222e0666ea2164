/**
 * One HTTP request that generates: its generations (prompts times samples), what happens to them when the client leaves,
 * and the checks that all routes share.
 */

import type { TimerHandle } from '../../base/core/clock.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { Generation, GenerationSpec } from '../scheduling/generation.ts';
import type { PairFault, PairSpec } from '../scheduling/pair-spec.ts';
import { VOCABULARY } from '../scheduling/tokens.ts';
import type { Engine, OpenJob } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { NO_PAIR, pairSpec } from './pair-fields.ts';
import type { PromptRequest, Sampling } from './prompt-request.ts';

export interface JobListener {
  /** New tokens of `generation`; not called while the client's socket is full. */
  advanced(generation: Generation): void;
  ended(generation: Generation): void;
  /** After the last `ended`. */
  allEnded(): void;
  /** The queue is full and nothing runs. The only call that the listener gets. */
  refused(): void;
}

/** The client of the request, as its job sees it. */
export interface JobClient {
  /** The client left before the answer was complete. */
  readonly isGone: boolean;
  /** The client does not read, so progress is not written. */
  readonly isBlocked: boolean;
  /** Calls `run` when the client leaves before the end; at once if it has. */
  onGone(run: () => void): void;
}

export class Job implements OpenJob {
  /** By index: prompt * n + sample. */
  readonly generations: Generation[] = [];
  readonly rids: readonly string[];
  readonly #engine: Engine;
  readonly #client: JobClient;
  readonly #request: PromptRequest;
  readonly #listener: JobListener;
  readonly #startedMs: number;
  #open = 0;
  #poll: TimerHandle | null = null;
  #abortAfterTokens = -1;
  #isRefused = false;
  #pairFault: PairFault | null = null;

  constructor(engine: Engine, client: JobClient, request: PromptRequest, listener: JobListener) {
    this.#engine = engine;
    this.#client = client;
    this.#request = request;
    this.#listener = listener;
    this.#startedMs = engine.clock.nowMs();
    const count = request.prompts.length * request.sampling.n;
    this.rids = request.rids?.length === count ? request.rids : Array.from({ length: count }, () => engine.newId());
  }

  /** Queues all generations, or none if the queue is full. Throws an EngineError if the engine rejects the request. */
  start(): void {
    const { problem = null } = this.#request;
    if (problem !== null) throw problem;
    for (const prompt of this.#request.prompts) checkPrompt(this.#engine, prompt, this.#request.sampling);
    if (this.#isHalf) for (let i = 0; i < this.rids.length; i++) checkPair(this.#engine, this.#pair(i));
    this.#engine.jobs.add(this);
    this.#client.onGone(() => this.#clientGone());
    this.#engine.link.send(() => this.#enter());
  }

  /** Hands the request to the schedulers. */
  #enter(): void {
    if (this.#isDeadly()) this.#engine.die(this.#engine.scaled(this.#engine.options.deadlySecs * 1000));
    else if (this.#request.sampling.n > 1 && !this.#isHalf) this.#startSampled();
    else this.#startAll();
    this.#engine.wake();
  }

  /** Aborts the generations that have not ended and calls the listener. */
  abort(message: string): void {
    this.#engine.link.send(() => {
      for (const generation of [...this.generations]) this.#engine.schedulerOf(generation).abort(generation, message);
    });
  }

  /** A scripted fault: the engine aborts after this many tokens. */
  abortAfter(tokens: number): void {
    this.#abortAfterTokens = tokens;
  }

  /** A scripted fault at a place of the pair. */
  strikeAtKv(fault: PairFault): void {
    this.#pairFault ??= fault;
  }

  // ---------------------------------------------------------------- from the scheduler

  advanced(generation: Generation): void {
    if (this.#abortAfterTokens >= 0 && generation.outputIds.length >= this.#abortAfterTokens) {
      this.#engine.schedulerOf(generation).abort(generation, 'Aborted by a scripted fault.', 500);
      return;
    }
    if (!this.#client.isGone && !this.#client.isBlocked) this.#listener.advanced(generation);
  }

  ended(generation: Generation): void {
    if (this.#isRefused) return;
    this.#engine.traffic.generationEnded(generation);
    this.#listener.ended(generation);
    if (--this.#open > 0) return;
    this.#listener.allEnded();
    this.#settle();
  }

  // ----------------------------------------------------------------

  #startAll(): void {
    const { prompts, sampling } = this.#request;
    for (let index = 0; index < prompts.length * sampling.n; index++) {
      const spec = this.#spec(index);
      const generation = this.#engine.schedulerAt(spec.rank).submit(spec, this);
      if (generation === null) {
        this.#refuse(this.generations);
        return;
      }
      this.generations.push(generation);
      this.#open++;
    }
  }

  /** Computes each prompt once before its samples, so that all samples find it in the cache. Source: SGLang, parallel sampling. */
  #startSampled(): void {
    const { prompts, sampling } = this.#request;
    const first: Generation[] = [];
    let left = prompts.length;
    const sink = {
      advanced: (): void => {},
      ended: (): void => {
        if (--left > 0 || this.#isRefused) return;
        if (this.#client.isGone) this.#settle();
        else this.#startAll();
        this.#engine.wake();
      },
    };
    for (let at = 0; at < prompts.length; at++) {
      const spec = { ...this.#spec(at * sampling.n), maxNewTokens: 0, minNewTokens: 0, rid: this.#engine.newId() };
      const generation = this.#engine.schedulerAt(spec.rank).submit(spec, sink);
      if (generation === null) {
        this.#refuse(first);
        return;
      }
      first.push(generation);
    }
  }

  #refuse(queued: readonly Generation[]): void {
    this.#isRefused = true;
    for (const generation of queued) this.#engine.schedulerOf(generation).abort(generation, QUEUE_FULL);
    this.#listener.refused();
    this.#settle();
  }

  #settle(): void {
    this.#poll?.cancel();
    this.#engine.jobs.delete(this);
    this.#engine.onJobEnd();
  }

  /** Requests that kill the scheduler of the real engine. checkPrompt accepts them only with `--deadly`. */
  #isDeadly(): boolean {
    const { prompts, sampling } = this.#request;
    if (this.#isHalf && this.rids.some((_, index) => findPairDeath(this.#engine, this.#pair(index)) !== null)) return true;
    return prompts.some(isOutsideVocabulary) || (this.#engine.options.isEmbedding && sampling.maxNewTokens !== 0);
  }

  /** Whether another engine has the other half of this request. */
  get #isHalf(): boolean {
    return this.#engine.options.disaggregationMode !== 'null' && !this.#engine.options.isEmbedding;
  }

  #pair(index: number): PairSpec {
    const { pair = NO_PAIR, sampling } = this.#request;
    return { ...pairSpec(pair, Math.floor(index / sampling.n), index % sampling.n, sampling.n), fault: this.#pairFault };
  }

  #spec(index: number): GenerationSpec {
    const { prompts, sampling, returnLogprob = false, logprobStart = -1 } = this.#request;
    const pair = this.#isHalf ? this.#pair(index) : null;
    return {
      index,
      rid: this.rids[index]!,
      prompt: prompts[Math.floor(index / sampling.n)]!,
      maxNewTokens: sampling.maxNewTokens ?? Number.POSITIVE_INFINITY,
      minNewTokens: sampling.minNewTokens,
      stop: sampling.stop,
      stopTokenIds: sampling.stopTokenIds,
      keepStop: sampling.keepStop,
      ignoreEos: sampling.ignoreEos,
      returnLogprob,
      logprobStart,
      sample: sampling.temperature === 0 ? 0 : index % sampling.n,
      pair,
      rank: this.#request.rank ?? this.#engine.nextRank(pair?.room ?? null),
    };
  }

  /** A stream is aborted at once; for a plain request the engine checks only every `--abort-poll-secs`. */
  #clientGone(): void {
    if (!this.#engine.jobs.has(this)) return;
    this.#engine.traffic.disconnects++;
    const pollMs = this.#engine.scaled(this.#engine.options.abortPollSecs * 1000);
    const give = (): void => this.abort('Request is disconnected from the client side.');
    if (this.#request.isStream || pollMs === 0) {
      give();
      return;
    }
    const elapsedMs = this.#engine.clock.nowMs() - this.#startedMs;
    this.#poll = this.#engine.clock.after(pollMs - (elapsedMs % pollMs), give);
  }
}

/** Why the scheduler of this half dies of the request; null if it does not. */
function findPairDeath({ options }: Engine, { room, host }: PairSpec): string | null {
  if (options.disaggregationMode === 'prefill' && room?.startsWith('-') === true) return `bootstrap_room ${room} is negative`;
  if (options.disaggregationMode === 'decode' && room !== null && host === null) return 'bootstrap_host is missing';
  return null;
}

function checkPair(engine: Engine, pair: PairSpec): void {
  const death = findPairDeath(engine, pair);
  if (death !== null && !engine.options.deadly) throw new EngineError(`${death}. With --deadly this kills the engine.`);
}

function isOutsideVocabulary(prompt: Uint16Array): boolean {
  for (let i = 0; i < prompt.length; i++) if (prompt[i]! >= VOCABULARY) return true;
  return false;
}

/** Throws an EngineError when the engine would refuse `prompt` with that much output. Source: SGLang 0.5.23, tokenizer_manager.py. */
function checkPrompt(engine: Engine, prompt: Uint16Array, { maxNewTokens }: Sampling): void {
  const { contextLength, deadly, isEmbedding } = engine.options;
  if (isEmbedding && maxNewTokens !== 0 && !deadly) throw new EngineError('This model only embeds. With --deadly this kills the engine.');
  if (isOutsideVocabulary(prompt) && !deadly)
    throw new EngineError(`Token ids must be in [0, ${VOCABULARY}). With --deadly this kills the engine.`);
  if (prompt.length >= contextLength) {
    throw new EngineError(`The input (${prompt.length} tokens) is longer than the model's context length (${contextLength} tokens).`);
  }
  if (maxNewTokens !== null && prompt.length + maxNewTokens > contextLength) {
    throw new EngineError(
      `Requested token count exceeds the model's maximum context length of ${contextLength} tokens. You requested a total of ${
        prompt.length + maxNewTokens
      } tokens: ${prompt.length} tokens from the input messages and ${maxNewTokens} tokens for the completion. Please reduce the number of tokens in the input messages or the completion to fit within the limit.`,
    );
  }
  const most = engine.scheduler.longestRequest - 1;
  if (prompt.length > most)
    throw new EngineError(
      `Input length (${prompt.length} tokens) exceeds the maximum allowed length (${most} tokens). Use a shorter input or enable --allow-auto-truncate.`,
    );
}
