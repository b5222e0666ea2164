/** Routing keys and the workers that they stick to. Bounded: keys that are not used expire, and the least recently used go first. */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { FleetView } from './contract.ts';
import { hashText } from './text-hash.ts';

/** About 100 bytes each. */
export const MAX_KEYS = 262_144;
/** Workers that a key remembers. */
const REMEMBERED = 2;

interface Place {
  readonly worker: WorkerIndex;
  /** Which of the workers that had this index one after the other. */
  readonly generation: number;
}

interface Entry {
  /** Oldest first. */
  places: readonly Place[];
  usedMs: number;
}

export class StickyKeys {
  readonly #salt: number;
  /** By hash of the key, least recently used first. */
  readonly #entries = new Map<number, Entry>();
  /** By worker index. */
  readonly #generations: number[] = [];
  readonly #counts: number[] = [];

  constructor(salt: number) {
    this.#salt = salt;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Keys that remember the worker. */
  countOf(worker: WorkerIndex): number {
    return this.#counts[worker] ?? 0;
  }

  /** The first worker of the key that may be chosen; NONE: none, or the key was used last before `sinceMs`. */
  find(key: string, view: FleetView, sinceMs: number): WorkerIndex {
    const entry = this.#entries.get(this.#hash(key));
    if (entry === undefined || entry.usedMs < sinceMs) return NONE;
    return entry.places.find((place) => this.#isThere(place) && view.has(place.worker))?.worker ?? NONE;
  }

  /** The key is used for `worker`. Forgets keys that were used last before `sinceMs`. */
  use(key: string, worker: WorkerIndex, nowMs: number, sinceMs: number): void {
    this.#expire(sinceMs);
    const hash = this.#hash(key);
    const entry = this.#entries.get(hash) ?? { places: [], usedMs: nowMs };
    entry.usedMs = nowMs;
    // To the end of the order.
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    if (entry.places.some((place) => place.worker === worker && this.#isThere(place))) return;
    const places = [...entry.places.filter((place) => this.#isThere(place)), { worker, generation: this.#generations[worker] ?? 0 }];
    this.#count(entry.places, -1);
    entry.places = places.slice(-REMEMBERED);
    this.#count(entry.places, 1);
    if (this.#entries.size > MAX_KEYS) this.#drop(this.#entries.entries().next().value);
  }

  /** Another worker may get the index. */
  forgetWorker(worker: WorkerIndex): void {
    this.#generations[worker] = (this.#generations[worker] ?? 0) + 1;
    this.#counts[worker] = 0;
  }

  #expire(sinceMs: number): void {
    for (;;) {
      const oldest = this.#entries.entries().next().value;
      if (oldest === undefined || oldest[1].usedMs >= sinceMs) return;
      this.#drop(oldest);
    }
  }

  #drop(oldest: readonly [number, Entry] | undefined): void {
    if (oldest === undefined) return;
    this.#count(oldest[1].places, -1);
    this.#entries.delete(oldest[0]);
  }

  #count(places: readonly Place[], by: number): void {
    for (const place of places) if (this.#isThere(place)) this.#counts[place.worker] = this.countOf(place.worker) + by;
  }

  #isThere({ worker, generation }: Place): boolean {
    return (this.#generations[worker] ?? 0) === generation;
  }

  /** 53 bits: among as many keys as there can be, one pair in 3e5 runs has the same. */
  #hash(key: string): number {
    return (hashText(key, this.#salt) & 0x1fffff) * 2 ** 32 + hashText(key, this.#salt ^ 0x5bd1e995);
  }
}
