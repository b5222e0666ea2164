/** Request ids in the documented form: a prefix by path and 24 letters or digits (sglang_router 0.3.2). */
import type { Rng } from '../../../base/core/rng.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';

/**
 * Ids are drawn in blocks: 20 random characters, then 62^4 ids that differ in the last four. Drawing all 24 for every
 * request costs more than parsing its head.
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const RANDOM_PAIRS = 10;

export type RequestIdPrefix = 'chatcmpl-' | 'cmpl-' | 'gnt-' | 'resp-' | 'req-';

/** Two characters at a time: half the string building. */
const PAIRS: readonly string[] = Array.from({ length: 62 * 62 }, (_, i) => ALPHABET[Math.floor(i / 62)]! + ALPHABET[i % 62]!);

export class RequestIds {
  readonly #rng: Rng;
  #block = '';
  #high = PAIRS.length;
  #low = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** A new id; two of one fleet never meet (119 bits of chance per block). */
  next(prefix: RequestIdPrefix): string {
    if (this.#low === PAIRS.length) {
      this.#low = 0;
      this.#high++;
    }
    if (this.#high >= PAIRS.length) this.#drawBlock();
    return prefix + this.#block + PAIRS[this.#high]! + PAIRS[this.#low++]!;
  }

  #drawBlock(): void {
    this.#block = '';
    for (let i = 0; i < RANDOM_PAIRS; i++) this.#block += PAIRS[this.#rng.below(PAIRS.length)]!;
    this.#high = 0;
    this.#low = 0;
  }
}

/** Longer ids are not taken over: they go into logs and headers. */
const MAX_ID_BYTES = 256;

/** The id that the client sent, from the first of `names` that is there; null: none usable. */
export function findRequestId(head: RequestHead, names: readonly string[]): string | null {
  for (const name of names) {
    const value = head.find(name);
    if (value !== undefined && value !== '' && value.length <= MAX_ID_BYTES) return value;
  }
  return null;
}
