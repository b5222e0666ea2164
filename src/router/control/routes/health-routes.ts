/** Health and readiness of the router, for load balancers and orchestrators. Source: sglang_router 0.3.2. */
import { jsonResponse, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import type { WorkerType } from '../../../base/core/worker.ts';

interface ReadinessParts {
  /** Eligible workers of each type, without those that take requests only because no other is left. */
  readonly healthy: Readonly<Record<WorkerType, number>>;
  /** Registered workers. */
  readonly total: number;
  /** A request needs a prefill and a decode worker. */
  readonly isPaired: boolean;
  /** The router is shutting down. */
  readonly isDraining: boolean;
}

/** What `/readiness` answers now. */
export function readinessOf(parts: ReadinessParts): LocalResponse {
  if (parts.isDraining) return notReady('shutting down');
  return parts.isPaired ? pairReadiness(parts) : readiness(parts);
}

export function createHealthRoutes(answerReadiness: () => LocalResponse): LocalRoute[] {
  const alive = (): LocalResponse => ({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'OK' });
  return [
    { method: 'GET', path: '/health', access: 'public', handle: alive },
    { method: 'GET', path: '/liveness', access: 'public', handle: alive },
    { method: 'GET', path: '/readiness', access: 'public', handle: answerReadiness },
  ];
}

function readiness({ healthy, total }: ReadinessParts): LocalResponse {
  if (healthy.regular === 0) return notReady('insufficient healthy workers');
  return jsonResponse(200, { status: 'ready', healthy_workers: healthy.regular, total_workers: total });
}

function pairReadiness({ healthy, total }: ReadinessParts): LocalResponse {
  const missing = (['prefill', 'decode'] as const).filter((role) => healthy[role] === 0);
  if (missing.length > 0) return notReady('insufficient healthy workers', { missing });
  return jsonResponse(200, { status: 'ready', healthy_workers: healthy.prefill + healthy.decode, total_workers: total });
}

function notReady(reason: string, more: object = {}): LocalResponse {
  return jsonResponse(503, { status: 'not ready', reason, ...more });
}
