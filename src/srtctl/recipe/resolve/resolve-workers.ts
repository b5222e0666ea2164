/** resources + sglang_config -> worker groups, with the arithmetic of nodes, GPUs and parallel sizes. */

import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import type { Tree } from '../text/tree.ts';
import { checkRoom } from './check-room.ts';
import type { Cluster } from './cluster.ts';
import { gpusOfWorker } from './engine-flags.ts';
import { readEnvironment, readFlags } from './free-maps.ts';
import { resolveKvEvents } from './kv-events.ts';
import { ownFlags } from './own-flags.ts';
import type { Resources, WorkerGroup, WorkerRole } from './recipe.ts';
import { counted, KEYS, oneWorker, pathOf } from './worker-words.ts';

type ResourcesInput = NonNullable<RecipeInput['resources']>;

const ROLES: readonly WorkerRole[] = ['prefill', 'decode', 'aggregated'];

export interface WorkersAndResources {
  readonly resources: Resources;
  /** Empty only if problems were told. */
  readonly workers: readonly WorkerGroup[];
}

/** @param alias explains names of images by the cluster file. */
export function resolveWorkers(
  input: RecipeInput,
  tree: Tree,
  cluster: Pick<Cluster, 'gpusPerNode' | 'gpuType'>,
  alias: (name: string) => string,
  findings: Findings,
): WorkersAndResources {
  const given = input.resources ?? {};
  const { gpusPerNode: clusterGpusPerNode } = cluster;
  const gpusPerNode = Number(given.gpus_per_node ?? clusterGpusPerNode ?? DEFAULTS.gpusPerNode);
  if (clusterGpusPerNode !== null && clusterGpusPerNode < gpusPerNode && input.backend?.type !== 'sim') {
    findings.warn(
      ['resources', 'gpus_per_node'],
      `got ${gpusPerNode}, but the nodes of the cluster have ${clusterGpusPerNode} by its file`,
    );
  }
  const roles = rolesOf(given, findings);
  checkUnusedSections(roles, input, findings);
  const isShared = roles.includes('prefill') && given.decode_nodes !== undefined && Number(given.decode_nodes) === 0;
  const workers = roles.flatMap((role) => {
    const size = sizeOf(role, given, gpusPerNode, isShared, findings);
    const path = ['backend', 'sglang_config', role];
    const flags = ownFlags(role, readFlags(tree, path, findings), findings);
    const environment = readEnvironment(tree, ['backend', `${role}_environment`], findings);
    const container = input.backend?.[`${role}_container`];
    const kvEvents = resolveKvEvents(role, tree, findings);
    return size === null
      ? []
      : [{ role, ...size, flags, environment, container: container === undefined ? null : alias(container), kvEvents }];
  });
  const spreadWorkers = given.spread_workers ?? false;
  const packWorkers = given.pack_workers ?? false;
  if (spreadWorkers && packWorkers)
    findings.problem(['resources', 'pack_workers'], 'got true, but spread_workers is true, too', 'keep one of them');
  if (given.het_jobs === true)
    findings.problem(
      ['resources', 'het_jobs'],
      'got true: srtctl submits no heterogeneous jobs',
      'remove it; all nodes of the recipe become one job, and sbatch_directives.segment divides it',
    );
  for (const group of workers) checkParallelism(group, given, gpusPerNode, findings);
  const nodes = workers.reduce((sum, group) => sum + group.nodes, 0);
  const resources = { gpuType: given.gpu_type ?? cluster.gpuType, gpusPerNode, nodes, spreadWorkers, packWorkers };
  const isPacked = checkRoom(workers, resources, isShared, findings);
  return { resources: { ...resources, packWorkers: isPacked }, workers };
}

function isGiven(given: ResourcesInput, role: WorkerRole): boolean {
  return Object.values(KEYS[role]).some((key) => given[key] !== undefined);
}

/** Prefill and decode, or aggregated; none if resources do not say, which is told. */
function rolesOf(given: ResourcesInput, findings: Findings): readonly WorkerRole[] {
  const [prefill, decode, aggregated] = ROLES.map((role) => isGiven(given, role));
  if (aggregated && (prefill || decode)) {
    const path = ['resources', Object.values(KEYS.aggregated).find((key) => given[key] !== undefined)!];
    findings.problem(path, 'aggregated workers beside prefill and decode workers', 'give either agg_* or prefill_* and decode_*', true);
    return [];
  }
  if (aggregated) return ['aggregated'];
  if (prefill && decode) return ['prefill', 'decode'];
  if (prefill || decode) {
    // Wrong values have been told, and with right ones both roles would be there.
    if (Object.values(KEYS[prefill ? 'decode' : 'prefill']).some((key) => findings.isWritten(['resources', key]))) return [];
    const [here, lacking] = prefill ? (['prefill', 'decode'] as const) : (['decode', 'prefill'] as const);
    findings.problem(
      ['resources'],
      `there are ${here} workers but no ${lacking} workers`,
      `give ${lacking}_nodes and ${lacking}_workers, or agg_nodes and agg_workers`,
    );
    return [];
  }
  // Without the block its absence is told elsewhere.
  if (findings.find(['resources']) !== null) {
    findings.problem(
      ['resources'],
      'asks for no workers',
      'give prefill_nodes, prefill_workers, decode_nodes and decode_workers, or agg_nodes and agg_workers',
    );
  }
  return [];
}

