/** Services of the recipe, and the commands of the recipe on the bare hosts. */
import type { Service, ServiceReady } from '../recipe/resolve/recipe.ts';
import { commonMounts, environmentOf, infraNode, modelMounts, type PlanContext } from './context.ts';
import { dynamoEnvironment } from './dynamo-words.ts';
import { addressOf, nodeName, urlOf } from './nodes.ts';
import type { PlacedWorker } from './placement.ts';
import { type PlannedProcess, type ReadyRule, TIERS } from './plan.ts';
import { mooncakeEnvironment } from './plan-mooncake.ts';
import { plannedProcess } from './planned-process.ts';

/** One process on each node of the service. Those with fixed ports have to take them before workers look for free ones. */
export function planServices(context: PlanContext, placed: readonly PlacedWorker[]): readonly PlannedProcess[] {
  return context.recipe.services.flatMap((service) => {
    const nodes = nodesOf(context, service, placed);
    if (nodes.length === 0) context.warnings.push(`services: ${service.name} runs nowhere: there are no ${service.place} workers`);
    return nodes.map((node, index) => planService(context, service, node, nodes.length === 1 ? '' : `-${index}`, index));
  });
}

function planService(context: PlanContext, service: Service, node: number, suffix: string, index: number): PlannedProcess {
  const id = `service-${service.name}${suffix}`;
  const container = context.contained ? (service.container ?? context.recipe.model.container) : null;
  const inside = { ...context, container };
  const { recipe, cluster } = context;
  // As in srt-slurm, the environment of the recipe is that of the fleet alone.
  const bare = { ...context, recipe: { ...recipe, environment: {} }, cluster };
  const port = 'port' in service.ready ? context.ports.take(node, service.ready.port, id, 'readiness', 'services') : null;
  return plannedProcess({
    id,
    role: 'service',
    on: node,
    tier: service.isBeforeWorkers ? TIERS.infrastructure : TIERS.entrance,
    worker: index,
    ports: port === null ? {} : { http: port },
    argv: service.preamble === null ? service.argv : ['bash', '-c', `{\n${service.preamble}\n} && exec "$@"`, 'bash', ...service.argv],
    env: {
      ...(service.usesDiscovery ? dynamoEnvironment(context, node, {}) : {}),
      ...(service.usesMooncake ? mooncakeEnvironment(context, node) : {}),
      ...environmentOf(bare, node, service.environment),
    },
    container,
    mounts: container === null ? [] : [...modelMounts(inside), ...commonMounts(inside)],
    critical: service.isCritical,
    ready: readyRule(service.ready, node),
  });
}

function nodesOf(context: PlanContext, { place }: Service, placed: readonly PlacedWorker[]): readonly number[] {
  if (place === 'head') return [0];
  if (place === 'infra') return [infraNode(context)];
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
