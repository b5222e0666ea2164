/** The control API of the first versions, as text: `/add_worker`, `/remove_worker`, `/list_workers`. Texts: sglang_router 0.2.1. */
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import { parseWorkerAddress, type WorkerAddress } from '../../../base/core/worker-address.ts';
import type { Registered } from '../registry/registration-jobs.ts';
import { tooManyWorkers } from '../registry/worker-limit.ts';
import { DEFAULT_OPTIONS, type WorkerOptions } from '../registry/worker-options.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { type AdminDeps, parseNamed, rankOfWorker, workerOfSource } from './admin-routes.ts';

export function createLegacyRoutes(deps: AdminDeps): LocalRoute[] {
  return [
    { method: 'POST', path: '/add_worker', access: 'control', handle: (request) => addWorker(deps, request) },
    { method: 'POST', path: '/remove_worker', access: 'control', handle: (request) => removeWorker(deps, request) },
    { method: 'GET', path: '/list_workers', access: 'control', handle: () => listWorkers(deps) },
  ];
}

/** Answers when the worker is ready. Removes a worker that is not ready at the startup deadline, as 0.2.1 does. */
async function addWorker(deps: AdminDeps, request: LocalRequest): Promise<LocalResponse> {
  const address = addressOf(request);
  if (typeof address === 'string') return text(400, address);
  const apiKey = request.query.get('api_key');
  if (apiKey !== null && !/^[\x21-\x7e]{1,8192}$/.test(apiKey)) {
    return text(400, 'api_key: expected printable ASCII characters without spaces');
  }
  const role = roleOf(request.query, deps.isPaired);
  if (typeof role === 'string') return text(400, role);
  const result = deps.api.add({ address, options: { ...DEFAULT_OPTIONS, ...role, apiKey } });
  if (result.kind === 'full') return text(400, tooManyWorkers());
  if (result.kind !== 'added') return text(400, `Worker ${address.url} already exists`);
  const { record } = result;
  const how = await deps.jobs.whenRegistered(record);
  if (how === 'ready') return text(200, `Successfully added worker: ${address.url}`);
  const message = deps.jobs.findStatus(record)?.message;
  deps.registry.remove(record, deps.api);
  return text(400, `Worker ${address.url} was not added: ${reasonOf(how, message ?? null)}`);
}

/** `worker_type=` and `bootstrap_port=`, which only workers of pairs have; or an error message. */
function roleOf(query: URLSearchParams, isPaired: boolean): Pick<WorkerOptions, 'type' | 'bootstrapPort'> | string {
  const type = query.get('worker_type');
  const port = query.get('bootstrap_port');
  if (!isPaired) {
    if (type !== null && type !== 'regular') return 'worker_type: expected regular: this router runs without --pd-disaggregation';
    return port === null ? { type: 'regular', bootstrapPort: null } : 'bootstrap_port: expected only with --pd-disaggregation';
  }
  if (type !== 'prefill' && type !== 'decode') return 'worker_type: expected prefill or decode: this router runs with --pd-disaggregation';
  if (port === null || port === 'none') return { type, bootstrapPort: null };
  const bootstrapPort = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (type !== 'prefill') return 'bootstrap_port: expected only for prefill workers';
  if (bootstrapPort < 1 || bootstrapPort > 65_535) return 'bootstrap_port: expected a port from 1 to 65535, or none';
  return { type, bootstrapPort };
}

function reasonOf(how: Exclude<Registered, 'ready'>, message: string | null): string {
  switch (how) {
    case 'failed':
      return message ?? 'not ready in time';
    case 'removed':
      return 'it was removed while it was starting';
    case 'stopped':
      return 'the router is shutting down';
    case 'too-many-waiting':
      return 'too many requests wait for workers; use POST /workers';
  }
}

function removeWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  const given = request.query.get('url') ?? '';
  const rank = deps.isDpAware && given.includes('@') ? deps.registry.findByRank(urlOf(given)) : null;
  if (rank !== null) return text(400, rankOfWorker(rank.rank, rank.record));
  const address = addressOf(request);
  if (typeof address === 'string') return text(400, address);
  const record: WorkerRecord | null = deps.registry.findByUrl(address.url);
  if (record === null) return text(404, `Worker ${address.url} not found`);
  const keeper = deps.registry.remove(record, deps.api);
  if (keeper !== null) return text(409, workerOfSource(record, keeper));
  return text(200, `Successfully removed worker: ${address.url}`);
}

function listWorkers(deps: AdminDeps): LocalResponse {
  return jsonResponse(200, { urls: deps.registry.list().flatMap((record) => record.ranks.map(({ url }) => url)) });
}

function urlOf(text: string): string {
  const named = parseNamed(text);
  return named.ok ? named.url : text;
}

/** The address in `?url=`, or an error message. */
function addressOf(request: LocalRequest): WorkerAddress | string {
  const url = request.query.get('url');
  if (url === null || url === '') return "Worker URL required. Provide 'url' query parameter";
  const parsed = parseWorkerAddress(url);
  return parsed.ok ? parsed.address : `url ${JSON.stringify(url.slice(0, 200))}: expected ${parsed.expected}`;
}

function text(status: number, body: string): LocalResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
