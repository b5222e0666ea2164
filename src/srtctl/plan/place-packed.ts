/** Workers packed onto nodes, as srt-slurm places them. */
import type { Recipe } from '../recipe/resolve/recipe.ts';
import type { PlacedRank, PlacedWorker } from './placement.ts';

/**
 * One row of nodes for all roles, filled from the left: workers of a node or more take whole nodes; smaller ones take the next free GPUs of
 * the node at hand, and the next node where they do not fit. Decode begins on a node of its own unless it shares the prefill nodes. Null: the
 * nodes do not suffice.
 *
 *     2 nodes of 8 GPUs, 2 prefill workers of 4, 1 decode worker of 8     n0: p0[0-3] p1[4-7]   n1: d0[0-7]
 *
 * Source: `allocate_endpoints` of srt-slurm 1.x.
 */
export function placePacked(recipe: Recipe): readonly PlacedWorker[] | null {
  const { gpusPerNode, nodes, spreadWorkers } = recipe.resources;
  const placed: PlacedWorker[] = [];
  let node = 0;
  let offset = 0;
  for (const group of recipe.workers) {
    if (offset > 0 && group.nodes > 0) [node, offset] = [node + 1, 0];
    const { gpusPerWorker } = group;
    if (gpusPerWorker >= gpusPerNode && gpusPerWorker % gpusPerNode !== 0) return null;
    for (let index = 0; index < group.workers; index++) {
      const ranks: PlacedRank[] = [];
      if (gpusPerWorker >= gpusPerNode) {
        if (offset > 0) [node, offset] = [node + 1, 0];
        for (let rank = 0; rank < gpusPerWorker / gpusPerNode; rank++) ranks.push({ node: node++, gpus: range(0, gpusPerNode) });
      } else {
        if (offset + gpusPerWorker > gpusPerNode) [node, offset] = [node + 1, 0];
        ranks.push({ node, gpus: range(offset, gpusPerWorker) });
        offset += gpusPerWorker;
        if (offset >= gpusPerNode || spreadWorkers) [node, offset] = [node + 1, 0];
      }
      placed.push({ role: group.role, index, ranks });
    }
  }
  return placed.every(({ ranks }) => ranks.every((rank) => rank.node < nodes)) ? placed : null;
}

function range(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}
