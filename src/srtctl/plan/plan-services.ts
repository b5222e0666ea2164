/** Services of the recipe, and the commands of the recipe on the bare hosts. */
import type { Service, ServiceReady } from '../recipe/resolve/recipe.ts';
import { commonMounts, environmentOf, infraNode, modelMounts, type PlanContext } from './context.ts';
import { dynamoEnvironment } from './dynamo-words.ts';
import { addressOf, CLIENT_NODE, INFRA_NODE, nodeName, urlOf } from './nodes.ts';
import type { PlacedWorker } from './placement.ts';
import { type PlannedProcess, type ReadyRule, TIERS } from './plan.ts';
import { METADATA_PORT, mooncakeEnvironment, RPC_PORT } from './plan-mooncake.ts';
import { plannedProcess } from './planned-process.ts';

/** Where one process of a service runs. */
interface ServiceSeat {
  readonly node: number;
  /** Of its id, where there are several. */
  readonly suffix: string;
  /** Whom it belongs to, where each worker has one. */
  readonly worker: { readonly role: string; readonly index: number; readonly rank: number; readonly gpus: readonly number[] } | null;
}

/** Those with fixed ports have to take them before workers look for free ones. */
export function planServices(context: PlanContext, placed: readonly PlacedWorker[]): readonly PlannedProcess[] {
  return context.recipe.services.flatMap((service) => {
    const seats = service.isPerWorker ? workerSeats(service, placed) : nodeSeats(context, service, placed);
    if (seats.length === 0) context.warnings.push(`services: ${service.name} runs nowhere: there are no ${service.place} workers`);
    return seats.map((seat, index) => planService(context, service, seat, index, [...new Set(seats.map(({ node }) => node))]));
  });
}

const START = { before: TIERS.infrastructure, with: TIERS.workers, after: TIERS.entrance } as const;

function planService(context: PlanContext, service: Service, seat: ServiceSeat, index: number, nodes: readonly number[]): PlannedProcess {
  const { node } = seat;
  const id = `service-${service.name}${seat.suffix}`;
  const container = context.contained ? (service.container ?? context.recipe.model.container) : null;
  const inside = { ...context, container };
  const { recipe, cluster } = context;
  // As in srt-slurm, the environment of the recipe is that of the fleet alone.
  const bare = { ...context, recipe: { ...recipe, environment: {} }, cluster };
  const port = 'port' in service.ready ? context.ports.take(node, service.ready.port, id, 'readiness', 'services') : null;
  const bind = binder(context, service, seat, index, nodes);
  const argv = service.argv.map(bind);
  const isPart = seat.worker !== null && seat.worker.gpus.length < recipe.resources.gpusPerNode;
  return plannedProcess({
    id,
    role: 'service',
    on: node,
    tier: START[service.start],
    worker: index,
    ports: port === null ? {} : { http: port },
    argv: service.preamble === null ? argv : ['bash', '-c', `{\n${bind(service.preamble)}\n} && exec "$@"`, 'bash', ...argv],
    env: {
      ...(service.usesDiscovery ? dynamoEnvironment(context, node, {}) : {}),
      ...(service.usesMooncake ? mooncakeEnvironment(context, node) : {}),
      ...(isPart ? { [cluster.visibleDevicesVariable]: seat.worker.gpus.join(',') } : {}),
      ...environmentOf(bare, node, Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, bind(value)]))),
    },
    container,
    mounts: container === null ? [] : [...modelMounts(inside), ...commonMounts(inside)],
    critical: service.isCritical,
    ready: readyRule(service.ready, node),
  });
}

/** The placeholders of srt-slurm for services; other braces are left. */
function binder(
  context: PlanContext,
  service: Service,
  seat: ServiceSeat,
  index: number,
  nodes: readonly number[],
): (text: string) => string {
  const { node, worker } = seat;
  const own = addressOf(node);
  const [head, infra, first] = [addressOf(0), addressOf(infraNode(context)), addressOf(nodes[0] ?? 0)];
  const all = nodes.map(addressOf).join(',');
  const values: Readonly<Record<string, string>> = {
    ...{
      node: own,
      node_ip: own,
      node_id: String(node),
      index: String(index),
      role: service.place === 'aggregated' ? 'agg' : service.place,
    },
    ...{ head_node: head, head_ip: head, infra_node: infra, infra_ip: infra, gpus_per_node: String(context.recipe.resources.gpusPerNode) },
    ...{ pool_node: first, pool_ip: first, pool_nodes: all, pool_ips: all, pool_node_count: String(nodes.length) },
    ...{ master_port: String(RPC_PORT), metadata_port: String(METADATA_PORT) },
    ...(worker === null
      ? {}
      : {
          worker_role: worker.role,
          worker_index: String(worker.index),
          worker_node_rank: String(worker.rank),
          worker_gpus: worker.gpus.join(','),
          worker_gpu_count: String(worker.gpus.length),
        }),
  };
  return (text) => text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole));
}

