/** Places in the ascending list of eligible workers: how policies look at it without walking it. */
import type { WorkerIndex } from '../../base/core/worker.ts';
import type { FleetView } from './contract.ts';

/** Place of the first of `workers` (ascending) that is not below `worker`; `workers.length` if there is none. */
export function lowerBound(workers: Int32Array, worker: WorkerIndex): number {
  let low = 0;
  let high = workers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (workers[middle]! < worker) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Place of the excluded worker in `view.eligible`, -1 if it is not there. */
export function excludedPlace(view: FleetView): number {
  if (view.excluded < 0) return -1;
  const place = lowerBound(view.eligible, view.excluded);
  return view.eligible[place] === view.excluded ? place : -1;
}

/** True if the worker may be chosen: eligible and not excluded. */
export function mayTake(view: FleetView, worker: WorkerIndex): boolean {
  return worker !== view.excluded && view.eligible[lowerBound(view.eligible, worker)] === worker;
}

/** The `n`-th (from 0) of the eligible workers, the one at `without` (a place or -1) left out. */
export function nthWithout(workers: Int32Array, n: number, without: number): WorkerIndex {
  return workers[without >= 0 && n >= without ? n + 1 : n]!;
}

/** Number of workers that may be chosen. */
export function choosable(view: FleetView, without: number): number {
  return view.eligible.length - (without >= 0 ? 1 : 0);
}
