/** On which nodes and GPUs every worker runs. */
import type { Recipe, WorkerGroup, WorkerRole } from '../recipe/resolve/recipe.ts';
import { oneWorker } from '../recipe/resolve/worker-words.ts';
import { placePacked } from './place-packed.ts';
import type { PlacedWorker } from './placement.ts';
import type { PlanProblem } from './plan.ts';

export interface WorkerPlacement {
  readonly workers: readonly PlacedWorker[];
  /** By node: whether a worker runs there. */
  readonly used: readonly boolean[];
  readonly problems: readonly PlanProblem[];
}

/** Recipe keys of a role, for messages. */
const KEYS: Readonly<Record<WorkerRole, string>> = { prefill: 'prefill', decode: 'decode', aggregated: 'agg' };

/**
 * Groups take consecutive blocks of nodes in the order of the recipe (prefill, then decode); a group with 0 nodes shares the block
 * before it. Inside its block a group spreads: worker i of W on N nodes begins at node floor(i * N / W), or at i * floor(N / W) if it
 * takes several nodes; where the GPUs there are taken, on the first nodes that have them.
 *
 *     2 nodes of 4 GPUs, 4 workers of 2 GPUs     n0: w0[0,1] w1[2,3]   n1: w2[0,1] w3[2,3]
 *     2 nodes of 4 GPUs, 1 worker of 8 GPUs      n0: w0 rank 0         n1: w0 rank 1
 */
export function placeWorkers(recipe: Recipe): WorkerPlacement {
  const { gpusPerNode, nodes, spreadWorkers, packWorkers } = recipe.resources;
  const packed = packWorkers ? placePacked(recipe) : null;
  if (packed !== null) return { workers: packed, used: usedNodes(nodes, packed), problems: [] };
  const taken = new Array<number>(nodes).fill(0);
  const workers: PlacedWorker[] = [];
  const problems: PlanProblem[] = [];
  let block = { first: 0, count: 0 };
  for (const group of recipe.workers) {
    if (group.nodes > 0) block = { first: block.first + block.count, count: group.nodes };
    const shape = rankShape(group, gpusPerNode);
    if (shape === null) {
      problems.push(unequalRanks(group, gpusPerNode));
      continue;
    }
    for (let index = 0; index < group.workers; index++) {
      const start = findStart(group, index, block, shape, taken, spreadWorkers ? 1 : gpusPerNode);
      if (start === null) {
        problems.push(noRoom(group, index, block.count, gpusPerNode, spreadWorkers));
        break;
      }
      const ranks = Array.from({ length: shape.nodes }, (_, rank) => {
        const node = start + rank;
        const offset = taken[node] ?? 0;
        taken[node] = offset + shape.gpus;
        return { node, gpus: Array.from({ length: shape.gpus }, (_, i) => offset + i) };
      });
      workers.push({ role: group.role, index, ranks });
    }
  }
  return { workers, used: usedNodes(nodes, workers), problems };
}

function usedNodes(nodes: number, workers: readonly PlacedWorker[]): readonly boolean[] {
  const used = new Set(workers.flatMap(({ ranks }) => ranks.map(({ node }) => node)));
  return Array.from({ length: nodes }, (_, node) => used.has(node));
}

/** Nodes of one worker and its GPUs on each of them. */
interface RankShape {
  readonly nodes: number;
  readonly gpus: number;
}

/** Null: its GPUs cannot be divided equally over the nodes that it needs. */
function rankShape(group: WorkerGroup, gpusPerNode: number): RankShape | null {
  const nodes = Math.ceil(group.gpusPerWorker / gpusPerNode);
  return group.gpusPerWorker % nodes === 0 ? { nodes, gpus: group.gpusPerWorker / nodes } : null;
}

/** First node of the worker; null: no room. `perNode`: 1 when at most one worker may be on a node. */
function findStart(
  group: WorkerGroup,
  index: number,
  block: { readonly first: number; readonly count: number },
  shape: RankShape,
  taken: readonly number[],
  perNode: number,
): number | null {
  const last = block.first + block.count - shape.nodes;
  // `perNode` is the number of GPUs of a node unless workers are spread, and then a node with any taken GPU is full.
  const fits = (start: number): boolean => {
    for (let node = start; node < start + shape.nodes; node++) {
      const gpus = taken[node] ?? 0;
      if (perNode === 1 ? gpus > 0 : gpus + shape.gpus > perNode) return false;
    }
    return true;
  };
  const stride = shape.nodes > 1 ? Math.floor(block.count / group.workers) : block.count / group.workers;
  const preferred = block.first + Math.floor(index * stride);
  if (preferred <= last && fits(preferred)) return preferred;
  for (let start = block.first; start <= last; start++) if (fits(start)) return start;
  return null;
}

function unequalRanks(group: WorkerGroup, gpusPerNode: number): PlanProblem {
  const nodes = Math.ceil(group.gpusPerWorker / gpusPerNode);
  return {
    path: `resources.gpus_per_${KEYS[group.role]}`,
    message: `${oneWorker(group.role)} of ${group.gpusPerWorker} GPUs needs ${nodes} nodes of ${gpusPerNode}, and these cannot have equal shares`,
    suggestion: `give it a multiple of ${nodes} GPUs`,
  };
}

function noRoom(group: WorkerGroup, index: number, nodes: number, gpusPerNode: number, spread: boolean): PlanProblem {
  const key = KEYS[group.role];
  const shared = group.nodes === 0 ? ', which it shares with the prefill workers' : '';
  const each = spread ? 'one worker on each (spread_workers)' : `${gpusPerNode} GPUs on each`;
  return {
    path: `resources.${key}_workers`,
    message: `no room for ${group.role} worker ${index} (of ${group.workers}): ${group.gpusPerWorker} GPUs for each worker, ${nodes} node${nodes === 1 ? '' : 's'} with ${each}${shared}`,
    suggestion: `raise resources.${key}_nodes, or lower resources.${key}_workers or resources.gpus_per_${key}`,
  };
}
