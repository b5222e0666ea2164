/**
 * The control API for workers, as JSON: `/workers`. It only sends events to the registry and reads from it. Shapes: sglang_router
 * 0.3.2. Examples of every route: docs/control-api.md.
 */
import type { LoadTable } from '../core/load.ts';
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../core/local-route.ts';
import type { Worker } from '../core/worker.ts';
import { parseWorkerAddress } from '../core/worker-address.ts';
import type { Registration } from './registration.ts';
import { MAX_WORKERS, type Registry } from './registry.ts';
import { isUuid } from './uuid.ts';
import { workerInfo } from './worker-info.ts';
import type { WorkerOptions, WorkerRecord } from './worker-record.ts';
import { type FieldProblem, parseAddWorker, parseUpdateWorker } from './worker-request.ts';

export interface AdminDeps {
  readonly registry: Registry;
  readonly registration: Registration;
  readonly load: LoadTable;
  /** For what a request does not say. */
  readonly defaults: WorkerOptions;
  /** Workers are prefill and decode ones, else regular ones. */
  readonly isPaired: boolean;
}

/** `{id...}`, because a URL with its slashes may stand there. */
const WORKER_PATH = '/workers/{id...}';

export function createAdminRoutes(deps: AdminDeps): LocalRoute[] {
  const control = (method: LocalRoute['method'], path: string, handle: LocalRoute['handle']): LocalRoute => ({
    method,
    path,
    access: 'control',
    handle,
  });
  return [
    control('GET', '/workers', () => listWorkers(deps)),
    control('POST', '/workers', (request) => addWorker(deps, request)),
    control('GET', WORKER_PATH, (request) => withWorker(deps, request, (record) => jsonResponse(200, infoOf(deps, record)))),
    control('PUT', WORKER_PATH, (request) => withWorker(deps, request, (record) => updateWorker(deps, record, request.body))),
    control('DELETE', WORKER_PATH, (request) => withWorker(deps, request, (record) => removeWorker(deps, record))),
  ];
}

function infoOf(deps: AdminDeps, record: WorkerRecord): object {
  return workerInfo(record, deps.load, deps.registration.findStatus(record));
}

function listWorkers(deps: AdminDeps): LocalResponse {
  const records = deps.registry.list();
  // Launchers wait for these numbers, so a worker that has not come up yet is not among them. Source: sglang_router 0.3.2.
  const up = records.filter((record) => deps.registration.findStatus(record) === null);
  const count = (type: string): number => up.filter((record) => record.worker.type === type).length;
  return jsonResponse(200, {
    workers: records.map((record) => infoOf(deps, record)),
    total: records.length,
    stats: { prefill_count: count('prefill'), decode_count: count('decode'), regular_count: count('regular') },
  });
}

function addWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  const parsed = parseAddWorker(request.body, deps.defaults, deps.isPaired);
  if (!parsed.ok) return refuse(parsed.problems);
  const [result] = deps.registry.addEach([parsed.value]);
  if (result?.ok !== true) return fail(503, 'TOO_MANY_WORKERS', tooManyWorkers());
  const { worker } = result.record;
  const conflict = result.isNew ? null : conflictWith(worker, parsed.value.options);
  if (conflict !== null) return fail(409, 'WORKER_CONFLICT', conflict);
  const location = `/workers/${worker.id}`;
  const message = result.isNew ? 'Worker addition queued for background processing' : 'Worker is registered already; nothing was changed';
  return jsonResponse(202, { status: 'accepted', worker_id: worker.id, url: worker.url, location, message }, { location });
}

/** An engine that came back as something else at the same URL must not go on as what it was. */
function conflictWith({ url, type, bootstrapPort }: Worker, options: WorkerOptions): string | null {
  const isOtherPort = options.bootstrapPort !== null && options.bootstrapPort !== bootstrapPort;
  if (options.type === type && !isOtherPort) return null;
  const port = type === 'prefill' ? ` with the bootstrap port ${bootstrapPort ?? 'none'}` : '';
  return `${url} is registered as a ${type} worker${port}; DELETE it before it is added as something else`;
}

function updateWorker(deps: AdminDeps, record: WorkerRecord, body: Buffer): LocalResponse {
  const parsed = parseUpdateWorker(body, record.options);
  if (!parsed.ok) return refuse(parsed.problems);
  deps.registry.update(record, parsed.value);
  return accept(record, 'Worker update queued for background processing');
}

function removeWorker(deps: AdminDeps, record: WorkerRecord): LocalResponse {
  deps.registry.remove(record);
  return accept(record, 'Worker removal queued for background processing');
}

function accept(record: WorkerRecord, message: string): LocalResponse {
  return jsonResponse(202, { status: 'accepted', worker_id: record.worker.id, message });
}

/** The worker that the path names by UUID or, as versions before 0.3 did, by its URL. */
function withWorker(deps: AdminDeps, request: LocalRequest, then: (record: WorkerRecord) => LocalResponse): LocalResponse {
  const id = request.params['id'] ?? '';
  const shown = id.slice(0, 200);
  const address = id.includes('://') ? parseWorkerAddress(id) : null;
  if (!isUuid(id) && address?.ok !== true) {
    const reason = address?.ok === false ? address.expected : 'a UUID or the URL of a worker';
    return fail(400, 'BAD_REQUEST', `Invalid worker_id '${shown}' (expected UUID). Error: expected ${reason}`);
  }
  const record = address?.ok === true ? deps.registry.findByUrl(address.address.url) : deps.registry.findById(id.toLowerCase());
  return record === null ? fail(404, 'WORKER_NOT_FOUND', `Worker ${shown} not found`) : then(record);
}

export function tooManyWorkers(): string {
  return `The router holds at most ${MAX_WORKERS} workers, counting removed ones that still finish requests`;
}

function refuse(problems: readonly FieldProblem[]): LocalResponse {
  const shown = problems.map(({ field, value, expected }) => ({ field, value, expected }));
  const text = shown.map(({ field, value, expected }) => `${field} ${JSON.stringify(value)}: expected ${expected}`).join('; ');
  const isInvalid = problems.some((problem) => problem.isInvalid);
  return jsonResponse(isInvalid ? 400 : 501, { error: text, code: isInvalid ? 'BAD_REQUEST' : 'NOT_IMPLEMENTED', problems: shown });
}

function fail(status: number, code: string, error: string): LocalResponse {
  return jsonResponse(status, { error, code });
}
