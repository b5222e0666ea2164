/** Health and readiness of the router, for load balancers and orchestrators. Source: sglang_router 0.3.2. */
import type { FleetCell } from '../../../base/core/fleet.ts';
import { jsonResponse, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';

/** What `/readiness` answers now. `isPaired`: a request needs a prefill and a decode worker. `isDraining`: the router is shutting down. */
export function readinessOf(cell: FleetCell, isPaired: boolean, isDraining: boolean): LocalResponse {
  if (isDraining) return notReady('shutting down');
  return isPaired ? pairReadiness(cell) : readiness(cell);
}

export function createHealthRoutes(answerReadiness: () => LocalResponse): LocalRoute[] {
  const alive = (): LocalResponse => ({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'OK' });
  return [
    { method: 'GET', path: '/health', access: 'public', handle: alive },
    { method: 'GET', path: '/liveness', access: 'public', handle: alive },
    { method: 'GET', path: '/readiness', access: 'public', handle: answerReadiness },
  ];
}

function readiness({ current: { eligible, total } }: FleetCell): LocalResponse {
  const healthy = eligible.regular.length;
  if (healthy === 0) return notReady('insufficient healthy workers');
  return jsonResponse(200, { status: 'ready', healthy_workers: healthy, total_workers: total });
}

function pairReadiness({ current: { eligible, total } }: FleetCell): LocalResponse {
  const missing = (['prefill', 'decode'] as const).filter((role) => eligible[role].length === 0);
  if (missing.length > 0) return notReady('insufficient healthy workers', { missing });
  const healthy = eligible.prefill.length + eligible.decode.length;
  return jsonResponse(200, { status: 'ready', healthy_workers: healthy, total_workers: total });
}

function notReady(reason: string, more: object = {}): LocalResponse {
  return jsonResponse(503, { status: 'not ready', reason, ...more });
}
