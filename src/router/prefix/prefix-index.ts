/**
 * Finds the longest known prefix of a prompt and the workers that were sent it. A tree whose nodes are found by hash: an entry is one
 * block after all the blocks before it, and knows its parent.
 *
 *   "system prompt" ── "question 1" ── "answer, question 2"      owners of an entry: workers that got a prompt
 *          └────────── "other question"                          with this prefix
 *
 * Only leaves are evicted, the least recently used first. So an entry never exists without its parents, and a look-up can bisect. The
 * work of one call is bounded by the number of blocks of its prompt; the index is never rebuilt, swept or cleared as a whole. It keeps
 * no text, only salted hashes.
 */
import type { WorkerIndex } from '../../base/core/worker.ts';
import { CHUNK_BYTES, EntryTable, MAX_ENTRIES } from './entry-table.ts';
import { HashIndex, SEGMENT_BYTES } from './hash-index.ts';
import type { OwnerStore } from './owner-store.ts';
import { OwnerTokens } from './owner-tokens.ts';
import type { PromptChain } from './prompt-chain.ts';

/** Words of an entry that hold its owners. */
const OWNERS = 3;
/** Entries that one insertion checks for owners that left, while there are any. */
const SWEEP_SLICE = 256;
/** An entry, and its slot in a segment that has just been split (39% full). */
const WORST_BYTES_PER_ENTRY = 32 + 4 / 0.39;
const LEAST_ENTRIES = 1024;

/** Number of entries that fit into `bytes` in the worst case, with all segments just split. `extra`: bytes of an entry that the owners need. */
export function entriesWithin(bytes: number, extra = 0): number {
  const entries = Math.floor((bytes - CHUNK_BYTES - SEGMENT_BYTES) / (WORST_BYTES_PER_ENTRY + extra));
  return Math.min(MAX_ENTRIES, Math.max(LEAST_ENTRIES, entries));
}

export class PrefixIndex {
  readonly #entries: EntryTable;
  readonly #owners: OwnerStore;
  readonly #index: HashIndex;
  readonly #tokens: OwnerTokens = new OwnerTokens();
  /** Entries evicted since the start. */
  evictions = 0;
  /** Next entry of the current sweep; 0: there is none. */
  #sweepAt = 0;
  readonly #isDead = (token: number): boolean => this.#tokens.worker(token) < 0;

  /** `capacity`: entries at most; see `entriesWithin`. `owners`: how the owners of an entry are kept. */
  constructor(capacity: number, owners: OwnerStore) {
    this.#entries = new EntryTable(capacity);
    this.#owners = owners;
    this.#index = new HashIndex(this.#entries);
  }

  /** Entries in use, and bytes allocated for the tables. */
  get blocks(): number {
    return this.#entries.live;
  }
  get bytes(): number {
    return this.#entries.bytes + this.#index.bytes + this.#owners.bytes;
  }
  get capacity(): number {
    return this.#entries.capacity;
  }

  /** Number of known links of `chain`, counted from the first one without a gap. Reads O(log n) entries. */
  match(chain: PromptChain): number {
    let known = 0;
    let unknown = chain.length + 1;
    // Most prompts are either unknown from the first block on or known except for the last few blocks.
    let probe = 1;
    while (known + 1 < unknown) {
      if (this.entryAt(chain, probe) !== 0) known = probe;
      else unknown = probe;
      probe = known === 1 && unknown === chain.length + 1 ? chain.length : (known + unknown) >> 1;
    }
    return known;
  }

  /** The entry at the end of the first `links` links, or 0. */
  entryAt(chain: PromptChain, links: number): number {
    return links === 0 ? 0 : this.#index.find(chain.high(links - 1), chain.low(links - 1));
  }

  /** How many owners the entry has, those that left included. */
  ownerCount(entry: number): number {
    return this.#owners.count(this.#entries.chunk(entry), this.#entries.base(entry) + OWNERS);
  }

  parentOf(entry: number): number {
    return this.#entries.parent(entry);
  }

  /**
   * Writes the workers that hold the prefix ending at `entry` to `out` (room for the `most` of the owner store), in the order of that
   * store, and their stamps to `stamps` if it is given; returns how many.
   */
  owners(entry: number, out: Int32Array, stamps: Int32Array | null = null): number {
    const words = this.#entries.chunk(entry);
    const at = this.#entries.base(entry) + OWNERS;
    const store = this.#owners;
    let count = 0;
    for (let i = 0; i < store.most; i++) {
      const token = store.token(words, at, i);
      if (token === 0) break;
      const worker = this.#tokens.worker(token);
      if (worker < 0) continue;
      if (stamps !== null) stamps[count] = store.stamp(words, at, i);
      out[count++] = worker;
    }
    return count;
  }

