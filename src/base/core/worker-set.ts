/** A few workers, ascending by index. Memory and cost follow its size, not that of the fleet. */
import type { WorkerIndex } from './worker.ts';

export interface WorkerSet {
  readonly size: number;
  /** The `n`-th (from 0) member, ascending. */
  at(n: number): WorkerIndex;
  has(worker: WorkerIndex): boolean;
}

export class SmallWorkerSet implements WorkerSet {
  size = 0;
  #members: Int32Array = new Int32Array(8);

  at(n: number): WorkerIndex {
    return this.#members[n]!;
  }

  has(worker: WorkerIndex): boolean {
    const place = this.#placeOf(worker);
    return place < this.size && this.#members[place] === worker;
  }

  add(worker: WorkerIndex): void {
    const place = this.#placeOf(worker);
    if (place < this.size && this.#members[place] === worker) return;
    if (this.size === this.#members.length) {
      const larger = new Int32Array(2 * this.size);
      larger.set(this.#members);
      this.#members = larger;
    }
    this.#members.copyWithin(place + 1, place, this.size);
    this.#members[place] = worker;
    this.size++;
  }

  clear(): void {
    this.size = 0;
  }

  /** Number of members below `worker`. */
  #placeOf(worker: WorkerIndex): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#members[middle]! < worker) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export const NO_WORKERS: WorkerSet = new SmallWorkerSet();
