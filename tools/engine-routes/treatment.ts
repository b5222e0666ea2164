/** What becomes of each route of an engine at the router, as docs/engine-routes.md says it. */
import { Histogram } from '../../src/base/telemetry/cells.ts';
import { REFUSED_ROUTES } from '../../src/router/proxy/routing/engine-routes.ts';
import { RouteTable } from '../../src/router/proxy/routing/route-table.ts';
import type { Route } from '../../src/router/proxy/routing/routes.ts';

/** As in the decorators of SGLang: `{name}` for one segment, `{name:path}` for the rest. */
export interface EngineRoute {
  readonly path: string;
  /** `WEBSOCKET` for a route that is no method. */
  readonly method: string;
}

const TABLE = new RouteTable([], () => ({ requests: { value: 0 }, duration: new Histogram([]) }));

/** Routes of engines that the control plane answers (src/router/control/routes). */
const OWN: Readonly<Record<string, string>> = {
  'GET /health': 'the router answers',
  'POST /flush_cache': 'all workers',
  'GET /flush_cache': 'refused: 405',
};

/** Null: the route is in neither list. */
export function treatmentOf({ method, path }: EngineRoute): string | null {
  const own = OWN[`${method} ${path}`];
  if (own !== undefined) return own;
  const found = TABLE.find(method, path.replace(/\{\w+(?::path)?\}/g, 'x'));
  if (found !== null && !('methods' in found)) return treatmentOfRoute(found);
  return REFUSED_ROUTES.includes(path) ? 'refused: 404' : null;
}

function treatmentOfRoute({ kind, paired }: Route): string {
  if (kind === 'every') return 'every worker, until one has it';
  if (paired === 'pair') return 'one worker, or a pair';
  return paired === 'refused' ? 'one worker; 501 with pairs' : 'one worker';
}
