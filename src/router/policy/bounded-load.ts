/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018): no worker gets more than `factor` times its even share
 * of the requests in flight; what is too much for one goes to the next on the ring.
 */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { FleetView } from './contract.ts';
import type { HashRing } from './hash-ring.ts';

/** A worker for `hash` among those that may be chosen, one at least. `inFlight`: requests of the whole pool. `factor` 0: no bound. */
export function findBounded(ring: HashRing, hash: number, view: FleetView, inFlight: number, factor: number): WorkerIndex {
  const bound = factor === 0 ? Number.POSITIVE_INFINITY : Math.ceil(((inFlight + 1) / view.count) * factor);
  const found = ring.find(hash, (worker) => view.has(worker) && view.inflight[worker]! < bound);
  // The count of the pool knows nothing of requests that another policy has sent.
  return found === NONE ? view.leastLoaded() : found;
}