function checkUnusedSections(roles: readonly WorkerRole[], input: RecipeInput, findings: Findings): void {
  if (roles.length === 0) return;
  for (const role of ROLES) {
    if (roles.includes(role)) continue;
    if (input.backend?.sglang_config?.[role] !== undefined) {
      findings.problem(
        ['backend', 'sglang_config', role],
        `resources ask for no ${role} workers`,
        `remove it, or give ${KEYS[role].workers}`,
        true,
      );
    }
    if (input.backend?.[`${role}_environment`] !== undefined) {
      findings.warn(['backend', `${role}_environment`], `has no effect: resources ask for no ${role} workers`);
    }
  }
}

interface Size {
  readonly workers: number;
  readonly nodes: number;
  readonly gpusPerWorker: number;
}

function sizeOf(role: WorkerRole, given: ResourcesInput, gpusPerNode: number, isShared: boolean, findings: Findings): Size | null {
  const keys = KEYS[role];
  const workers = Number(given[keys.workers] ?? Number.NaN);
  const nodes = Number(given[keys.nodes] ?? (role === 'aggregated' ? 1 : Number.NaN));
  for (const [key, value] of [
    [keys.workers, workers],
    [keys.nodes, nodes],
  ] as const) {
    if (Number.isNaN(value) && !findings.isWritten(['resources', key]))
      findings.problem(['resources'], `${key} is missing`, 'give the number of nodes and of workers for each role');
  }
  if (Number.isNaN(workers) || Number.isNaN(nodes)) return null;
  if (workers === 0) findings.problem(['resources', keys.workers], 'got 0, expected at least 1 worker');
  const mayBeNone = role === 'decode' && isShared;
  if (nodes === 0 && !mayBeNone) findings.problem(['resources', keys.nodes], 'got 0, expected at least 1 node');
  if (workers === 0 || (nodes === 0 && !mayBeNone)) return null;
  const gpusPerWorker = Number(given[keys.gpus] ?? computedGpus(role, given, gpusPerNode, isShared));
  if (!(gpusPerWorker >= 1)) {
    findings.impossible(
      ['resources', keys.workers],
      `${workers} workers are more than the ${nodes * gpusPerNode} GPUs of ${counted(nodes, 'node')}`,
      'ask for more nodes or fewer workers',
    );
    return null;
  }
  return { workers, nodes, gpusPerWorker };
}

/** nodes x gpus_per_node / workers, rounded down. Where decode workers share the prefill nodes, all workers divide them. */
function computedGpus(role: WorkerRole, given: ResourcesInput, gpusPerNode: number, isShared: boolean): number {
  if (!isShared) return Math.floor((Number(given[KEYS[role].nodes] ?? 1) * gpusPerNode) / Number(given[KEYS[role].workers]));
  if (role === 'decode' && given.gpus_per_prefill !== undefined) return Number(given.gpus_per_prefill);
  const total = Number(given.prefill_nodes ?? 0) * gpusPerNode;
  const prefill = Number(given.prefill_workers ?? 0);
  const decode = Number(given.decode_workers ?? 0);
  if (role === 'prefill' && given.gpus_per_decode !== undefined)
    return Math.floor((total - decode * Number(given.gpus_per_decode)) / prefill);
  return Math.floor(total / (prefill + decode));
}

function checkParallelism(group: WorkerGroup, given: ResourcesInput, gpusPerNode: number, findings: Findings): void {
  const { role, gpusPerWorker, workers, nodes } = group;
  const path = ['backend', 'sglang_config', role];
  const used = gpusOfWorker(group.flags);
  if (!used.ok) {
    findings.problem(pathOf(findings, path, used.flag.name), `got ${shown(used.flag.value)}, expected a whole number from 1`);
    return;
  }
  if (!used.given || used.gpus === gpusPerWorker) return;
  const share =
    given[KEYS[role].gpus] === undefined ? ` (${counted(nodes, 'node')} x ${gpusPerNode} GPUs / ${counted(workers, 'worker')})` : '';
  const names = used.how.split(' x ')[0]!.split(' ')[0]!;
  const nodesOfWorker = Math.ceil(gpusPerWorker / gpusPerNode);
  if (used.gpus < gpusPerWorker && used.gpus % nodesOfWorker !== 0) {
    findings.impossible(
      pathOf(findings, path, names),
      `${oneWorker(role)} is on ${nodesOfWorker} nodes${share}, which cannot share its ${used.gpus} ranks (${used.how}) evenly`,
      `set resources.${KEYS[role].gpus}: ${used.gpus}, or a size that ${nodesOfWorker} divides`,
    );
    return;
  }
  if (used.gpus < gpusPerWorker) {
    findings.warn(
      pathOf(findings, path, names),
      `${oneWorker(role)} has ${gpusPerWorker} GPUs${share} but uses ${used.gpus} (${used.how})`,
      `set resources.${KEYS[role].gpus}: ${used.gpus} to share nodes`,
    );
    return;
  }
  findings.impossible(
    pathOf(findings, path, names),
    `${oneWorker(role)} needs ${used.gpus} GPUs (${used.how}) but has ${gpusPerWorker}${share}`,
    `ask for more nodes, fewer workers, or smaller sizes`,
  );
}
