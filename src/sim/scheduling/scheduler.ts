/**
 * The simulated scheduler: waiting queue, chunked prefill at a token rate, continuous batching whose step time grows with
 * the batch, KV memory with a prefix cache. Prefill goes before decode, as in the real engine. It owns every Generation from submission to end.
 * It knows nothing of HTTP.
 *
 *   submit -> waiting -> [admit: room for it?] -> prefill step(s) -> running -> decode steps -> ended
 *
 * One half of a pair (see pair-half.ts) has two more stages, in which it waits for the other:
 *
 *   prefill: submit -> bootstrap -> waiting -> prefill step(s) -> transfer -> ended with one token
 *   decode:  submit -> waiting -> [room for all of it?] -> transfer -> running -> decode steps -> ended
 */
import type { Clock } from '../../base/core/clock.ts';
import { ABORTED_IN_QUEUE, ABORTED_RUNNING, QUEUE_FULL } from './abort-messages.ts';
import { Batch, type BatchSettings } from './batch.ts';
import { type FinishReason, Generation, type GenerationSink, type GenerationSpec } from './generation.ts';
import type { KvPool } from './kv-pool.ts';
import { appendToken, outputLength, takeToken } from './next-token.ts';
import { OutputText, textKey } from './output-text.ts';
import type { KvHandOver, PairHalf } from './pair-half.ts';
import { noRoom } from './pair-messages.ts';
import { PairStages } from './pair-stages.ts';
import { SchedulerCounters } from './scheduler-counters.ts';
import { StepClock } from './step-clock.ts';

export interface SchedulerSettings extends BatchSettings {
  readonly prefillTokensPerSec: number;
  readonly stepOverheadMs: number;
  readonly itlMs: number;
  readonly itlPerRequestMs: number;
  readonly contextLength: number;
  /** 0: no limit. */
  readonly maxQueuedRequests: number;
  readonly streamInterval: number;
  /** Mean length at which a text ends by itself; 0: never. */
  readonly meanOutputTokens: number;
  readonly speedup: number;
  readonly seed: number;
}

export class Scheduler {
  readonly settings: SchedulerSettings;
  readonly counters: SchedulerCounters = new SchedulerCounters();
  readonly #clock: Clock;
  readonly #steps: StepClock;
  readonly #batch: Batch;
  readonly #pairs = new PairStages();
  #stepMs = 0;
  #paused = false;
  /** The pause retracts the running requests. */
  #retracts = false;
  #dead = false;

