/** How many requests the workers that are eligible now run at the same time. Pure. */
import type { FleetSnapshot } from '../../../base/core/fleet.ts';
import type { WorkerType } from '../../../base/core/worker.ts';

/** Of a worker that does not report it. Source: smg. */
const SLOTS_PER_WORKER = 64;
/** While no worker is eligible: requests must not wait for one, they are answered 503. Source of the number: smg. */
const SLOTS_WITHOUT_WORKERS = 1024;

/** `type`: of the workers that run requests to their end. */
export function fleetSlots({ eligible, workers }: FleetSnapshot, type: WorkerType): number {
  if (eligible[type].length === 0) return SLOTS_WITHOUT_WORKERS;
  let slots = 0;
  for (const worker of eligible[type]) slots += workers[worker]?.maxRunningRequests ?? SLOTS_PER_WORKER;
  return slots;
}
