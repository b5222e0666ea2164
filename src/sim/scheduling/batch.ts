/**
 * The requests of one scheduler that wait, prefill or decode, and the KV memory that they share. The batch chooses the requests of
 * the next step; the scheduler runs the steps.
 *
 *              room for it?          chunk by chunk
 *   waiting ------ admit ---> prefilling ---------> running
 *      ^                          |                    |
 *      +-------- retract: no room for the next token --+
 *
 * The decode half of a pair does not prefill: once its prompt has room, a request waits for its KV (see PairStages).
 */
import type { Clock } from '../../base/core/clock.ts';
import type { Generation } from './generation.ts';
import { KvPool } from './kv-pool.ts';
import { OutputReserve } from './output-reserve.ts';
import type { PairStages } from './pair-stages.ts';
import type { SchedulerCounters } from './scheduler-counters.ts';

export interface BatchSettings {
  readonly kvTokens: number;
  readonly pageSize: number;
  readonly radixCache: boolean;
  readonly maxRunningRequests: number;
  readonly chunkedPrefillSize: number;
}

/** What a prefill step computes of one request. */
export interface PrefillPart {
  readonly generation: Generation;
  readonly tokens: number;
}

export class Batch {
  readonly pool: KvPool;
  readonly #settings: BatchSettings;
  readonly #clock: Clock;
  readonly #counters: SchedulerCounters;
  readonly #pairs: PairStages;
  readonly #reserve = new OutputReserve();
  readonly #waiting: Generation[] = [];
  #running: Generation[] = [];
  /** Parts of the current step. Empty: the step decodes. */
  #prefilling: PrefillPart[] = [];
  /** The request whose prompt did not fit in a chunk; the next prefill step continues it. */
  #chunked: Generation | null = null;

  constructor(settings: BatchSettings, clock: Clock, counters: SchedulerCounters, pairs: PairStages) {
    this.#settings = settings;
    this.#clock = clock;
    this.#counters = counters;
    this.#pairs = pairs;
    this.pool = new KvPool(settings.kvTokens, settings.pageSize, settings.radixCache);
  }

  get runningRequests(): number {
    return this.#running.length + Math.max(this.#prefilling.length, this.#chunked === null ? 0 : 1);
  }

  get waitingRequests(): number {
    return this.#waiting.length;
  }

  /** Prompt tokens of the waiting requests that the prefix cache does not hold. Costs a look-up per request. */
  get waitingUncachedTokens(): number {
    return this.#waiting.reduce((sum, generation) => sum + generation.input.length - this.pool.cachedPrefix(generation), 0);
  }

  /** The current step computes prompts. */
  get isPrefilling(): boolean {
    return this.#prefilling.length > 0;
  }

  /** Requests that a decode step advances. */
  get decoding(): readonly Generation[] {
    return this.#running;
  }

  enqueue(generation: Generation): void {
    this.#waiting.push(generation);
  }

  /** Adds `generation` to the decode steps. */
  decode(generation: Generation): void {
    generation.stage = 'decode';
    this.#running.push(generation);
  }

  /** Chooses the requests of the next step. Returns the number of prompt tokens that it computes; 0: it decodes. */
  form(): number {
    return this.#pairs.isDecode ? this.#setAside() : this.#gatherPrefill();
  }