function workerSeats({ place }: Service, placed: readonly PlacedWorker[]): readonly ServiceSeat[] {
  return placed
    .filter(({ role }) => place === 'workers' || role === place)
    .flatMap(({ role, index, ranks }) =>
      ranks.map(({ node, gpus }, rank) => ({
        node,
        suffix: `-${role}-${index}${ranks.length === 1 ? '' : `.${rank}`}`,
        worker: { role: role === 'aggregated' ? 'agg' : role, index, rank, gpus },
      })),
    );
}

function nodeSeats(context: PlanContext, service: Service, placed: readonly PlacedWorker[]): readonly ServiceSeat[] {
  const nodes = nodesOf(context, service, placed);
  return nodes.map((node, index) => ({ node, suffix: nodes.length === 1 ? '' : `-${index}`, worker: null }));
}

function nodesOf(context: PlanContext, { place }: Service, placed: readonly PlacedWorker[]): readonly number[] {
  const { recipe } = context;
  if (place === 'head') return [0];
  if (place === 'infra') return [infraNode(context)];
  if (place === 'all')
    return [
      ...Array.from({ length: recipe.resources.nodes }, (_, index) => index),
      ...(recipe.dynamo.hasInfraNode ? [INFRA_NODE] : []),
      ...(recipe.clientPlacement === 'own' ? [CLIENT_NODE] : []),
    ];
  const workers = placed.filter(({ role }) => place === 'workers' || role === place);
  return [...new Set(workers.flatMap(({ ranks }) => ranks.map(({ node }) => node)))].sort((a, b) => a - b);
}

function readyRule(ready: ServiceReady, node: number): ReadyRule {
  switch (ready.kind) {
    case 'http':
      return { kind: 'http', url: `${urlOf(node, ready.port)}${ready.path.startsWith('/') ? '' : '/'}${ready.path}`, run: null };
    case 'tcp':
      return { kind: 'tcp', host: addressOf(node), port: ready.port };
    case 'log':
    case 'none':
      return ready;
  }
}

const IS_SET_UP = 'srtctl: the host is set up';

/**
 * On each node a process that sets the host up, waits for the end of the run, and then undoes it. It is of the lowest tier, so it is
 * stopped when the workers have ended.
 */
export function planHostSetup(context: PlanContext, nodes: readonly string[], placed: readonly PlacedWorker[]): readonly PlannedProcess[] {
  const setup = context.recipe.hostSetup;
  if (setup === null) return [];
  const busy = new Set(placed.flatMap(({ ranks }) => ranks.map(({ node }) => nodeName(node))));
  return nodes
    .filter((name) => !setup.onlyWorkers || busy.has(name))
    .map((name, index) => ({
      ...plannedProcess({
        id: `host-setup-${name}`,
        role: 'task',
        on: 0,
        tier: TIERS.infrastructure,
        worker: index,
        argv: [
          ...['bash', '-c', SET_UP, 'host-setup'],
          ...[setup.commands.join(' && '), setup.teardown.join('\n'), String(setup.timeoutSeconds), setup.isLenient ? 'yes' : ''],
        ],
        env: environmentOf({ ...context, recipe: { ...context.recipe, environment: {} } }, 0),
        ready: { kind: 'log', pattern: `^${IS_SET_UP}` },
      }),
      node: name,
    }));
}

const SET_UP = `setup=$1 teardown=$2 seconds=$3 lenient=$4 child=
finish() {
  trap '' TERM INT
  [ -z "$child" ] || kill "$child" 2>/dev/null
  [ -z "$teardown" ] || bash -c "$teardown" || echo "srtctl: warning: the teardown of the host ended with status $?"
  exit "$1"
}
trap 'finish 0' TERM INT
if [ -n "$setup" ]; then
  timeout "$seconds" bash -c "$setup" & child=$!
  wait "$child"; status=$?
  child=
  if [ "$status" -ne 0 ]; then
    echo "srtctl: the setup of the host ended with status $status"
    [ -n "$lenient" ] || finish "$status"
  fi
fi
echo "${IS_SET_UP}"
sleep infinity & child=$!
wait "$child"
finish 0
`;
