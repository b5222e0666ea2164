/**
 * The eligible workers of one pool in order of load, updated as loads change, so that no request walks all workers.
 *
 *   heap   binary min-heap of worker indices by (in-flight, processed, index); `#place[worker]` is its position, -1 = not in it
 *   levels number of eligible workers that have exactly k requests in flight; the highest k in use is the maximum load
 *
 * Reads are O(1), or follow the number of excluded workers. A change of one worker's load is O(log n), a change of the eligible
 * set is O(n).
 */
import type { LoadObserver, LoadTable } from './load.ts';
import { NONE, type WorkerIndex } from './worker.ts';
import { NO_WORKERS, type WorkerSet } from './worker-set.ts';

const ABSENT = -1;

export class HeapLoadOrder implements LoadObserver {
  readonly #table: LoadTable;
  #heap: Int32Array = new Int32Array(16);
  #size = 0;
  /** By worker index: position in the heap, or ABSENT. */
  #place: Int32Array = new Int32Array(64).fill(ABSENT);
  /** By worker index: the level in `#levels` that counts the worker. */
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

  /** The eligible worker with least (in-flight, processed, index) that is not excluded; NONE if there is none. */
  leastLoaded(excluded: WorkerSet = NO_WORKERS): WorkerIndex {
    if (this.#size === 0) return NONE;
    return excluded.size === 0 ? this.#heap[0]! : this.#leastBelow(0, excluded);
  }

  /** Smallest in-flight count among the eligible workers that are not excluded; 0 if there are none. */
  minLoad(excluded: WorkerSet = NO_WORKERS): number {
    const worker = this.leastLoaded(excluded);
    return worker === NONE ? 0 : this.#level[worker]!;
  }

  /** Largest in-flight count among them; 0 if there are none. */
  maxLoad(excluded: WorkerSet = NO_WORKERS): number {
    if (excluded.size === 0) return this.#max;
    let level = this.#max;
    while (level > 0 && this.#levels[level]! <= this.#countAt(level, excluded)) level--;
    return level;
  }

  /** In the part of the heap below `place`. Only below an excluded worker can there be more than one to compare. */
  #leastBelow(place: number, excluded: WorkerSet): WorkerIndex {
    if (place >= this.#size) return NONE;
    const worker = this.#heap[place]!;
    if (!excluded.has(worker)) return worker;
    const left = this.#leastBelow(2 * place + 1, excluded);
    const right = this.#leastBelow(2 * place + 2, excluded);
    if (left === NONE) return right;
    return right !== NONE && this.#less(right, left) ? right : left;
  }

  /** How many of `workers` are eligible and have `level` requests in flight. */
  #countAt(level: number, workers: WorkerSet): number {
    let count = 0;
    for (let i = 0; i < workers.size; i++) {
      const worker = workers.at(i);
      if (this.has(worker) && this.#level[worker] === level) count++;
    }
    return count;
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
    // A worker can become eligible before its counters are reset.
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
