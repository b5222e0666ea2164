/**
 * Chooses the worker where the first token would come first, in predicted milliseconds, with a small price for what the request costs
 * others.
 *
 *   score = wait + own x (OWN_WEIGHT + DECODE_WEIGHT x decoding) + DECODING_MS x decoding            the least wins
 *
 *   wait      until all prefill that waits at the worker is done (prefill-queue.ts)
 *   own       prefill of the part of the prompt that the worker does not hold (holders.ts, prefill-rates.ts)
 *   decoding  requests of the worker whose first token has come: they slow each other down, and stop while a prompt is computed
 *
 *   one worker only ─────────────────────► that worker   'only'
 *   it holds a part of the prompt ───────► that worker   'prefix'
 *   else ────────────────────────────────► that worker   'wait'
 *
 * Compared are all holders of the prompt (some dozens at most) and the workers that are free first: the cost does not grow with the fleet.
 */

import type { Rng } from '../../../base/core/rng.ts';
import type { RouteInput } from '../../../base/core/route-input.ts';
import { NONE, type Worker, type WorkerIndex } from '../../../base/core/worker.ts';
import { prefixIndexBytes } from '../../prefix/prefix-budget.ts';
import type { ValuesOf } from '../../setting/setting.ts';
import { choose, NOBODY } from '../choices.ts';
import type { Choice, Ending, FleetView, Policy } from '../contract.ts';
import { TREE_SETTINGS } from '../tree-size.ts';
import { Holders } from './holders.ts';
import { Flight, PrefillQueue } from './prefill-queue.ts';
import { PrefillRates } from './prefill-rates.ts';
import { WaitOrder } from './wait-order.ts';

/** Above 1, because own prefill delays those who come later as well. */
const OWN_WEIGHT = 1.5;
/** Part of the own prefill that a decoding request loses by it. */
const DECODE_WEIGHT = 0.05;
/** Price of a request that decodes at the worker, ms. */
const DECODING_MS = 8;
/** Workers without a part of the prompt that are compared: so many idle and so many busy ones. */
const CANDIDATES = 4;
const FADE = 0.98;
/** Tokens that an engine says it had in its cache: less than this part of what was expected means that the rest was gone. */
const GONE = 0.5;
/** Less than this part means that nothing was left but the template. */
const FLUSHED = 0.1;
/** Twins that are computed together find nothing either, so one surprise is none. */
const MOST_SURPRISES = 4;

/** What a choice was made on. The policy meets it again when the request has got its first token, and when it has ended. */
export interface WaitChoice extends Choice {
  readonly promptBytes: number;
  /** Predicted, ms. */
  readonly waitMs: number;
  readonly ownMs: number;
  /** Of the matched part at the worker (cache-sizes.ts). */
  readonly age: number;
}

export interface WorkerState {
  readonly worker: Worker;
  readonly queue: PrefillQueue;
  /** Answers in a row whose engine had nothing left of a prefix that was used lately. */
  surprises: number;
  /** Requests sent to it. */
  sent: number;
}

export class LeastWaitState {
  readonly holders: Holders;
  readonly rates: PrefillRates = new PrefillRates();
  readonly order: WaitOrder = new WaitOrder();
  readonly #workers: (WorkerState | undefined)[] = [];
  readonly #flights = new Map<Choice, Flight>();
  readonly #candidates: WorkerIndex[] = [];
  #meanBytes = 4096;
  #view: FleetView | null = null;
  #lastFound: Choice | null = null;
  readonly #isOpen = (worker: WorkerIndex): boolean => this.#view?.has(worker) === true && this.#workers[worker] !== undefined;
  readonly #isFree = (worker: WorkerIndex): boolean => this.#isOpen(worker) && !this.holders.has(worker);
  /** The best so far of a choice under way. */
  #best = NONE;
  #bestScore = 0;
  #bestMatched = 0;
  #bestAge = 0;
  /** Decides between equals, whatever the order in which they are looked at. */
  #draw = 0;

  constructor({ maxTreeSize }: ValuesOf<typeof TREE_SETTINGS>, salt: number) {
    this.holders = new Holders(prefixIndexBytes(maxTreeSize), salt);
  }

