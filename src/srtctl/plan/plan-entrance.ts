/** What clients meet: nginx and routers, or one router alone; in Dynamo mode frontends in the place of routers. */
import { SETTINGS } from '../../router/config/schema.ts';
import { listenAddress, type PlanContext } from './context.ts';
import { findPort, findText } from './flag-words.ts';
import { NGINX_DIRECTORY, nginxConfig, RUN_PATH } from './nginx-config.ts';
import { addressOf, urlOf } from './nodes.ts';
import { OWNED_FLAGS } from './owned-flags.ts';
import { type PlannedProcess, TIERS } from './plan.ts';
import { planFrontends } from './plan-frontends.ts';
import { planRouters } from './plan-routers.ts';
import type { WorkerAddress } from './plan-workers.ts';
import { plannedProcess, type Seat } from './planned-process.ts';

/** Metrics of a router, unless its flags say otherwise. */
const PROMETHEUS_PORT = 29_000;

/** Where each router or frontend listens, with its ports taken. */
export interface Entrance {
  readonly seats: readonly Seat[];
  readonly hasNginx: boolean;
}

/** Takes the fixed ports of nginx and of the routers on `nodes`, before workers look for free ones. */
export function seatEntrance(context: PlanContext, nodes: readonly number[]): Entrance {
  const { frontend, mode } = context.recipe;
  if (frontend.isDirect) return { seats: [], hasNginx: false };
  const hasNginx = frontend.multiple;
  for (const name of OWNED_FLAGS)
    if (name in frontend.args)
      context.problems.push({
        path: `frontend.args.${name}`,
        message: `--${name} is set by the plan, from the resources and ports of the recipe`,
        suggestion: 'remove it; frontend.public_port and frontend.router_port choose ports',
      });
  checkMetricsPort(context);
  if (hasNginx) context.ports.take(0, frontend.publicPort, 'nginx', 'public', 'frontend.public_port');
  const [port, key] = hasNginx ? [frontend.routerPort, 'frontend.router_port'] : [frontend.publicPort, 'frontend.public_port'];
  const seats = nodes.map((node, index) => {
    const id = `${mode === 'router' ? 'router' : 'frontend'}-${index}`;
    const http = context.ports.take(node, port, id, 'HTTP', key);
    if (mode === 'dynamo') return { id, index, node, ports: { http } };
    const metrics = findPort(frontend.args, 'prometheus-port') ?? PROMETHEUS_PORT;
    return {
      id,
      index,
      node,
      ports: { http, prometheus: context.ports.take(node, metrics, id, 'metrics', 'frontend.args.prometheus-port') },
    };
  });
  return { seats, hasNginx };
}

function checkMetricsPort({ recipe, problems }: PlanContext): void {
  const { args } = recipe.frontend;
  const given = args['prometheus-port'] ?? false;
  if (given === false || recipe.mode === 'dynamo' || findPort(args, 'prometheus-port') !== null) return;
  const message = `got ${JSON.stringify(given)}, expected a port from 1 to 65535`;
  problems.push({ path: 'frontend.args.prometheus-port', message, suggestion: null });
}

/** nginx first, then routers or frontends. */
export function planEntrance(context: PlanContext, entrance: Entrance, workers: readonly WorkerAddress[]): readonly PlannedProcess[] {
  const processes =
    context.recipe.mode === 'router' ? planRouters(context, entrance.seats, workers) : planFrontends(context, entrance.seats);
  return entrance.hasNginx ? [planNginx(context, entrance.seats), ...processes] : processes;
}

function planNginx(context: PlanContext, seats: readonly Seat[]): PlannedProcess {
  const { nginx, publicPort } = context.recipe.frontend;
  const config = nginxConfig({
    listen: listenPart(listenAddress(context, 0, publicPort), publicPort),
    upstreams: seats.map(({ node, ports }) => `${addressOf(node)}:${ports['http']}`),
    affinityHeader: nginx.affinityHeader,
    keepaliveTimeout: nginx.keepaliveTimeout,
    upstreamKeepaliveMs: upstreamKeepaliveMs(context),
    raisesUlimit: nginx.raiseUlimit,
  });
  return plannedProcess({
    id: 'nginx',
    role: 'nginx',
    on: 0,
    tier: TIERS.entrance,
    ports: { http: publicPort },
    argv: ['nginx', '-e', 'stderr', '-p', `<run>/${NGINX_DIRECTORY}`, '-c', 'nginx.conf'],
    env: context.cluster.environment,
    container: context.contained ? nginx.container : null,
    mounts: context.contained ? [{ host: '<run>', container: '<run>', options: null }] : [],
    files: [{ path: `${NGINX_DIRECTORY}/nginx.conf`, content: config }],
    ready: {
      kind: 'http',
      url: `${urlOf(0, publicPort)}/health`,
      run: { url: `${urlOf(0, publicPort)}${RUN_PATH}`, says: '<job>' },
    },
  });
}

/** Address and port as nginx takes them. */
function listenPart(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Four fifths of what a router allows an idle client: its flag, or the default of the bundled one. */
function upstreamKeepaliveMs({ recipe }: PlanContext): number {
  const asked = Number(findText(recipe.frontend.args, 'keep-alive-timeout-secs') ?? Number.NaN);
  return Math.round((asked > 0 ? asked : SETTINGS.keepAliveTimeoutSecs.default) * 800);
}
