/** What load balancers and orchestrators ask the router itself. Source: sglang_router 0.3.2. */
import type { FleetCell } from '../core/fleet.ts';
import { jsonResponse, type LocalResponse, type LocalRoute } from '../core/local-route.ts';

/** `isDraining`: the router is shutting down and wants no more traffic, though it still answers what comes. */
export function createProbeRoutes(cell: FleetCell, isDraining: () => boolean): LocalRoute[] {
  const alive = (): LocalResponse => ({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'OK' });
  return [
    { method: 'GET', path: '/health', access: 'public', handle: alive },
    { method: 'GET', path: '/liveness', access: 'public', handle: alive },
    { method: 'GET', path: '/readiness', access: 'public', handle: () => readiness(cell, isDraining()) },
  ];
}

function readiness(cell: FleetCell, isDraining: boolean): LocalResponse {
  const { eligible, total } = cell.current;
  if (isDraining) return jsonResponse(503, { status: 'not ready', reason: 'shutting down' });
  const healthy = eligible.regular.length + eligible.prefill.length + eligible.decode.length;
  if (healthy === 0) return jsonResponse(503, { status: 'not ready', reason: 'insufficient healthy workers' });
  return jsonResponse(200, { status: 'ready', healthy_workers: healthy, total_workers: total });
}
