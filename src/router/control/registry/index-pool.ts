/** Gives out worker indices: the lowest free one, and a freed one only when its last owner has no attempt in flight. */
import type { LoadTable } from '../../../base/core/load.ts';
import type { WorkerIndex } from '../../../base/core/worker.ts';

/**
 *   unused ──take()──► taken ──free()──► leaving ──(in-flight count is 0, checked by take())──► unused
 */
export class IndexPool {
  readonly #load: LoadTable;
  readonly #capacity: number;
  /** Indices at and above this one were never taken. */
  #next = 0;
  readonly #unused: WorkerIndex[] = [];
  readonly #leaving: WorkerIndex[] = [];

  constructor(load: LoadTable, capacity: number) {
    this.#load = load;
    this.#capacity = capacity;
  }

  /** An index with its counters at zero, or null when all are taken or leaving. */
  take(): WorkerIndex | null {
    this.#collect();
    let index = this.#unused.pop();
    if (index === undefined) {
      if (this.#next === this.#capacity) return null;
      index = this.#next++;
    }
    this.#load.reset(index);
    return index;
  }

  /** As many indices as `count` says, or null when fewer are free: then none is taken. */
  takeAll(count: number): readonly WorkerIndex[] | null {
    const taken: WorkerIndex[] = [];
    while (taken.length < count) {
      const index = this.take();
      if (index === null) {
        for (const one of taken) this.free(one);
        return null;
      }
      taken.push(index);
    }
    return taken;
  }

  free(index: WorkerIndex): void {
    this.#leaving.push(index);
  }

  #collect(): void {
    let kept = 0;
    for (const index of this.#leaving) {
      if (this.#load.inflight[index] === 0) this.#unused.push(index);
      else this.#leaving[kept++] = index;
    }
    this.#leaving.length = kept;
    this.#unused.sort((a, b) => b - a);
  }
}
