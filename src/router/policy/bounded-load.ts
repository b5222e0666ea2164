/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018): no worker gets more than `factor` times its even share
 * of the requests in flight; what is too much for one goes to the next on the ring.
 */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { FleetView } from './contract.ts';
import type { HashRing } from './hash-ring.ts';

/** A worker for `hash` among those that may be chosen, one at least. `factor` 0: no bound, and no look at all loads. */
export function findBounded(ring: HashRing, hash: number, view: FleetView, factor: number): WorkerIndex {
  const bound = factor === 0 ? Number.POSITIVE_INFINITY : Math.ceil(((inFlight(view) + 1) / view.count) * factor);
  const found = ring.find(hash, (worker) => view.has(worker) && view.inflight[worker]! < bound);
  // A worker that has not joined the ring yet.
  return found === NONE ? view.leastLoaded() : found;
}

/** Of the workers that may be chosen, whoever sent the requests. O(workers): a microsecond for 1,024. */
function inFlight(view: FleetView): number {
  let sum = 0;
  for (let n = 0; n < view.count; n++) sum += view.inflight[view.at(n)]!;
  return sum;
}
