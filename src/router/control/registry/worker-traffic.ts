/** What the data plane knows of the connections to a worker, and can do to them. */
import type { WorkerIndex } from '../../../base/core/worker.ts';

export interface WorkerTraffic {
  /** Reads of answers so far, all ranks of an engine together. */
  reads(worker: WorkerIndex): number;
  /** The worker hangs: all requests that it has fail, so that they go to others. */
  giveUp(worker: WorkerIndex): void;
}

export const NO_TRAFFIC: WorkerTraffic = { reads: () => 0, giveUp: () => {} };