  /** Allocates one token for every decoding request. If memory runs out, the requests with the least output are retracted. */
  makeRoomForDecode(): void {
    for (const generation of [...this.#running]) {
      while (generation.stage === 'decode' && !this.pool.allocate(generation, 1)) {
        const least = this.#running.reduce((least, other) => (other.outputIds.length < least.outputIds.length ? other : least));
        this.remove(least);
        this.#retract(least);
      }
    }
  }

  /** The parts of the prefill step that has ended. */
  takePrefilled(): readonly PrefillPart[] {
    const parts = this.#prefilling;
    this.#prefilling = [];
    return parts;
  }

  /** Ends a decode step: removes the requests that ended with it. */
  decoded(): void {
    this.#reserve.decoded();
    this.#running = this.#running.filter((generation) => generation.stage === 'decode');
  }

  /** No request is left. */
  rest(): void {
    this.#reserve.reset();
  }

  /** Moves every running request back to the queue, oldest first, and frees its KV. Returns the queued requests beyond `most`. */
  retractAll(most: number): readonly Generation[] {
    const running = [...(this.#chunked === null ? [] : [this.#chunked]), ...this.#running];
    this.#running = [];
    this.#chunked = null;
    for (const generation of running.reverse()) this.#retract(generation);
    return this.#waiting.slice(most);
  }

  /** Removes `generation` from queue and batch. Its KV stays allocated. */
  remove(generation: Generation): void {
    const at = this.#waiting.indexOf(generation);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#running = this.#running.filter((other) => other !== generation);
    if (this.#chunked === generation) this.#chunked = null;
  }

  /** Chooses the parts of the next prefill step. Returns its number of tokens. */
  #gatherPrefill(): number {
    let budget = this.#settings.chunkedPrefillSize;
    if (this.#chunked !== null) budget -= this.#takeChunk(this.#chunked, budget);
    while (budget > 0 && this.#chunked === null && this.#waiting.length > 0) {
      const generation = this.#waiting[0]!;
      if (this.#running.length + this.#prefilling.length >= this.#settings.maxRunningRequests) break;
      if (!this.#admit(generation)) break;
      this.#waiting.shift();
      budget -= this.#takeChunk(generation, budget);
    }
    return this.#settings.chunkedPrefillSize - budget;
  }

  /** Adds up to `budget` of the remaining input tokens of `generation` to the step. Returns how many. */
  #takeChunk(generation: Generation, budget: number): number {
    const rest = generation.input.length - generation.computedTokens;
    const page = this.#settings.pageSize;
    const tokens = rest <= budget ? rest : Math.max(Math.min(page, rest), budget - (budget % page));
    if (!this.pool.allocate(generation, tokens)) {
      // Decoding has used the room that admission counted on.
      this.#chunked = null;
      this.#retract(generation);
      return budget;
    }
    this.#chunked = tokens < rest ? generation : null;
    this.#prefilling.push({ generation, tokens });
    return tokens;
  }

  /** Admits `generation` if the memory has room for its input and for the reserved output. */
  #admit(generation: Generation): boolean {
    this.pool.begin(generation);
    const rest = generation.input.length - generation.computedTokens;
    const admitted = this.#prefilling.map((part) => part.generation);
    const reserved = this.#reserve.tokensFor(this.#running, [...admitted, generation]);
    const isAlone = this.#running.length === 0 && this.#prefilling.length === 0 && this.#pairs.transferringCount === 0;
    if (!isAlone && rest + reserved > this.pool.availableTokens) {
      this.pool.end(generation, false);
      return false;
    }
    generation.stage = 'prefill';
    if (generation.cachedTokens < 0) {
      generation.cachedTokens = generation.computedTokens;
      generation.admittedMs = this.#clock.nowMs();
      this.#counters.admitted(generation);
    }
    return true;
  }

  /** Decode half: allocates whole prompts in queue order and asks for their KV. Computes no prompt tokens: returns 0. */
  #setAside(): number {
    while (this.#waiting.length > 0 && this.#running.length + this.#pairs.transferringCount < this.#settings.maxRunningRequests) {
      const generation = this.#waiting[0]!;
      const tokens = generation.input.length;
      const under = [...this.#running, ...this.#pairs.transferring()];
      const reserved = under.length === 0 ? 0 : this.#reserve.tokensFor(under, [generation]);
      if (tokens + reserved > this.pool.availableTokens) break;
      this.pool.begin(generation);
      this.pool.allocate(generation, tokens);
      this.#waiting.shift();
      if (generation.outputIds.length > 0) {
        // A retracted request: SGLang restores its KV from host memory.
        this.decode(generation);
        continue;
      }
      this.#pairs.fetch(generation);
    }
    return 0;
  }

  #retract(generation: Generation): void {
    this.pool.end(generation, false);
    generation.input = generation.allTokens();
    generation.stage = 'queued';
    generation.retractions++;
    this.#counters.retracted++;
    this.#reserve.reset();
    this.#waiting.unshift(generation);
  }
}
