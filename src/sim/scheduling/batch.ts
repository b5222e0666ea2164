/**
 * The requests of a scheduler that wait, are computed or decode, and the KV memory that they share. It chooses who takes part in the
 * next step; the scheduler runs the steps.
 *
 *              room for it?          chunk by chunk
 *   waiting ------ admit ---> prefilling ---------> running
 *      ^                          |                    |
 *      +-------- retract: no room for the next token --+
 *
 * The decode half of a pair has no prefilling: a request whose prompt has room waits among the pairs for its KV.
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
  /** Parts of the step under way. Empty: the step decodes. */
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

  /** The step under way, or the next one, computes prompts. */
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

  /** `generation` takes part in decode steps from now on. */
  decode(generation: Generation): void {
    generation.stage = 'decode';
    this.#running.push(generation);
  }

  /** Chooses the requests of the next step. Returns the number of prompt tokens that it computes; 0: it decodes. */
  form(): number {
    return this.#pairs.isDecode ? this.#setAside() : this.#gatherPrefill();
  }

  /** Gives every decoding request room for one token. Those with the least output are retracted when there is none. */
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

  /** A decode step has ended: requests that ended with it leave. */
  decoded(): void {
    this.#reserve.decoded();
    this.#running = this.#running.filter((generation) => generation.stage === 'decode');
  }

  /** Nothing is left to do. */
  rest(): void {
    this.#reserve.reset();
  }

  /** Every request under way gives up its KV and waits again, the oldest first. Returns the requests beyond `most` in the queue. */
  retractAll(most: number): readonly Generation[] {
    const running = [...(this.#chunked === null ? [] : [this.#chunked]), ...this.#running];
    this.#running = [];
    this.#chunked = null;
    for (const generation of running.reverse()) this.#retract(generation);
    return this.#waiting.slice(most);
  }

  /** `generation` has no place here any more; its KV is not touched. */
  remove(generation: Generation): void {
    const at = this.#waiting.indexOf(generation);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#running = this.#running.filter((other) => other !== generation);
    if (this.#chunked === generation) this.#chunked = null;
  }

  /** Chooses what the next prefill step computes; answers the number of tokens. */
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

  /** Takes up to `budget` tokens of the rest of `generation`'s input into the step; answers how many. */
  #takeChunk(generation: Generation, budget: number): number {
    const rest = generation.input.length - generation.computedTokens;
    const page = this.#settings.pageSize;
    const tokens = rest <= budget ? rest : Math.max(Math.min(page, rest), budget - (budget % page));
    if (!this.pool.allocate(generation, tokens)) {
      // Admission counted on room that decoding has taken since.
      this.#chunked = null;
      this.#retract(generation);
      return budget;
    }
    this.#chunked = tokens < rest ? generation : null;
    this.#prefilling.push({ generation, tokens });
    return tokens;
  }

  /** Takes `generation` in if its input, and a share of all output to come, has room. */
  #admit(generation: Generation): boolean {
    this.pool.begin(generation);
    const rest = generation.input.length - generation.computedTokens;
    const admitted = this.#prefilling.map((part) => part.generation);
    const reserved = this.#reserve.tokensFor(this.#running, [...admitted, generation]);
    const isAlone = this.#running.length === 0 && this.#prefilling.length === 0 && this.#pairs.handingCount === 0;
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

  /** Decode: takes room for the whole prompts of those that wait, in order, and asks for their KV. Computes nothing: 0. */
  #setAside(): number {
    while (this.#waiting.length > 0 && this.#running.length + this.#pairs.handingCount < this.#settings.maxRunningRequests) {
      const generation = this.#waiting[0]!;
      const tokens = generation.input.length;
      const under = [...this.#running, ...this.#pairs.handing()];
      const reserved = under.length === 0 ? 0 : this.#reserve.tokensFor(under, [generation]);
      if (tokens + reserved > this.pool.availableTokens) break;
      this.pool.begin(generation);
      this.pool.allocate(generation, tokens);
      this.#waiting.shift();
      if (generation.outputIds.length > 0) {
        // It gave way to others once; its KV comes back from the memory of the host.
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
