/** Where workers are. */
import type { WorkerRole } from '../recipe/resolve/recipe.ts';

/** One process of a worker. */
export interface PlacedRank {
  /** Index of the node. */
  readonly node: number;
  /** Of this node, ascending, never empty. */
  readonly gpus: readonly number[];
}

export interface PlacedWorker {
  readonly role: WorkerRole;
  /** Index within its role. */
  readonly index: number;
  /** By rank; consecutive nodes, as many GPUs on each. */
  readonly ranks: readonly PlacedRank[];
}