  constructor(settings: SchedulerSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
    this.#batch = new Batch(settings, clock, this.counters, this.#pairs);
    this.#steps = new StepClock(
      clock,
      () => this.#beginStep(),
      () => this.#endStep(),
    );
  }

  get pool(): KvPool {
    return this.#batch.pool;
  }

  get runningRequests(): number {
    return this.#batch.runningRequests;
  }

  get waitingRequests(): number {
    return this.#batch.waitingRequests;
  }

  /** Prefill: requests whose decode half has not arrived. */
  get bootstrappingRequests(): number {
    return this.#pairs.bootstrappingCount;
  }

  /** Requests whose KV is being transferred to or from the other half. */
  get transferringRequests(): number {
    return this.#pairs.transferringCount;
  }

  /** Prompt tokens of the waiting requests that the prefix cache does not hold. Costs a look-up per request. */
  get waitingUncachedTokens(): number {
    return this.#batch.waitingUncachedTokens;
  }

  /** KV tokens of requests under way. */
  get usedTokens(): number {
    return this.pool.usedTokens;
  }

  /** Longest prompt and output together that one request can have. */
  get longestRequest(): number {
    return Math.min(this.settings.contextLength, this.pool.capacityTokens) - 1;
  }

  /** Makes this the scheduler of one half of pairs. Call it before the first request. */
  join(half: PairHalf): void {
    this.#pairs.join(half);
  }

  /** Queues a request, which `wake` then considers; null if the queue is full. */
  submit(spec: GenerationSpec, sink: GenerationSink): Generation | null {
    const { maxQueuedRequests, seed, meanOutputTokens } = this.settings;
    const queued = this.waitingRequests + this.#pairs.queuedCount;
    if (maxQueuedRequests > 0 && queued + 1 > maxQueuedRequests) {
      this.counters.refused++;
      return null;
    }
    const key = textKey(spec.prompt, seed, spec.sample);
    const most = spec.pair !== null && this.#pairs.isPrefill ? 1 : Number.POSITIVE_INFINITY;
    const limit = Math.max(0, Math.min(spec.maxNewTokens, most, this.longestRequest - spec.prompt.length));
    const endsAfter = meanOutputTokens > 0 && !spec.ignoreEos ? outputLength(key, meanOutputTokens) : Number.POSITIVE_INFINITY;
    const generation = new Generation(spec, sink, limit, endsAfter, new OutputText(key), this.#clock.nowMs());
    this.counters.received++;
    this.counters.promptTokens += spec.prompt.length;
    if (this.#pairs.has(generation)) this.#pairs.add(generation);
    else this.#batch.enqueue(generation);
    return generation;
  }

  /** Starts a step if none is running. Separate from `submit`, so that prompts that arrive together start together. */
  wake(): void {
    if (!this.#dead) this.#receiveNewcomers();
    this.#steps.wake();
  }

  // ---------------------------------------------------------------- from the other half of a pair

  /** Prefill: the decode half of `generation` has arrived, so it can be computed. */
  partnerArrived(generation: Generation): void {
    if (!this.#pairs.met(generation)) return;
    this.#batch.enqueue(generation);
    this.#steps.wake();
  }

  /** Prefill: decode has the KV of `generation`. */
  sent(generation: Generation): void {
    if (!this.#pairs.isTransferring(generation) || this.#dead) return;
    this.#finish(generation, { type: 'length', length: 0 });
    this.#steps.wake();
  }

  /** Decode: the KV of `generation` has arrived. */
  received(generation: Generation, kv: KvHandOver): void {
    if (!this.#pairs.isTransferring(generation)) return;
    this.#pairs.arrived(generation, kv);
    this.#steps.wake();
  }

  #receiveNewcomers(): void {
    for (const generation of this.#pairs.takeNewcomers()) {
      if (generation.spec.pair?.room == null) this.abort(generation, noRoom(generation.spec.rid), 400);
      else if (this.#pairs.isDecode) this.#batch.enqueue(generation);
      else this.#pairs.bootstrap(generation);
    }
  }

  // ----------------------------------------------------------------

  /** Aborts a request in any stage and calls its sink at once. Does nothing if the request has ended. */
  abort(generation: Generation, message: string, status: number | null = null): void {
    if (generation.stage === 'ended') return;
    this.counters.aborted++;
    this.#batch.remove(generation);
    this.#finish(generation, { type: 'abort', message, status });
    this.#steps.wake();
  }

  /** Aborts a request as POST /abort_request does: if it waits for its other half, its pair fails. */
  cancel(generation: Generation): void {
    const message = this.#pairs.cancelMessage(generation);
    if (message !== null) this.abort(generation, message, 500);
    else this.abort(generation, generation.stage === 'queued' ? ABORTED_IN_QUEUE : ABORTED_RUNNING);
  }

  /** Stops after the current step until `resume`. `retract`: running requests then return to the queue and free their KV. */
  pause(retract: boolean): void {
    this.#paused = true;
    this.#retracts ||= retract;
    this.#steps.wake();
  }

  resume(): void {
    this.#paused = false;
    this.#retracts = false;
    this.#steps.wake();
  }

  /** Stops the process until `thaw`, as SIGSTOP does; the current step stops too. The caller holds messages back meanwhile. */
  freeze(): void {
    this.#steps.freeze();
  }

  thaw(): void {
    this.#steps.thaw();
  }

  /** Empties the prefix cache and returns true; false when requests are under way. While paused the queue does not count. */
  flush(): boolean {
    const queued = this.#paused ? 0 : this.waitingRequests + this.#pairs.queuedCount;
    if (this.runningRequests + queued + this.#pairs.transferringCount > 0) return false;
    this.pool.cache.clear();
    return true;
  }

  /** Ends the scheduler process: no step and no callback follows. */
  die(): void {
    this.#dead = true;
    this.#steps.stop();
  }

  // ---------------------------------------------------------------- steps

  #beginStep(): number | null {
    if (this.#dead) return null;
    if (this.#paused) {
      if (this.#retracts) this.#retractAll();
      return null;
    }
    const { prefillTokensPerSec, stepOverheadMs, itlMs, itlPerRequestMs, speedup } = this.settings;
    this.#takeArrived();
    const promptTokens = this.#batch.form();
    let ms: number;
    if (this.#batch.isPrefilling) ms = stepOverheadMs + (promptTokens / prefillTokensPerSec) * 1000;
    else if (this.#batch.decoding.length > 0) {
      this.#batch.makeRoomForDecode();
      ms = itlMs + itlPerRequestMs * this.#batch.decoding.length;
    } else {
      this.#batch.rest();
      return null;
    }
    this.#stepMs = ms / speedup;
    return this.#stepMs;
  }

  #endStep(): void {
    this.counters.steps++;
    if (this.#batch.isPrefilling) this.#endPrefill();
    else this.#endDecode();
  }

  /** Decode: adds the requests whose KV has arrived, with their first token, to the batch. */
  #takeArrived(): void {
    const nowMs = this.#clock.nowMs();
    for (const { generation, kv } of this.#pairs.takeArrived()) {
      generation.cachedTokens = kv.cachedTokens;
      generation.admittedMs = nowMs;
      generation.prefilledMs = nowMs;
      generation.isFirstLogprobKnown = kv.hasLogprobs;
      this.counters.admitted(generation);
      if (generation.limit === 0) {
        this.#finish(generation, { type: 'length', length: 0 });
        continue;
      }
      const finish = takeToken(generation, kv.firstToken);
      if (finish === null) this.#batch.decode(generation);
      this.#tokenAdded(generation, finish, nowMs);
    }
  }

  #endPrefill(): void {
    const parts = this.#batch.takePrefilled();
    const nowMs = this.#clock.nowMs();
    this.counters.prefillBusyMs += this.#stepMs;
    for (const { generation, tokens } of parts) {
      if (generation.stage === 'ended') continue;
      this.counters.prefilledTokens += tokens;
      this.pool.share(generation, generation.input);
      if (generation.computedTokens === generation.input.length) this.#prefillDone(generation, nowMs);
    }
  }

  #prefillDone(generation: Generation, nowMs: number): void {
    if (generation.prefilledMs === 0) generation.prefilledMs = nowMs;
    if (this.#pairs.isPrefill && this.#pairs.has(generation)) {
      this.#handOver(generation, nowMs);
      return;
    }
    if (generation.limit === 0) {
      this.#finish(generation, { type: 'length', length: 0 });
      return;
    }
    this.#batch.decode(generation);
    this.#addToken(generation, nowMs);
    if (generation.finish !== null) this.#batch.remove(generation);
  }

  /** Prefill: generates the first token; the request ends when decode has the KV. */
  #handOver(generation: Generation, nowMs: number): void {
    if (generation.outputIds.length === 0 && generation.limit > 0) {
      appendToken(generation);
      this.counters.tokenMade(generation, nowMs);
      generation.lastTokenMs = nowMs;
    }
    this.#pairs.send(generation);
  }

  #endDecode(): void {
    const nowMs = this.#clock.nowMs();
    // A sink may abort any request, which replaces the list.
    const batch = this.#batch.decoding;
    for (const generation of batch) if (generation.stage === 'decode') this.#addToken(generation, nowMs);
    this.#batch.decoded();
    this.counters.decoded(batch.length, this.#stepMs);
  }

  /** Moves every running request back to the queue and refuses those that exceed it. */
  #retractAll(): void {
    this.#retracts = false;
    const { maxQueuedRequests } = this.settings;
    const refused = this.#batch.retractAll(maxQueuedRequests > 0 ? maxQueuedRequests : Number.POSITIVE_INFINITY);
    for (const generation of refused) this.abort(generation, QUEUE_FULL, 503);
  }

  // ---------------------------------------------------------------- tokens

  #addToken(generation: Generation, nowMs: number): void {
    this.#tokenAdded(generation, appendToken(generation), nowMs);
  }

  #tokenAdded(generation: Generation, finish: FinishReason | null, nowMs: number): void {
    const tokens = generation.outputIds.length;
    this.counters.tokenMade(generation, nowMs);
    generation.lastTokenMs = nowMs;
    if (finish !== null) this.#finish(generation, finish);
    else if (tokens === 1 || tokens % this.settings.streamInterval === 0) generation.sink.advanced(generation);
  }

  #finish(generation: Generation, finish: FinishReason): void {
    generation.finish = finish;
    generation.endedMs = this.#clock.nowMs();
    if (generation.cachedTokens < 0) generation.cachedTokens = 0;
    const wasAdmitted = generation.stage !== 'queued' && generation.stage !== 'bootstrap';
    generation.stage = 'ended';
    this.pool.end(generation, wasAdmitted);
    this.counters.ended(generation);
    this.#pairs.drop(generation);
    generation.sink.ended(generation);
  }
}
