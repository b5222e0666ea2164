/**
 * The entries of the prefix index: eight 32-bit words each, in chunks that are allocated on demand, so that the table grows without
 * copying. An entry keeps its number (1 .. MAX_ENTRIES) until it is freed; 0 is no entry.
 *
 *   word 0  hash, high                    word 4  owners 2, 3
 *   word 1  hash, low                     word 5  owners 4, 5
 *   word 2  parent | LIVE INNER RECENT    word 6  leaf: previous in the order of use    inner: number of children
 *   word 3  owners 0, 1 (16 bits each)    word 7  leaf: next in the order of use        free:  next free entry
 *
 * Entry 0 anchors the ring of leaves: its next is the leaf used last, its previous is the leaf to evict first.
 */

const CHUNK_SHIFT = 13;
const CHUNK_MASK = (1 << CHUNK_SHIFT) - 1;
const WORDS_SHIFT = 3;
export const ENTRY_BYTES = 32;
export const CHUNK_BYTES = ENTRY_BYTES << CHUNK_SHIFT;
/** Entry numbers have 24 bits. */
export const MAX_ENTRIES = 0xff_fffe;
const PARENT_MASK = 0xff_ffff;

const HIGH = 0;
const LOW = 1;
const PARENT = 2;
const OWNERS = 3;
const PREVIOUS = 6;
const NEXT = 7;

const LIVE = 1 << 24;
/** Has children; such an entry is not in the ring and cannot be evicted. */
const INNER = 1 << 25;
/** A match ended at it while it was inner: when it becomes a leaf it counts as just used. */
const RECENT = 1 << 26;

export class EntryTable {
  readonly capacity: number;
  readonly #chunks: Int32Array[] = [new Int32Array(CHUNK_BYTES / 4)];
  #live = 0;
  /** Highest number ever given out. */
  #highest = 0;
  #free = 0;

  /** `capacity`: entries at most, 1 .. MAX_ENTRIES. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get live(): number {
    return this.#live;
  }
  get highest(): number {
    return this.#highest;
  }
  get bytes(): number {
    return this.#chunks.length * CHUNK_BYTES;
  }
  get isFull(): boolean {
    return this.#live >= this.capacity;
  }

  /** The words of entry `id` start in `chunk(id)` at `base(id)`. */
  chunk(id: number): Int32Array {
    return this.#chunks[id >>> CHUNK_SHIFT]!;
  }
  base(id: number): number {
    return (id & CHUNK_MASK) << WORDS_SHIFT;
  }

  high(id: number): number {
    return this.chunk(id)[this.base(id) + HIGH]!;
  }
  low(id: number): number {
    return this.chunk(id)[this.base(id) + LOW]!;
  }
  parent(id: number): number {
    return this.chunk(id)[this.base(id) + PARENT]! & PARENT_MASK;
  }
  isLive(id: number): boolean {
    return (this.chunk(id)[this.base(id) + PARENT]! & LIVE) !== 0;
  }
  isInner(id: number): boolean {
    return (this.chunk(id)[this.base(id) + PARENT]! & INNER) !== 0;
  }
  /** Makes an entry without owners that counts one child in advance (so it is not in the ring). The table must not be full. */
  allocate(high: number, low: number, parent: number): number {
    let id = this.#free;
    if (id !== 0) this.#free = this.chunk(id)[this.base(id) + NEXT]!;
    else {
      id = ++this.#highest;
      if (id >>> CHUNK_SHIFT === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK_BYTES / 4));
    }
    const words = this.chunk(id);
    const at = this.base(id);
    words[at + HIGH] = high;
    words[at + LOW] = low;
    words[at + PARENT] = parent | LIVE | INNER;
    words[at + OWNERS] = 0;
    words[at + OWNERS + 1] = 0;
    words[at + OWNERS + 2] = 0;
    words[at + PREVIOUS] = 1;
    this.#live++;
    return id;
  }

  /** Frees an entry that is not in the ring. */
  release(id: number): void {
    const words = this.chunk(id);
    const at = this.base(id);
    words[at + PARENT] = 0;
    words[at + NEXT] = this.#free;
    this.#free = id;
    this.#live--;
  }

  /** Counts one more child. A leaf leaves the ring. */
  addChild(id: number): void {
    const words = this.chunk(id);
    const at = this.base(id);
    if ((words[at + PARENT]! & INNER) !== 0) {
      words[at + PREVIOUS]!++;
      return;
    }
    this.unlink(id);
    words[at + PARENT]! |= INNER;
    words[at + PREVIOUS] = 1;
  }

  /** Counts one child less. Without children it becomes a leaf: the last used if `used` or RECENT, otherwise the next to evict. */
  dropChild(id: number, used: boolean): void {
    const words = this.chunk(id);
    const at = this.base(id);
    words[at + PREVIOUS]!--;
    if (words[at + PREVIOUS] !== 0) return;
    const first = used || (words[at + PARENT]! & RECENT) !== 0;
    words[at + PARENT]! &= ~(INNER | RECENT);
    if (first) this.#linkAfter(id, 0);
    else this.#linkAfter(id, this.chunk(0)[PREVIOUS]!);
  }

  /** A match ended at the entry. */
  touch(id: number): void {
    const words = this.chunk(id);
    const at = this.base(id);
    if ((words[at + PARENT]! & INNER) !== 0) words[at + PARENT]! |= RECENT;
    else if (this.chunk(0)[NEXT] !== id) {
      this.unlink(id);
      this.#linkAfter(id, 0);
    }
  }

  /** The least recently used leaf, or 0. */
  oldestLeaf(): number {
    return this.chunk(0)[PREVIOUS]!;
  }

  /** Takes a leaf out of the ring. */
  unlink(id: number): void {
    const words = this.chunk(id);
    const at = this.base(id);
    const previous = words[at + PREVIOUS]!;
    const next = words[at + NEXT]!;
    this.chunk(previous)[this.base(previous) + NEXT] = next;
    this.chunk(next)[this.base(next) + PREVIOUS] = previous;
  }

  #linkAfter(id: number, previous: number): void {
    const before = this.chunk(previous);
    const beforeAt = this.base(previous);
    const next = before[beforeAt + NEXT]!;
    const words = this.chunk(id);
    const at = this.base(id);
    words[at + PREVIOUS] = previous;
    words[at + NEXT] = next;
    before[beforeAt + NEXT] = id;
    this.chunk(next)[this.base(next) + PREVIOUS] = id;
  }
}
