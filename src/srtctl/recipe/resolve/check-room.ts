/** Whether the nodes of a recipe suffice for its workers, and how they are placed on them. */
import type { Findings } from '../text/findings.ts';
import type { Resources, WorkerGroup } from './recipe.ts';
import { counted, KEYS, oneWorker } from './worker-words.ts';

/**
 * Each role has nodes of its own, unless decode shares those of prefill. Where they do not suffice, all nodes together may, if workers fill
 * one node after the other; that is how srt-slurm places them. Returns whether they do.
 */
export function checkRoom(workers: readonly WorkerGroup[], resources: Resources, isShared: boolean, findings: Findings): boolean {
  const { gpusPerNode, nodes, packWorkers } = resources;
  if (!workers.every((group) => isWholeNodes(group, gpusPerNode, findings))) return packWorkers;
  if (isShared) {
    if (workers.length === 2) checkSharedRoom(workers, gpusPerNode, findings);
    return packWorkers;
  }
  const packed = packedNodes(workers, resources);
  const tight = workers.filter((group) => neededNodes(group, resources) > group.nodes);
  if (packWorkers) {
    if (packed > nodes)
      findings.impossible(['resources', 'pack_workers'], `the packed workers need ${counted(packed, 'node')}, there are ${nodes}`);
    return true;
  }
  if (tight.length > 0 && packed <= nodes) {
    const [first] = tight;
    findings.warn(
      ['resources', KEYS[first!.role].nodes],
      `${needs(first!, resources)}, but all nodes together suffice: the plan packs the workers`,
      'set pack_workers: true to say so',
    );
    return true;
  }
  for (const group of tight) {
    const key = KEYS[group.role];
    findings.impossible(
      ['resources', key.workers],
      needs(group, resources),
      `set resources.${key.nodes}: ${neededNodes(group, resources)}`,
    );
  }
  for (const group of workers) {
    const needed = neededNodes(group, resources);
    if (needed >= group.nodes) continue;
    const workersOfRole = `${counted(group.workers, `${group.role} worker`)} of ${counted(group.gpusPerWorker, 'GPU')}`;
    const spread = Math.min(group.workers, group.nodes);
    const isSmall = group.gpusPerWorker < gpusPerNode && spread > needed;
    findings.warn(
      ['resources', KEYS[group.role].nodes],
      isSmall
        ? `${workersOfRole} need ${needed} of ${counted(group.nodes, 'node')} and spread over ${spread}`
        : `${workersOfRole} use ${needed} of ${counted(group.nodes, 'node')}`,
      isSmall ? 'pack_workers: true fills one node after the other, as srt-slurm does' : null,
    );
  }
  return false;
}

function isWholeNodes({ role, gpusPerWorker }: WorkerGroup, gpusPerNode: number, findings: Findings): boolean {
  if (gpusPerWorker <= gpusPerNode || gpusPerWorker % gpusPerNode === 0) return true;
  const below = gpusPerWorker - (gpusPerWorker % gpusPerNode);
  findings.impossible(
    ['resources', KEYS[role].workers],
    `${oneWorker(role)} has ${gpusPerWorker} GPUs, which is no multiple of the ${gpusPerNode} of a node`,
    `set resources.${KEYS[role].gpus} to ${below} or ${below + gpusPerNode}, or change nodes and workers`,
  );
  return false;
}

/** Of a role alone: whole nodes for workers of a node or more; smaller ones side by side. */
function neededNodes({ workers, gpusPerWorker }: WorkerGroup, { gpusPerNode, spreadWorkers }: Resources): number {
  const perNode = spreadWorkers ? 1 : Math.floor(gpusPerNode / gpusPerWorker);
  return gpusPerWorker >= gpusPerNode ? workers * (gpusPerWorker / gpusPerNode) : Math.ceil(workers / perNode);
}

/** Of all roles in one row of nodes, each role beginning on a node of its own. */
function packedNodes(workers: readonly WorkerGroup[], resources: Resources): number {
  return workers.reduce((sum, group) => sum + neededNodes(group, resources), 0);
}

function needs(group: WorkerGroup, resources: Resources): string {
  const { role, workers, nodes, gpusPerWorker } = group;
  return `${counted(workers, `${role} worker`)} of ${counted(gpusPerWorker, 'GPU')} need ${counted(neededNodes(group, resources), 'node')}, there are ${nodes}`;
}

function checkSharedRoom(workers: readonly WorkerGroup[], gpusPerNode: number, findings: Findings): void {
  const needed = workers.reduce((sum, group) => sum + group.workers * group.gpusPerWorker, 0);
  const there = workers.reduce((sum, group) => sum + group.nodes, 0) * gpusPerNode;
  if (needed > there) {
    findings.impossible(
      ['resources', 'decode_workers'],
      `prefill and decode workers need ${needed} GPUs of the ${there} that they share`,
      'set gpus_per_prefill and gpus_per_decode, or give decode_nodes',
    );
  }
}
