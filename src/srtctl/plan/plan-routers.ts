/** The processes of the routers. */
import { checkOtherRouter, checkRouterFlags, ROUTER_PLAN_FLAGS } from './check-router-flags.ts';
import { commonMounts, environmentOf, listenAddress, type PlanContext } from './context.ts';
import { findText, flagWords } from './flag-words.ts';
import { addressOf, urlOf } from './nodes.ts';
import type { PlannedProcess } from './plan.ts';
import type { WorkerAddress } from './plan-workers.ts';
import { plannedProcess, type Seat, seatParts } from './planned-process.ts';

/** The bundled router and sglang_router take the same words after their name; every router gets the whole list of workers. */
export function planRouters(context: PlanContext, seats: readonly Seat[], workers: readonly WorkerAddress[]): readonly PlannedProcess[] {
  const { frontend, disaggregated } = context.recipe;
  const isBundled = frontend.router === 'bundled';
  const room = { ...context, container: isBundled || context.container === null ? null : (frontend.container ?? context.container) };
  const urls = workers.map(({ url }) => url);
  const list = disaggregated ? pairWords(workers) : ['--worker-urls', ...urls];
  const extra = flagWords(frontend.args, ROUTER_PLAN_FLAGS);
  if (isBundled) checkRouterFlags(context, extra);
  else checkOtherRouter(context);
  const program = isBundled ? ['<node-binary>', '<package>/dist/bin/router.js'] : ['python', '-m', 'sglang_router.launch_router'];
  return seats.map((seat) => {
    const address = addressOf(seat.node);
    const { http = 0, prometheus = 0 } = seat.ports;
    const metricsHost = findText(frontend.args, 'prometheus-host') ?? address;
    return plannedProcess({
      ...seatParts(seat),
      role: 'router',
      argv: [
        ...program,
        ...list,
        '--host',
        listenAddress(context, seat.node, http),
        '--port',
        String(http),
        '--prometheus-host',
        metricsHost,
        '--prometheus-port',
        String(prometheus),
        ...extra,
      ],
      env: environmentOf(context, seat.node, frontend.environment),
      container: room.container,
      mounts: commonMounts(room),
      ready: { kind: 'router', url: urlOf(seat.node, http), workers: urls },
    });
  });
}

/** Pages of metrics, one for each bundled router; others have other metrics. */
export function routerMetrics({ recipe }: PlanContext, seats: readonly Seat[]): readonly string[] {
  if (recipe.mode !== 'router' || recipe.frontend.router !== 'bundled') return [];
  return seats.map(({ node, ports }) => `${urlOf(node, ports['prometheus'] ?? 0)}/metrics`);
}

/** `--pd-disaggregation --prefill URL BOOTSTRAP-PORT ... --decode URL ...` */
function pairWords(workers: readonly WorkerAddress[]): readonly string[] {
  const words = ['--pd-disaggregation'];
  for (const { role, url, bootstrapPort } of workers) if (role === 'prefill') words.push('--prefill', url, String(bootstrapPort));
  for (const { role, url } of workers) if (role === 'decode') words.push('--decode', url);
  return words;
}
