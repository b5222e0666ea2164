/** Work in flight per worker: counted for every policy, released exactly once per attempt. */
import type { WorkerIndex } from './worker.ts';

/** Receives every change of a worker's count, to keep an order of the loads up to date. */
export interface LoadObserver {
  loadChanged(worker: WorkerIndex): void;
}

/**
 * Counters by worker index, in typed arrays that grow when an index beyond them appears (so hold the table, not
 * the arrays). `inflight`: attempts dispatched and not ended. `processed`: attempts ever dispatched.
 */
export class LoadTable {
  inflight: Int32Array = new Int32Array(64);
  processed: Float64Array = new Float64Array(64);
  readonly #observers: LoadObserver[] = [];

  /** For the life of the table. */
  observe(observer: LoadObserver): void {
    this.#observers.push(observer);
  }

  /** Makes room for `worker`; counters that exist keep their values. */
  ensure(worker: WorkerIndex): void {
    while (worker >= this.inflight.length) this.#grow();
  }

  /** Makes room for `worker` and sets its counters to zero: a new worker at that index. */
  reset(worker: WorkerIndex): void {
    this.ensure(worker);
    this.inflight[worker] = 0;
    this.processed[worker] = 0;
    this.#changed(worker);
  }

  acquire(worker: WorkerIndex): void {
    this.inflight[worker]!++;
    this.processed[worker]!++;
    this.#changed(worker);
  }

  release(worker: WorkerIndex): void {
    this.inflight[worker]!--;
    this.#changed(worker);
  }

  #changed(worker: WorkerIndex): void {
    for (let i = 0; i < this.#observers.length; i++) this.#observers[i]!.loadChanged(worker);
  }

  #grow(): void {
    const inflight = new Int32Array(this.inflight.length * 2);
    const processed = new Float64Array(inflight.length);
    inflight.set(this.inflight);
    processed.set(this.processed);
    this.inflight = inflight;
    this.processed = processed;
  }
}
