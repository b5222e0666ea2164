/**
 * Where control plane and data plane meet: an immutable snapshot of all workers, swapped whole.
 *
 *   control/registry --publish--> FleetCell.current --read--> proxy (selection, pools)
 *   proxy --AttemptListener--> control/registry (an attempt ended)
 */
import type { Outcome } from './outcome.ts';
import type { Worker, WorkerIndex, WorkerType } from './worker.ts';

export interface FleetSnapshot {
  /** Grows by one with every publication. */
  readonly version: number;
  /** By worker index; holes are `undefined`. Includes workers that are not eligible. */
  readonly workers: readonly (Worker | undefined)[];
  /** Indices that may take a request now, ascending, per worker type. */
  readonly eligible: Readonly<Record<WorkerType, Int32Array>>;
  /** Workers per type that would be eligible if their load were below the bounds of the operator. */
  readonly overloaded: Readonly<Record<WorkerType, number>>;
  /** Number of registered workers (not holes). */
  readonly total: number;
}

/** Told synchronously, in order of subscription, after `current` has been swapped. */
export interface FleetListener {
  /** A worker exists (not necessarily eligible yet). Also called when its facts change (same index). */
  workerJoined?(worker: Worker): void;
  /** A worker was removed: no new attempts; those under way go on to their end. */
  workerLeft?(worker: Worker): void;
  snapshotChanged?(snapshot: FleetSnapshot): void;
  /** The engine of a worker has dropped all that it held of prompts. */
  cacheEmptied?(worker: Worker): void;
}

/** How the data plane reports what it saw to the control plane. */
export interface AttemptListener {
  /** Called once per attempt, before its request is sent. May publish a snapshot. */
  attemptStarted(worker: WorkerIndex): void;
  /** Called once per attempt, when it ends. */
  attemptEnded(worker: WorkerIndex, outcome: Outcome): void;
  /** The worker broke a connection, and the probe that this asked for has not shown yet whether it is gone. */
  isInDoubt(worker: WorkerIndex): boolean;
  /** The last answer of 500 was the fault of the request, not of this worker. */
  forgive(worker: WorkerIndex): void;
}

/** How often workers are asked for their load, if there are bounds for it. A verdict does not change sooner, so clients wait as long. */
export const LOAD_POLL_SECS = 10;

const NO_WORKERS = new Int32Array(0);

export const EMPTY_FLEET: FleetSnapshot = {
  version: 0,
  workers: [],
  eligible: { regular: NO_WORKERS, prefill: NO_WORKERS, decode: NO_WORKERS },
  overloaded: { regular: 0, prefill: 0, decode: 0 },
  total: 0,
};

/** Holds the current snapshot. One writer (the registry), any number of readers on the same event loop. */
export class FleetCell {
  #current: FleetSnapshot = EMPTY_FLEET;
  readonly #listeners: FleetListener[] = [];

  get current(): FleetSnapshot {
    return this.#current;
  }

  /** Adds a listener for the life of the cell; it is told of what changes from now on. */
  subscribe(listener: FleetListener): void {
    this.#listeners.push(listener);
  }

  /** Swaps the snapshot, then tells the listeners who joined, who left, and that it changed, in this order. */
  publish(next: FleetSnapshot, joined: readonly Worker[], left: readonly Worker[]): void {
    this.#current = next;
    for (const listener of this.#listeners) {
      for (const worker of left) listener.workerLeft?.(worker);
      for (const worker of joined) listener.workerJoined?.(worker);
      listener.snapshotChanged?.(next);
    }
  }

  /** The engine of `worker` has emptied its cache: all listeners hear of it. */
  emptied(worker: Worker): void {
    for (const listener of this.#listeners) listener.cacheEmptied?.(worker);
  }
}
