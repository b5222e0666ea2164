/** Request ids in the documented form: a prefix by path and 24 letters or digits (sglang_router 0.3.2). */
import type { Rng } from '../core/rng.ts';
import type { RequestHead } from '../http1/request-head.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 24;

export type RequestIdPrefix = 'chatcmpl-' | 'cmpl-' | 'gnt-' | 'resp-' | 'req-';

/** Two characters at a time: half the string building. */
const PAIRS: readonly string[] = Array.from({ length: 62 * 62 }, (_, i) => ALPHABET[Math.floor(i / 62)]! + ALPHABET[i % 62]!);

/** A new id; unique enough that two of one fleet never meet (142 bits of chance). */
export function newRequestId(prefix: RequestIdPrefix, rng: Rng): string {
  let id: string = prefix;
  for (let i = 0; i < LENGTH / 2; i++) id += PAIRS[rng.below(PAIRS.length)];
  return id;
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
