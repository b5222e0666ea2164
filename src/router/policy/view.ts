/** The view of one pool of workers: which are eligible (the control plane decides) and how loaded they are (the data plane counts). */
import type { LoadTable } from '../../base/core/load.ts';
import { HeapLoadOrder } from '../../base/core/load-order.ts';
import type { WorkerIndex } from '../../base/core/worker.ts';
import { NO_WORKERS, type WorkerSet } from '../../base/core/worker-set.ts';
import type { FleetView } from './contract.ts';

export class FleetViewState implements FleetView {
  count = 0;
  /** Worker indices, ascending, excluded ones as well. */
  eligible: Int32Array = new Int32Array(0);
  #excluded: WorkerSet = NO_WORKERS;
  /** Places of the excluded workers in `eligible`, ascending; `#gapCount` of them. */
  #gaps: Int32Array = new Int32Array(8);
  #gapCount = 0;
  readonly #loads: LoadTable;
  readonly #order: HeapLoadOrder;

  /** Observes `loads` for the life of the table. */
  constructor(loads: LoadTable) {
    this.#loads = loads;
    this.#order = new HeapLoadOrder(loads);
  }

  /** `workers`: distinct indices, ascending; kept, and not to be changed afterwards. A new array ends the exclusion. */
  setEligible(workers: Int32Array): void {
    if (workers === this.eligible) return;
    this.eligible = workers;
    this.#order.setEligible(workers);
    this.exclude(NO_WORKERS);
  }

  /** Leaves these workers out of all answers until the next call. Reads `workers` until then. */
  exclude(workers: WorkerSet): void {
    this.#excluded = workers;
    this.#gapCount = 0;
    for (let i = 0; i < workers.size; i++) {
      const worker = workers.at(i);
      if (this.#order.has(worker)) this.#addGap(lowerBound(this.eligible, worker));
    }
    this.count = this.eligible.length - this.#gapCount;
  }

  at(n: number): WorkerIndex {
    let place = n;
    for (let i = 0; i < this.#gapCount && this.#gaps[i]! <= place; i++) place++;
    return this.eligible[place]!;
  }

  placeOf(worker: WorkerIndex): number {
    const place = lowerBound(this.eligible, worker);
    let gaps = 0;
    while (gaps < this.#gapCount && this.#gaps[gaps]! < place) gaps++;
    return place - gaps;
  }

  has(worker: WorkerIndex): boolean {
    return this.#order.has(worker) && !this.#excluded.has(worker);
  }

  leastLoaded(): WorkerIndex {
    return this.#order.leastLoaded(this.#excluded);
  }
  minLoad(): number {
    return this.#order.minLoad(this.#excluded);
  }
  maxLoad(): number {
    return this.#order.maxLoad(this.#excluded);
  }

  get inflight(): Int32Array {
    return this.#loads.inflight;
  }
  get processed(): Float64Array {
    return this.#loads.processed;
  }

  #addGap(place: number): void {
    if (this.#gapCount === this.#gaps.length) {
      const larger = new Int32Array(2 * this.#gapCount);
      larger.set(this.#gaps);
      this.#gaps = larger;
    }
    this.#gaps[this.#gapCount++] = place;
  }
}

/** Number of `workers` (ascending) below `worker`. */
function lowerBound(workers: Int32Array, worker: WorkerIndex): number {
  let low = 0;
  let high = workers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (workers[middle]! < worker) low = middle + 1;
    else high = middle;
  }
  return low;
}
