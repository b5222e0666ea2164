/**
 * Finds the entry of a block by its hash: open addressing with linear probing, in segments of equal size that split in two when they
 * are full (extendible hashing). The index grows in steps of some tens of microseconds and never rehashes everything.
 *
 *   directory[high >>> (32 - depth)] ──► segment: 2,048 slots, probed from (high & mask)
 *   slot: 8 bits of `low` | 24 bits of entry number      0: never used      GONE: used before
 *
 * Because the slot has eight bits of the other word, nearly all probes of other entries end without reading them.
 */
import type { EntryTable } from './entry-table.ts';

const SLOTS = 2048;
const SLOT_MASK = SLOTS - 1;
export const SEGMENT_BYTES = 4 * SLOTS;
const ID_MASK = 0xff_ffff;
const GONE = 1 << 24;
/** A segment with this many slots used or gone is split if it has at least this many live ones, otherwise cleaned. */
const MAX_USED = SLOTS * 0.875;
const MIN_LIVE_TO_SPLIT = SLOTS * 0.78;
/** 65,536 segments: far more than MAX_ENTRIES need. Bounds the memory if someone makes hashes collide on purpose. */
const MAX_DEPTH = 16;

interface Segment {
  slots: Int32Array;
  depth: number;
  /** Slots that are not 0. */
  used: number;
  live: number;
}

export class HashIndex {
  readonly #entries: EntryTable;
  #depth = 0;
  #directory: Segment[] = [newSegment(0)];
  #segments = 1;

  constructor(entries: EntryTable) {
    this.#entries = entries;
  }

  get bytes(): number {
    return this.#segments * SEGMENT_BYTES;
  }

  /** The entry with this hash, or 0. */
  find(high: number, low: number): number {
    const slots = this.#segment(high).slots;
    const tag = low & ~ID_MASK;
    for (let at = high & SLOT_MASK; ; at = (at + 1) & SLOT_MASK) {
      const slot = slots[at]!;
      if (slot === 0) return 0;
      if ((slot & ~ID_MASK) !== tag || (slot & ID_MASK) === 0) continue;
      const id = slot & ID_MASK;
      if (this.#entries.high(id) === high && this.#entries.low(id) === low) return id;
    }
  }

  /** Adds `id`, whose hash is not in the index. False if there is no room (thousands of hashes collide). */
  add(high: number, low: number, id: number): boolean {
    let segment = this.#segment(high);
    while (segment.used >= MAX_USED) {
      if (segment.live < MIN_LIVE_TO_SPLIT) this.#clean(segment);
      else if (segment.depth === MAX_DEPTH) return false;
      else this.#split(segment, high);
      segment = this.#segment(high);
    }
    place(segment, high, low, id);
    return true;
  }

  /** Removes an entry that is in the index. */
  remove(high: number, low: number, id: number): void {
    const segment = this.#segment(high);
    const { slots } = segment;
    const wanted = (low & ~ID_MASK) | id;
    let at = high & SLOT_MASK;
    while (slots[at] !== wanted) at = (at + 1) & SLOT_MASK;
    segment.live--;
    if (slots[(at + 1) & SLOT_MASK] !== 0) {
      slots[at] = GONE;
      return;
    }
    // Nothing was ever pushed beyond this slot: it and the gone ones before it can be empty again.
    slots[at] = 0;
    segment.used--;
    for (at = (at - 1) & SLOT_MASK; slots[at] === GONE; at = (at - 1) & SLOT_MASK) {
      slots[at] = 0;
      segment.used--;
    }
  }

  #segment(high: number): Segment {
    // A shift by 32 would be a shift by 0, so depth 0 needs two shifts.
    return this.#directory[(high >>> 1) >>> (31 - this.#depth)]!;
  }

  /** Rebuilds the segment without slots that are GONE. */
  #clean(segment: Segment): void {
    const old = segment.slots;
    segment.slots = new Int32Array(SLOTS);
    segment.used = 0;
    segment.live = 0;
    for (let at = 0; at < SLOTS; at++) {
      const id = old[at]! & ID_MASK;
      if (id !== 0) place(segment, this.#entries.high(id), this.#entries.low(id), id);
    }
  }

  #split(segment: Segment, high: number): void {
    if (segment.depth === this.#depth) {
      const doubled: Segment[] = [];
      for (const each of this.#directory) doubled.push(each, each);
      this.#directory = doubled;
      this.#depth++;
    }
    const depth = segment.depth + 1;
    const halves = [newSegment(depth), newSegment(depth)] as const;
    for (let at = 0; at < SLOTS; at++) {
      const id = segment.slots[at]! & ID_MASK;
      if (id === 0) continue;
      const hash = this.#entries.high(id);
      place(halves[((hash >>> (32 - depth)) & 1) as 0 | 1], hash, this.#entries.low(id), id);
    }
    // The places of the directory that lead to the old segment are those that agree with the first bits of `high`.
    const span = 1 << (this.#depth - segment.depth);
    const from = ((high >>> 1) >>> (31 - this.#depth)) & ~(span - 1);
    for (let i = 0; i < span; i++) this.#directory[from + i] = halves[i < span / 2 ? 0 : 1];
    this.#segments++;
  }
}

function newSegment(depth: number): Segment {
  return { slots: new Int32Array(SLOTS), depth, used: 0, live: 0 };
}

/** Fills the first free slot for the hash. There must be one. */
function place(segment: Segment, high: number, low: number, id: number): void {
  const { slots } = segment;
  let at = high & SLOT_MASK;
  while ((slots[at]! & ID_MASK) !== 0) at = (at + 1) & SLOT_MASK;
  if (slots[at] === 0) segment.used++;
  segment.live++;
  slots[at] = (low & ~ID_MASK) | id;
}
