/** The processes of the workers: SGLang engines, Dynamo's SGLang workers, or simulated engines. */
import type { Environment, WorkerGroup, WorkerRole } from '../recipe/resolve/recipe.ts';
import { environmentOf, type PlanContext } from './context.ts';
import { dynamoEnvironment, dynamoReadyRule } from './dynamo-words.ts';
import { addressOf, urlOf } from './nodes.ts';
import type { PlacedRank, PlacedWorker } from './placement.ts';
import { type PlannedProcess, type ReadyRule, TIERS } from './plan.ts';
import { mooncakeEnvironment } from './plan-mooncake.ts';
import { plannedProcess } from './planned-process.ts';
import { profilerEnvironment } from './profiling-words.ts';
import { workerArgv } from './worker-argv.ts';
import { rankId, WorkerPorts } from './worker-ports.ts';
import { workerFiles, workerMounts, workerSteps } from './worker-room.ts';

/** A worker as routers need it. */
export interface WorkerAddress {
  readonly role: WorkerRole;
  readonly node: number;
  readonly port: number;
  /** With a node symbol. */
  readonly url: string;
  /** Prefill only. */
  readonly bootstrapPort: number | null;
}

/** A worker as it is told to record a profile. */
export interface ProfiledWorker {
  readonly role: WorkerRole;
  readonly url: string;
}

export interface PlannedWorkers {
  readonly processes: readonly PlannedProcess[];
  /** In the order of placement; empty in Dynamo mode, where frontends find workers by themselves. */
  readonly addresses: readonly WorkerAddress[];
  /** One for each worker. */
  readonly profiled: readonly ProfiledWorker[];
}

/** Processes of `placed`, rank by rank. The fixed ports of all other processes must already be taken. */
export function planWorkers(context: PlanContext, placed: readonly PlacedWorker[]): PlannedWorkers {
  const book = new WorkerPorts(context);
  const profiled: ProfiledWorker[] = [];
  const processes: PlannedProcess[] = [];
  const addresses: WorkerAddress[] = [];
  for (const worker of placed) {
    const group = context.recipe.workers.find(({ role }) => role === worker.role);
    if (group === undefined) throw new Error(`no group of ${worker.role} workers`); // Placement made it from the same groups.
    const ports = book.of(group, worker);
    const leader = ports[0] ?? {};
    const address = addressOfWorker(group, worker, leader);
    if (address !== null) addresses.push(address);
    const leaderNode = worker.ranks[0]?.node ?? 0;
    profiled.push({ role: worker.role, url: urlOf(leaderNode, leader['http'] ?? leader['system'] ?? 0) });
    const container = context.contained && context.container !== null ? (group.container ?? context.container) : null;
    const room = { ...context, container };
    worker.ranks.forEach((place, rank) => {
      const own = ports[rank] ?? {};
      processes.push(
        plannedProcess({
          id: rankId(worker, rank),
          role: worker.role,
          on: place.node,
          tier: TIERS.workers,
          worker: worker.index,
          rank,
          ports: own,
          argv: workerArgv(context, group, { worker, rank, own, leader }),
          env: workerEnvironment(context, group, place, own),
          container,
          mounts: workerMounts(room),
          gpus: place.gpus,
          before: workerSteps(room, group),
          files: workerFiles(context),
          ready: readyRule(context, place.node, rank, own, address),
        }),
      );
    });
  }
  return { processes, addresses, profiled };
}

function addressOfWorker(group: WorkerGroup, worker: PlacedWorker, leader: Readonly<Record<string, number>>): WorkerAddress | null {
  const node = worker.ranks[0]?.node ?? 0;
  const port = leader['http'];
  if (port === undefined) return null;
  const url = urlOf(node, port);
  return {
    role: worker.role,
    node,
    port,
    url: group.flags['grpc-mode'] === true ? url.replace('http:', 'grpc:') : url,
    bootstrapPort: leader['bootstrap'] ?? null,
  };
}

/** What the plan knows better than defaults do, then the recipe's; a part of a node's GPUs is always the plan's to give. */
function workerEnvironment(
  context: PlanContext,
  group: WorkerGroup,
  place: PlacedRank,
  own: Readonly<Record<string, number>>,
): Environment {
  const { recipe } = context;
  const known: Record<string, string> = {};
  // Addresses that an engine announces to its peers (bootstrap, KV transfer) are then those that this plan uses.
  if (recipe.backend.type === 'sglang') known['SGLANG_HOST_IP'] = addressOf(place.node);
  const env = {
    ...known,
    ...dynamoEnvironment(context, place.node, own),
    ...profilerEnvironment(context, group.role),
    ...environmentOf(context, place.node, group.environment),
    ...mooncakeEnvironment(context, place.node),
  };
  if (place.gpus.length < recipe.resources.gpusPerNode) env[context.cluster.visibleDevicesVariable] = place.gpus.join(',');
  return env;
}

function readyRule(
  context: PlanContext,
  node: number,
  rank: number,
  own: Readonly<Record<string, number>>,
  address: WorkerAddress | null,
): ReadyRule {
  // Ranks above 0 serve nothing.
  if (rank > 0) return { kind: 'none' };
  if (address === null) return dynamoReadyRule(node, own, context.recipe.backend.type === 'sim');
  if (address.url.startsWith('grpc:')) return { kind: 'tcp', host: addressOf(address.node), port: address.port };
  return { kind: 'worker', url: address.url, model: context.model };
}
