/**
 * Owners with a stamp each, for an index that must know when an owner last used a prefix. Most entries have one or two owners; a hot
 * prefix has many, and they are all worth knowing.
 *
 *   words of an entry:  | stamp 0, token 0 | stamp 1, token 1 | block | ──► | count or next free | 15 owners |
 *                         16 bits each                        0: none       blocks are shared by all entries
 */
import type { OwnerStore } from './owner-store.ts';

const INLINE = 2;
const BLOCK_WORDS = 16;
const IN_BLOCK = BLOCK_WORDS - 1;
const CHUNK_BLOCKS = 1024;
/** One entry in this many may have a block. */
const ENTRIES_PER_BLOCK = 64;
/** What the blocks add to the memory of an entry at most. */
export const STAMPED_BYTES_PER_ENTRY: number = (4 * BLOCK_WORDS) / ENTRIES_PER_BLOCK;
export const MAX_STAMPED_OWNERS: number = INLINE + IN_BLOCK;

const TOKEN_MASK = 0xffff;

export class StampedOwners implements OwnerStore {
  readonly most: number = MAX_STAMPED_OWNERS;
  readonly #mostBlocks: number;
  readonly #chunks: Int32Array[] = [];
  /** Highest block given out; 0 is no block. */
  #highest = 0;
  #free = 0;

  /** `entries`: of the index. */
  constructor(entries: number) {
    this.#mostBlocks = Math.ceil(entries / ENTRIES_PER_BLOCK);
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_BLOCKS * BLOCK_WORDS * 4;
  }

  begin(words: Int32Array, at: number, token: number, stamp: number): void {
    words[at] = (stamp << 16) | token;
  }

  /** A path is stamped whole: above an entry that has this stamp, all have it. */
  add(words: Int32Array, at: number, token: number, stamp: number): boolean {
    const word = (stamp << 16) | token;
    for (let i = at; i < at + INLINE; i++) {
      const held = words[i]! & TOKEN_MASK;
      if (held !== token && held !== 0) continue;
      if (words[i] === word) return true;
      words[i] = word;
      return false;
    }
    const block = words[at + INLINE]! || this.#allocate();
    words[at + INLINE] = block;
    // Without a block, the first owner makes room.
    if (block !== 0) return this.#addTo(block, token, word, stamp);
    words[at] = word;
    return false;
  }

  count(words: Int32Array, at: number): number {
    const block = words[at + INLINE]!;
    if (block !== 0) return INLINE + this.#chunk(block)[base(block)]!;
    return words[at] === 0 ? 0 : words[at + 1] === 0 ? 1 : INLINE;
  }

  token(words: Int32Array, at: number, i: number): number {
    return this.#owner(words, at, i) & TOKEN_MASK;
  }

  stamp(words: Int32Array, at: number, i: number): number {
    return this.#owner(words, at, i) >>> 16;
  }

  dropDead(words: Int32Array, at: number, isDead: (token: number) => boolean): number {
    const kept: number[] = [];
    let dead = 0;
    for (let i = 0; i < MAX_STAMPED_OWNERS; i++) {
      const owner = this.#owner(words, at, i);
      if (owner === 0) break;
      if (isDead(owner & TOKEN_MASK)) dead++;
      else kept.push(owner);
    }
    if (dead === 0) return kept.length;
    this.release(words, at);
    for (let i = 0; i < INLINE; i++) words[at + i] = kept[i] ?? 0;
    for (const owner of kept.slice(INLINE)) this.add(words, at, owner & TOKEN_MASK, owner >>> 16);
    return kept.length;
  }

  release(words: Int32Array, at: number): void {
    const block = words[at + INLINE]!;
    if (block === 0) return;
    words[at + INLINE] = 0;
    this.#chunk(block)[base(block)] = this.#free;
    this.#free = block;
  }

  #owner(words: Int32Array, at: number, i: number): number {
    if (i < INLINE) return words[at + i]!;
    const block = words[at + INLINE]!;
    if (block === 0) return 0;
    const chunk = this.#chunk(block);
    const first = base(block);
    return i - INLINE < chunk[first]! ? chunk[first + 1 + i - INLINE]! : 0;
  }

  #addTo(block: number, token: number, word: number, stamp: number): boolean {
    const chunk = this.#chunk(block);
    const first = base(block);
    const count = chunk[first]!;
    for (let i = first + 1; i <= first + count; i++) {
      if ((chunk[i]! & TOKEN_MASK) !== token) continue;
      if (chunk[i] === word) return true;
      chunk[i] = word;
      return false;
    }
    if (count < IN_BLOCK) {
      chunk[first] = count + 1;
      chunk[first + 1 + count] = word;
      // A full block drops one that its newcomer hits by chance of its stamp: stamps of different workers do not compare.
    } else chunk[first + 1 + ((token + stamp) % IN_BLOCK)] = word;
    return false;
  }

  /** An empty block; 0: there is none. */
  #allocate(): number {
    let block = this.#free;
    if (block !== 0) this.#free = this.#chunk(block)[base(block)]!;
    else {
      if (this.#highest === this.#mostBlocks) return 0;
      block = ++this.#highest;
      if (Math.floor(block / CHUNK_BLOCKS) === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK_BLOCKS * BLOCK_WORDS));
    }
    this.#chunk(block)[base(block)] = 0;
    return block;
  }

  #chunk(block: number): Int32Array {
    return this.#chunks[Math.floor(block / CHUNK_BLOCKS)]!;
  }
}

function base(block: number): number {
  return (block % CHUNK_BLOCKS) * BLOCK_WORDS;
}
