/**
 * Which workers were sent the longest prefix of this prompt, and how long is it? A tree whose nodes are found by hash:
 * every entry is a block in its place behind all blocks before it, and knows its parent.
 *
 *   "system prompt" ── "question 1" ── "answer, question 2"      owners of an entry: who got a prompt that runs
 *          └────────── "other question"                          through it
 *
 * Only leaves are evicted, the one not used for longest first, so an entry is never there without its parents, and a
 * look-up may bisect. The work of one call is bounded by the number of blocks of its prompt; nothing is ever
 * rebuilt, swept or cleared as a whole. No text is kept, only salted hashes.
 */
import type { WorkerIndex } from '../../base/core/worker.ts';
import { CHUNK_BYTES, EntryTable, MAX_ENTRIES } from './entry-table.ts';
import { HashIndex, SEGMENT_BYTES } from './hash-index.ts';
import { addOwner, dropDeadOwners, MAX_OWNERS, ownerAt } from './owner-set.ts';
import { OwnerTokens } from './owner-tokens.ts';
import type { PromptChain } from './prompt-chain.ts';

/** Words of an entry that hold its owners. */
const OWNERS = 3;
/** Entries that an insertion looks at for owners that left, while there are any. */
const SWEEP_SLICE = 256;
/** An entry, and its slot in a segment that has just been split (39% full). */
const WORST_BYTES_PER_ENTRY = 32 + 4 / 0.39;
const LEAST_ENTRIES = 1024;

/** How many entries fit into `bytes` even when the index is at its emptiest. */
export function entriesWithin(bytes: number): number {
  const entries = Math.floor((bytes - CHUNK_BYTES - SEGMENT_BYTES) / WORST_BYTES_PER_ENTRY);
  return Math.min(MAX_ENTRIES, Math.max(LEAST_ENTRIES, entries));
}

export class PrefixIndex {
  readonly #entries: EntryTable;
  readonly #index: HashIndex;
  readonly #tokens: OwnerTokens = new OwnerTokens();
  /** Entries freed to make room, ever. */
  evictions = 0;
  /** Next entry of the sweep that is under way, 0 when none is. */
  #sweepAt = 0;
  readonly #isDead = (token: number): boolean => this.#tokens.worker(token) < 0;

  /** `capacity`: entries at most; see `entriesWithin`. */
  constructor(capacity: number) {
    this.#entries = new EntryTable(capacity);
    this.#index = new HashIndex(this.#entries);
  }

  /** Entries in use, and bytes allocated for the tables. */
  get blocks(): number {
    return this.#entries.live;
  }
  get bytes(): number {
    return this.#entries.bytes + this.#index.bytes;
  }
  get capacity(): number {
    return this.#entries.capacity;
  }

  /** Number of links of `chain` that are known, from the first on without a gap. Reads O(log n) entries. */
  match(chain: PromptChain): number {
    let known = 0;
    let unknown = chain.length + 1;
    // Most prompts are either new from the first block on or known to the last but few.
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

  parentOf(entry: number): number {
    return this.#entries.parent(entry);
  }

  /** Writes the workers that hold the prefix ending at `entry` to `out` (room for MAX_OWNERS), the latest first; returns how many. */
  owners(entry: number, out: Int32Array): number {
    const words = this.#entries.chunk(entry);
    const at = this.#entries.base(entry) + OWNERS;
    let count = 0;
    for (let i = 0; i < MAX_OWNERS; i++) {
      const token = ownerAt(words, at, i);
      if (token === 0) break;
      const worker = this.#tokens.worker(token);
      if (worker >= 0) out[count++] = worker;
    }
    return count;
  }

  /**
   * The prompt went to `worker`: it holds all of it from now on. `expected` is what `match` said for the chain before;
   * any number does, a right one saves a look-up. Without effect for a worker that has not joined. What does not fit
   * is left out from the end.
   */
  insert(chain: PromptChain, worker: WorkerIndex, expected: number): void {
    const token = this.#tokens.of(worker);
    if (token === 0 || chain.length === 0) return;
    const known = this.#endsAt(chain, expected) ? expected : this.match(chain);
    const end = this.entryAt(chain, known);
    const last = known < chain.length ? this.#append(chain, known, end, token) : end;
    if (last === end && end !== 0) this.#entries.touch(end);
    // Whoever holds an entry was entered at all entries before it at that time.
    for (let entry = end; entry !== 0; entry = this.#entries.parent(entry)) {
      if (addOwner(this.#entries.chunk(entry), this.#entries.base(entry) + OWNERS, token)) break;
    }
    this.#sweep(SWEEP_SLICE);
  }

  join(worker: WorkerIndex): void {
    // Only after 65,535 departures within one sweep: then the sweep is finished here, in some milliseconds.
    while (this.#tokens.isExhausted && this.#tokens.needsSweep) this.#sweep(this.#entries.highest + 1);
    if (!this.#tokens.isExhausted) this.#tokens.join(worker);
  }

  /** The worker is nobody's owner from now on; its traces are cleared slice by slice as prompts come in. */
  leave(worker: WorkerIndex): void {
    this.#tokens.leave(worker);
  }

  #endsAt(chain: PromptChain, known: number): boolean {
    if (known < 0 || known > chain.length) return false;
    if (known > 0 && this.entryAt(chain, known) === 0) return false;
    return known === chain.length || this.entryAt(chain, known + 1) === 0;
  }

  /** Appends the links of `chain` beyond the first `known`, which end at `end`. Returns the last entry that exists then. */
  #append(chain: PromptChain, known: number, end: number, token: number): number {
    const entries = this.#entries;
    // With a child to come neither `end` nor what follows is a leaf, so none of it can be evicted meanwhile.
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
      entries.chunk(entry)[entries.base(entry) + OWNERS] = token;
      last = entry;
    }
    // The child that the last one was waiting for does not come: it is a leaf, and the one used last.
    if (last !== 0) entries.dropChild(last, true);
    return last;
  }

  /** Frees the leaf that was not used for longest. False if there is none. */
  #evict(): boolean {
    const leaf = this.#entries.oldestLeaf();
    if (leaf === 0) return false;
    this.evictions++;
    this.#forget(leaf, false);
    return true;
  }

  /** Frees a leaf. If its parent becomes one, it is the next to evict unless it is `parentUsed`. */
  #forget(leaf: number, parentUsed: boolean): void {
    const entries = this.#entries;
    const parent = entries.parent(leaf);
    this.#index.remove(entries.high(leaf), entries.low(leaf), leaf);
    entries.unlink(leaf);
    entries.release(leaf);
    if (parent !== 0) entries.dropChild(parent, parentUsed);
  }

  /** Looks at the next `slice` entries for owners that left; a leaf that nobody holds any more is freed. */
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
      const held = dropDeadOwners(entries.chunk(entry), entries.base(entry) + OWNERS, this.#isDead);
      // When its parent was used last is not known: it goes to the safe end.
      if (held === 0 && !entries.isInner(entry)) this.#forget(entry, true);
    }
    this.#sweepAt = stop;
    if (stop <= entries.highest) return;
    this.#sweepAt = 0;
    this.#tokens.sweepEnded();
  }
}
