/**
 * The eligible workers of one pool in order of load, kept up to date as loads change, so that nothing on the request
 * path walks all workers.
 *
 *   heap   binary min-heap of worker indices by (in-flight, processed, index); `#place[worker]` is its position, -1 = not in it
 *   levels how many eligible workers have exactly k in flight; the highest k in use is the maximum load
 *
 * Reads are O(1), a change of one worker's load is O(log n), a change of the eligible set is O(n).
 */
import type { LoadObserver, LoadTable } from './load.ts';
import { NONE, type WorkerIndex } from './worker.ts';

const ABSENT = -1;

export class HeapLoadOrder implements LoadObserver {
  readonly #table: LoadTable;
  #heap: Int32Array = new Int32Array(16);
  #size = 0;
  /** By worker index: position in the heap, or ABSENT. */
  #place: Int32Array = new Int32Array(64).fill(ABSENT);
  /** By worker index: the in-flight count under which the worker is entered in `#levels`. */
  #level: Int32Array = new Int32Array(64);
  #levels: Int32Array = new Int32Array(64);
  #max = 0;

  /** Observes `table` for the life of the table. No worker is eligible yet. */
  constructor(table: LoadTable) {
    this.#table = table;
    table.observe(this);
  }

  /** Replaces the eligible set. `workers`: distinct indices in any order; the array is not kept. */
  setEligible(workers: Int32Array): void {
    this.#clear();
    if (workers.length > this.#heap.length) this.#heap = new Int32Array(2 ** Math.ceil(Math.log2(workers.length)));
    for (let i = 0; i < workers.length; i++) {
      const worker = workers[i]!;
      this.#makeRoom(worker);
      this.#heap[i] = worker;
      this.#place[worker] = i;
      this.#enterLevel(worker);
    }
    this.#size = workers.length;
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  loadChanged(worker: WorkerIndex): void {
    if (worker >= this.#place.length) return;
    const place = this.#place[worker]!;
    if (place === ABSENT) return;
    this.#leaveLevel(worker);
    this.#enterLevel(worker);
    if (!this.#siftUp(place)) this.#siftDown(place);
  }

  has(worker: WorkerIndex): boolean {
    return worker >= 0 && worker < this.#place.length && this.#place[worker] !== ABSENT;
  }

  leastLoaded(excluded: WorkerIndex): WorkerIndex {
    if (this.#size === 0) return NONE;
    const root = this.#heap[0]!;
    if (root !== excluded) return root;
    // The second best of a heap is one of the root's two children.
    if (this.#size === 1) return NONE;
    const left = this.#heap[1]!;
    if (this.#size === 2) return left;
    const right = this.#heap[2]!;
    return this.#less(right, left) ? right : left;
  }

  minLoad(): number {
    return this.#size === 0 ? 0 : this.#level[this.#heap[0]!]!;
  }

  maxLoad(): number {
    return this.#max;
  }

  #less(a: WorkerIndex, b: WorkerIndex): boolean {
    const byLoad = this.#table.inflight[a]! - this.#table.inflight[b]!;
    if (byLoad !== 0) return byLoad < 0;
    const byProcessed = this.#table.processed[a]! - this.#table.processed[b]!;
    return byProcessed !== 0 ? byProcessed < 0 : a < b;
  }

  #siftUp(start: number): boolean {
    let place = start;
    const worker = this.#heap[place]!;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const above = this.#heap[up]!;
      if (!this.#less(worker, above)) break;
      this.#put(place, above);
      place = up;
    }
    this.#put(place, worker);
    return place !== start;
  }

  #siftDown(start: number): void {
    let place = start;
    const worker = this.#heap[place]!;
    for (let child = 2 * place + 1; child < this.#size; child = 2 * place + 1) {
      if (child + 1 < this.#size && this.#less(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      const below = this.#heap[child]!;
      if (!this.#less(below, worker)) break;
      this.#put(place, below);
      place = child;
    }
    this.#put(place, worker);
  }

  #put(place: number, worker: WorkerIndex): void {
    this.#heap[place] = worker;
    this.#place[worker] = place;
  }

  #enterLevel(worker: WorkerIndex): void {
    const level = Math.max(0, this.#table.inflight[worker]!);
    if (level >= this.#levels.length) {
      const larger = new Int32Array(2 ** Math.ceil(Math.log2(level + 1)));
      larger.set(this.#levels);
      this.#levels = larger;
    }
    this.#level[worker] = level;
    this.#levels[level]!++;
    if (level > this.#max) this.#max = level;
  }

  #leaveLevel(worker: WorkerIndex): void {
    const level = this.#level[worker]!;
    this.#levels[level]!--;
    // Loads move by one, so the walk down is one step per release (longer only after a reset to zero).
    while (this.#max > 0 && this.#levels[this.#max] === 0) this.#max--;
  }

  #clear(): void {
    for (let i = 0; i < this.#size; i++) {
      const worker = this.#heap[i]!;
      this.#place[worker] = ABSENT;
      this.#levels[this.#level[worker]!] = 0;
    }
    this.#size = 0;
    this.#max = 0;
  }

  #makeRoom(worker: WorkerIndex): void {
    // A worker in the set has counters, even if nobody has reset them yet.
    this.#table.ensure(worker);
    if (worker < this.#place.length) return;
    const capacity = 2 ** Math.ceil(Math.log2(worker + 1));
    const place = new Int32Array(capacity).fill(ABSENT);
    const level = new Int32Array(capacity);
    place.set(this.#place);
    level.set(this.#level);
    this.#place = place;
    this.#level = level;
  }
}
