/**
 * Workers on a ring of 32-bit numbers, each at 150 points that follow from its URL. A key goes to the worker of the first point at or
 * after its hash. When a worker comes or goes, only the keys of its own points move. Source: sglang_router 0.3.2 (150 points).
 */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import { hashText } from './text-hash.ts';

const POINTS = 150;

export class HashRing {
  /** Ascending. */
  #points: Uint32Array = new Uint32Array(0);
  /** Whose point it is. */
  #owners: Int32Array = new Int32Array(0);

  /** O(points of all workers). A worker that is on the ring moves. */
  add(worker: WorkerIndex, url: string): void {
    this.remove(worker);
    const own = new Uint32Array(POINTS);
    for (let i = 0; i < POINTS; i++) own[i] = hashText(`${url}#${i}`);
    own.sort();
    const [points, owners] = [this.#points, this.#owners];
    const [allPoints, allOwners] = [new Uint32Array(points.length + POINTS), new Int32Array(points.length + POINTS)];
    for (let at = 0, i = 0, j = 0; at < allPoints.length; at++) {
      if (j === POINTS || (i < points.length && points[i]! <= own[j]!)) {
        allPoints[at] = points[i]!;
        allOwners[at] = owners[i++]!;
      } else {
        allPoints[at] = own[j++]!;
        allOwners[at] = worker;
      }
    }
    this.#points = allPoints;
    this.#owners = allOwners;
  }

  remove(worker: WorkerIndex): void {
    if (!this.#owners.includes(worker)) return;
    const kept = (_: unknown, at: number): boolean => this.#owners[at] !== worker;
    this.#points = this.#points.filter(kept);
    this.#owners = this.#owners.filter((owner) => owner !== worker);
  }

  /** The first worker from `hash` on that `accepts` takes; NONE if it takes none. */
  find(hash: number, accepts: (worker: WorkerIndex) => boolean): WorkerIndex {
    const owners = this.#owners;
    const start = this.#firstAt(hash);
    let last: WorkerIndex = NONE;
    for (let step = 0; step < owners.length; step++) {
      const at = start + step;
      const owner = owners[at < owners.length ? at : at - owners.length]!;
      if (owner !== last && accepts(owner)) return owner;
      last = owner;
    }
    return NONE;
  }

  /** Place of the first point at or after `hash`. */
  #firstAt(hash: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