  /**
   * Records that `worker` got the prompt. `expected`: what `match` returned for the chain; any number is allowed, the right one saves
   * a look-up. Does nothing for a worker that has not joined. If the index is full, the end of the prompt is left out. `stamp`: 16
   * bits that come back with the owner, where the owner store keeps them.
   */
  insert(chain: PromptChain, worker: WorkerIndex, expected: number, stamp = 0): void {
    const token = this.#tokens.of(worker);
    if (token === 0 || chain.length === 0) return;
    const known = this.#endsAt(chain, expected) ? expected : this.match(chain);
    const end = this.entryAt(chain, known);
    const last = known < chain.length ? this.#append(chain, known, end, token, stamp) : end;
    if (last === end && end !== 0) this.#entries.touch(end);
    for (let entry = end; entry !== 0; entry = this.#entries.parent(entry)) {
      if (this.#owners.add(this.#entries.chunk(entry), this.#entries.base(entry) + OWNERS, token, stamp)) break;
    }
    this.#sweep(SWEEP_SLICE);
  }

  join(worker: WorkerIndex): void {
    // Only after 65,535 departures within one sweep: the sweep is then finished here, in some milliseconds.
    while (this.#tokens.isExhausted && this.#tokens.needsSweep) this.#sweep(this.#entries.highest + 1);
    if (!this.#tokens.isExhausted) this.#tokens.join(worker);
  }

  /** The worker owns no entry from now on; insertions clear its tokens slice by slice. */
  leave(worker: WorkerIndex): void {
    this.#tokens.leave(worker);
  }

  #endsAt(chain: PromptChain, known: number): boolean {
    if (known < 0 || known > chain.length) return false;
    if (known > 0 && this.entryAt(chain, known) === 0) return false;
    return known === chain.length || this.entryAt(chain, known + 1) === 0;
  }

  /** Appends the links of `chain` after the first `known`, which end at `end`. Returns the last entry of the chain. */
  #append(chain: PromptChain, known: number, end: number, token: number, stamp: number): number {
    const entries = this.#entries;
    // A child counted in advance keeps `end` and the new entries from being leaves, so that they are not evicted here.
    if (end !== 0) entries.addChild(end);
    let last = end;
    for (let link = known; link < chain.length; link++) {
      if (entries.isFull && !this.#evict()) break;
      const high = chain.high(link);
      const low = chain.low(link);
      const entry = entries.allocate(high, low, last);
      if (!this.#index.add(high, low, entry)) {
        entries.release(entry);
        break;
      }
      this.#owners.begin(entries.chunk(entry), entries.base(entry) + OWNERS, token, stamp);
      last = entry;
    }
    // The last entry has no child: it becomes the leaf used last.
    if (last !== 0) entries.dropChild(last, true);
    return last;
  }

  /** Frees the least recently used leaf. False if there is none. */
  #evict(): boolean {
    const leaf = this.#entries.oldestLeaf();
    if (leaf === 0) return false;
    this.evictions++;
    this.#forget(leaf, false);
    return true;
  }

  /** Frees a leaf. If its parent becomes a leaf, it counts as just used if `parentUsed`, otherwise as the next to evict. */
  #forget(leaf: number, parentUsed: boolean): void {
    const entries = this.#entries;
    const parent = entries.parent(leaf);
    this.#index.remove(entries.high(leaf), entries.low(leaf), leaf);
    this.#owners.release(entries.chunk(leaf), entries.base(leaf) + OWNERS);
    entries.unlink(leaf);
    entries.release(leaf);
    if (parent !== 0) entries.dropChild(parent, parentUsed);
  }

  /** Removes owners that left from the next `slice` entries, and frees leaves without owners. */
  #sweep(slice: number): void {
    const entries = this.#entries;
    if (this.#sweepAt === 0) {
      if (!this.#tokens.needsSweep) return;
      this.#tokens.sweepBegins();
      this.#sweepAt = 1;
    }
    const stop = Math.min(entries.highest + 1, this.#sweepAt + slice);
    for (let entry = this.#sweepAt; entry < stop; entry++) {
      if (!entries.isLive(entry)) continue;
      const held = this.#owners.dropDead(entries.chunk(entry), entries.base(entry) + OWNERS, this.#isDead);
      // When the parent was used last is unknown, so it counts as just used.
      if (held === 0 && !entries.isInner(entry)) this.#forget(entry, true);
    }
    this.#sweepAt = stop;
    if (stop <= entries.highest) return;
    this.#sweepAt = 0;
    this.#tokens.sweepEnded();
  }
}
