/**
 * The owners of an entry: up to six tokens of 16 bits in three words, the latest first. Six are enough: the least loaded of six
 * holders is nearly as good as the least loaded of all, and the sets of hot prefixes renew themselves. When the six are busy, another
 * worker gets the request and joins the set.
 */
import type { OwnerStore } from './owner-store.ts';

export const MAX_OWNERS = 6;

/** Puts `token` first in the set at `words[at .. at + 2]`; a full set drops its oldest. True if the token was in the set before. */
export function addOwner(words: Int32Array, at: number, token: number): boolean {
  let carry = token;
  for (let i = at; i < at + MAX_OWNERS / 2; i++) {
    const word = words[i]!;
    const first = word & 0xffff;
    const second = word >>> 16;
    if (first === token) {
      words[i] = (word & 0xffff_0000) | carry;
      return true;
    }
    words[i] = (first << 16) | carry;
    if (second === token) return true;
    carry = second;
  }
  return false;
}

/** The `i`-th token (0 .. MAX_OWNERS-1) of the set at `words[at]`, 0 for none; the first 0 ends the set. */
export function ownerAt(words: Int32Array, at: number, i: number): number {
  return (words[at + (i >> 1)]! >>> ((i & 1) << 4)) & 0xffff;
}

/** Removes the tokens that are dead and keeps the order. Returns how many remain. */
export function dropDeadOwners(words: Int32Array, at: number, isDead: (token: number) => boolean): number {
  let kept = 0;
  let changed = false;
  const tokens = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < MAX_OWNERS; i++) {
    const token = ownerAt(words, at, i);
    if (token === 0) break;
    if (isDead(token)) changed = true;
    else tokens[kept++] = token;
  }
  if (changed) for (let i = 0; i < MAX_OWNERS / 2; i++) words[at + i] = tokens[2 * i]! | (tokens[2 * i + 1]! << 16);
  return kept;
}

/** The owner store of these sets. They keep no stamps. */
export class LatestOwners implements OwnerStore {
  readonly most: number = MAX_OWNERS;
  readonly bytes: number = 0;

  begin(words: Int32Array, at: number, token: number): void {
    words[at] = token;
  }
  /** An owner of an entry was recorded at all its parents at that time: the way up ends where it is known. */
  add(words: Int32Array, at: number, token: number): boolean {
    return addOwner(words, at, token);
  }
  count(words: Int32Array, at: number): number {
    let count = 0;
    while (count < MAX_OWNERS && ownerAt(words, at, count) !== 0) count++;
    return count;
  }
  token(words: Int32Array, at: number, i: number): number {
    return ownerAt(words, at, i);
  }
  stamp(): number {
    return 0;
  }
  dropDead(words: Int32Array, at: number, isDead: (token: number) => boolean): number {
    return dropDeadOwners(words, at, isDead);
  }
  release(): void {}
}
