/**
 * What the scheduler of one half of a pair asks of the way to the other half. Answers come as calls of
 * `Scheduler.partnerCame`, `sent`, `received` and `abort`, never from within `open` of a decode half.
 */
import type { Generation } from './generation.ts';
import type { PairFailure } from './pair-messages.ts';

export interface PairHalf {
  readonly mode: 'prefill' | 'decode';
  /** Prefill: a request came, its partner is wanted. Decode: it has room for the KV of one, which is wanted. */
  open(generation: Generation): void;
  /** Prefill: the KV of `generation` is complete. Not called in decode. */
  send(generation: Generation, kv: KvHandOver): void;
  /** What fails when `generation`, which waits for the other half, is given up now. */
  phaseOf(generation: Generation): PairFailure;
  /** It has ended, in whatever way. Called once; `finish` is set. */
  drop(generation: Generation): void;
}

/** What decode learns with the KV. */
export interface KvHandOver {
  readonly firstToken: number;
  readonly cachedTokens: number;
  /** Whether the prefill half was asked for log probabilities. */
  readonly hasLogprobs: boolean;
}