  choose(view: FleetView, { prompt, nowMs }: RouteInput, rng: Rng): Choice {
    const { holders } = this;
    this.#view = view;
    this.#best = NONE;
    this.#draw = rng.nextUint32();
    holders.find(prompt, this.#isOpen);
    const bytes = prompt.rangeCount === 0 ? this.#meanBytes : holders.promptBytes;
    for (let i = 0; i < holders.count; i++) {
      this.#consider(view, holders.workers[i]!, bytes, holders.bytes[i]!, holders.ages[i]!, nowMs);
    }
    const free = this.order.least(CANDIDATES, this.#isFree, this.#candidates);
    for (let i = 0; i < free; i++) this.#consider(view, this.#candidates[i]!, bytes, 0, 0, nowMs);
    if (this.#best === NONE) return choose(view.leastLoaded(), 'wait');
    const worker = this.#best;
    const matchedBytes = this.#bestMatched;
    const waitMs = this.#workers[worker]!.queue.waitMs(nowMs);
    const ownMs = this.rates.ms(worker, bytes - matchedBytes);
    const because = view.count === 1 ? 'only' : matchedBytes > 0 ? 'prefix' : 'wait';
    const choice: WaitChoice = { worker, because, matchedBytes, promptBytes: bytes, waitMs, ownMs, age: this.#bestAge };
    this.#lastFound = choice;
    return choice;
  }

  #consider(view: FleetView, worker: WorkerIndex, bytes: number, matched: number, age: number, nowMs: number): void {
    const { queue } = this.#workers[worker]!;
    const own = this.rates.ms(worker, Math.max(0, bytes - matched));
    const score = queue.waitMs(nowMs) + own * (OWN_WEIGHT + DECODE_WEIGHT * queue.decoding) + DECODING_MS * queue.decoding;
    if (this.#best !== NONE) {
      const difference = score - this.#bestScore || view.processed[worker]! - view.processed[this.#best]!;
      if (difference > 0) return;
      if (difference === 0 && lot(worker, this.#draw) >= lot(this.#best, this.#draw)) return;
    }
    this.#best = worker;
    this.#bestScore = score;
    this.#bestMatched = matched;
    this.#bestAge = age;
  }

  commit(choice: Choice, { prompt, nowMs }: RouteInput): void {
    const { worker, matchedBytes } = choice;
    const state = this.#workers[worker];
    if (state === undefined || this.#flights.has(choice)) return;
    const promptBytes = 'promptBytes' in choice ? (choice as WaitChoice).promptBytes : this.#meanBytes;
    const bytes = Math.max(0, promptBytes - matchedBytes);
    this.holders.enter(prompt, worker, bytes, this.#lastFound === choice);
    this.#lastFound = null;
    const flight = new Flight(bytes, this.rates.ms(worker, bytes));
    this.#flights.set(choice, flight);
    state.queue.add(flight, nowMs);
    state.sent++;
    this.#meanBytes = this.#meanBytes * FADE + promptBytes * (1 - FADE);
    this.#reorder(worker, state.queue);
  }

  firstToken(choice: Choice, nowMs: number, flight: Flight | undefined = this.#flights.get(choice)): void {
    const state = this.#workers[choice.worker];
    if (flight === undefined || flight.isForgotten || state === undefined) return;
    const work = state.queue.firstToken(flight, nowMs);
    if (work !== null) this.rates.observe(choice.worker, work.requests, work.bytes, work.ms);
    this.#reorder(choice.worker, state.queue);
  }

  settled(choice: Choice, { outcome, usage, nowMs }: Ending): void {
    const flight = this.#flights.get(choice);
    this.#flights.delete(choice);
    const state = this.#workers[choice.worker];
    if (flight === undefined || flight.isForgotten || state === undefined) return;
    // A prefill worker has nothing to do after the first token: its answer ends with it.
    if (outcome.kind === 'ok' && state.worker.type === 'prefill') this.firstToken(choice, nowMs, flight);
    state.queue.settled(flight, nowMs, outcome.kind === 'ok');
    this.#reorder(choice.worker, state.queue);
    if (usage !== null && 'promptBytes' in choice)
      this.#learn(choice as WaitChoice, usage.promptTokens, usage.cachedTokens, usage.completionTokens);
  }

  #learn(
    { worker, promptBytes, matchedBytes, age }: WaitChoice,
    promptTokens: number,
    cachedTokens: number | null,
    answerTokens: number,
  ): void {
    const { sizes } = this.holders;
    sizes.counted(promptBytes, promptTokens);
    const { bytesPerToken } = sizes;
    sizes.entered(worker, answerTokens * bytesPerToken);
    if (cachedTokens === null || matchedBytes === 0) return;
    const cachedBytes = cachedTokens * bytesPerToken;
    sizes.entered(worker, matchedBytes - Math.min(cachedBytes, promptBytes));
    sizes.observed(worker, age, cachedBytes >= GONE * matchedBytes);
    this.#suspectFlush(worker, age, cachedBytes < FLUSHED * matchedBytes);
  }

  /** An engine that restarted quickly, or was flushed by somebody else, shows itself by answers that found nothing in its cache. */
  #suspectFlush(worker: WorkerIndex, age: number, isNothingCached: boolean): void {
    const state = this.#workers[worker];
    if (state === undefined) return;
    if (!isNothingCached) state.surprises = 0;
    else if (age < this.holders.sizes.size(worker) / 2 && ++state.surprises === MOST_SURPRISES) {
      state.surprises = 0;
      this.forget(worker);
    }
  }

  eligible(workers: Int32Array): void {
    this.order.setEligible(workers);
    for (const worker of workers) {
      const state = this.#workers[worker];
      if (state !== undefined) this.#reorder(worker, state.queue);
    }
  }

  join(worker: Worker): void {
    const known = this.#workers[worker.index];
    if (known !== undefined) {
      this.#workers[worker.index] = { worker, queue: known.queue, surprises: known.surprises, sent: known.sent };
      this.holders.sizes.report(worker.index, worker.kvTokens);
      return;
    }
    this.#workers[worker.index] = { worker, queue: new PrefillQueue(), surprises: 0, sent: 0 };
    this.holders.join(worker);
    this.rates.join(worker.index);
  }

  forget(index: WorkerIndex): void {
    const state = this.#workers[index];
    if (state !== undefined) this.holders.forget(state.worker);
  }

  leave(index: WorkerIndex): void {
    this.#workers[index]?.queue.forget();
    this.#workers[index] = undefined;
    this.holders.leave(index);
    this.rates.leave(index);
  }

  #reorder(worker: WorkerIndex, queue: PrefillQueue): void {
    const isBusy = queue.waiting > 0;
    const priceMs = this.rates.delayMs(worker, this.#meanBytes) + DECODING_MS * queue.decoding;
    this.order.set(worker, isBusy, (isBusy ? queue.freeAtMs : 0) + priceMs, this.#workers[worker]?.sent ?? 0);
  }
}

export const leastWait: Policy<LeastWaitState, typeof TREE_SETTINGS> = {
  name: 'least_wait',
  needs: { prompt: true },
  reasons: ['prefix', 'wait'],
  settings: TREE_SETTINGS,
  create: (values, salt) => new LeastWaitState(values, salt),

  select(view: FleetView, input, state, rng): Choice {
    return view.count === 0 ? NOBODY : state.choose(view, input, rng);
  },

  commit(state, choice, input): void {
    if (choice.worker >= 0) state.commit(choice, input);
  },
  firstToken: (state, choice, nowMs) => state.firstToken(choice, nowMs),
  settled: (state, choice, ending) => state.settled(choice, ending),
  eligible: (state, workers) => state.eligible(workers),
  join: (state, worker) => state.join(worker),
  forget: (state, worker) => state.forget(worker),
  leave: (state, worker) => state.leave(worker),
  stats: ({ holders }) => holders.index,
};

/** The lot of a worker in a draw: of several, each has the lowest equally often. Source of the steps: MurmurHash3 (Austin Appleby). */
function lot(worker: WorkerIndex, draw: number): number {
  let hash = draw ^ Math.imul(worker + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
