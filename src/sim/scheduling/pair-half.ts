/**
 * The link to the other half of a pair, as a scheduler uses it. Results arrive as calls of `Scheduler.partnerArrived`, `sent`,
 * `received` and `abort`; never from within `open` of a decode half.
 */
import type { Generation } from './generation.ts';
import type { PairFailure } from './pair-messages.ts';

export interface PairHalf {
  readonly mode: 'prefill' | 'decode';
  /** Prefill: finds the partner of a new request. Decode: fetches the KV of a request that has room for it. */
  open(generation: Generation): void;
  /** Prefill: the KV of `generation` is complete. Not called in decode. */
  send(generation: Generation, kv: KvHandOver): void;
  /** The phase that an abort of the waiting `generation` fails now. */
  phaseOf(generation: Generation): PairFailure;
  /** `generation` has ended. Called once; `finish` is set. */
  drop(generation: Generation): void;
}

/** What the decode half receives with the KV. */
export interface KvHandOver {
  readonly firstToken: number;
  readonly cachedTokens: number;
  /** Whether the request of the prefill half asks for log probabilities. */
  readonly hasLogprobs: boolean;
}
