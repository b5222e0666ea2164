/**
 * KV memory that admission reserves for future output. Running requests count with a share of it, which falls while decoding
 * succeeds and is reset by a retraction. Source: SGLang 0.5, new_token_ratio (0.7,
 * falling to 0.098 in 600 steps) and CLIP_MAX_NEW_TOKENS (4096).
 */
import type { Generation } from './generation.ts';

const FIRST_SHARE = 0.7;
const LEAST_SHARE = 0.098;
const STEPS_TO_LEAST = 600;
const MOST_TOKENS = 4096;

export class OutputReserve {
  #share = FIRST_SHARE;

  /** After a retraction, and when no request is left. */
  reset(): void {
    this.#share = FIRST_SHARE;
  }

  /** After a decode step. */
  decoded(): void {
    this.#share = Math.max(LEAST_SHARE, this.#share - (FIRST_SHARE - LEAST_SHARE) / STEPS_TO_LEAST);
  }

  /** Tokens for `running` requests, by the share, and for those being `admitted`, in full. */
  tokensFor(running: readonly Generation[], admitted: readonly Generation[]): number {
    let sum = 0;
    for (const generation of running) sum += Math.min(generation.tokensLeft, MOST_TOKENS) * this.#share;
    for (const generation of admitted) sum += Math.min(generation.tokensLeft, MOST_TOKENS);
    return sum;
  }
}
