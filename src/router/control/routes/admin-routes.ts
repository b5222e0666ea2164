/**
 * The control API for workers, as JSON: `/workers`. It sends events to the registry and reads from it. Shapes: sglang_router 0.3.2.
 * Examples of every route: docs/control-api.md.
 */
import type { LoadTable } from '../../../base/core/load.ts';
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import type { Worker } from '../../../base/core/worker.ts';
import { parseWorkerAddress } from '../../../base/core/worker-address.ts';
import type { Drain, Drains } from '../registry/drains.ts';
import type { RegistrationJobs } from '../registry/registration-jobs.ts';
import type { Registry } from '../registry/registry.ts';
import type { Source } from '../registry/source.ts';
import { isUuid } from '../registry/uuid.ts';
import { tooManyWorkers } from '../registry/worker-limit.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import type { ControlApi } from '../sources/control-api.ts';
import { type FieldProblem, parseAddWorker, parseUpdateWorker } from '../sources/worker-fields.ts';
import { drainInfo, rankInfos, workerInfo } from './worker-info.ts';

export interface AdminDeps {
  readonly registry: Registry;
  readonly jobs: RegistrationJobs;
  readonly drains: Drains;
  readonly api: ControlApi;
  readonly load: LoadTable;
  /** Workers are prefill and decode ones, else regular ones. */
  readonly isPaired: boolean;
  /** Every data-parallel rank of an engine is a worker. */
  readonly isDpAware: boolean;
}

/** `{id...}`, because the id may be a URL with slashes. */
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
    control('GET', WORKER_PATH, (request) => showWorker(deps, request)),
    // Fields that a body leaves out stay with both. Source: sglang_router 0.3.2 has PUT, smg has PATCH.
    control('PUT', WORKER_PATH, (request) => updateWorker(deps, request)),
    control('PATCH', WORKER_PATH, (request) => updateWorker(deps, request)),
    control('DELETE', WORKER_PATH, (request) => removeWorker(deps, request)),
  ];
}

/** The worker or the data-parallel rank that a path names. */
interface Found {
  readonly record: WorkerRecord;
  readonly rank: Worker | null;
}

function infoOf({ load, jobs }: AdminDeps, { record, rank }: Found): object {
  const job = jobs.findStatus(record);
  // Infos are in the order of ranks.
  return (rank === null ? undefined : rankInfos(record, load, job)[record.ranks.indexOf(rank)]) ?? workerInfo(record, load, job);
}

/** For routes that take a worker with all its ranks, not one rank. */
function whole(then: (record: WorkerRecord) => LocalResponse): (found: Found) => LocalResponse {
  return ({ record, rank }) => (rank === null ? then(record) : fail(409, 'RANK_OF_WORKER', rankOfWorker(rank, record)));
}

/** Why a rank cannot be changed or removed alone. */
export function rankOfWorker({ url, rank }: Worker, { worker }: WorkerRecord): string {
  return `${url} is one of the ${rank?.size} data-parallel ranks of ${worker.url}, which change and leave together: name ${worker.url} or ${worker.id}`;
}

function listWorkers(deps: AdminDeps): LocalResponse {
  const records = deps.registry.list();
  // Launchers wait for these numbers, so workers that have not been ready yet are not counted. Source: sglang_router 0.3.2.
  const up = records.filter((record) => deps.jobs.findStatus(record) === null);
  const count = (type: string): number => up.reduce((sum, { worker, ranks }) => sum + (worker.type === type ? ranks.length : 0), 0);
  const workers = [
    ...records.flatMap((record) => rankInfos(record, deps.load, deps.jobs.findStatus(record))),
    ...deps.drains.list().map((drain) => drainInfo(drain, deps.load)),
  ];
  return jsonResponse(200, {
    workers,
    total: workers.length,
    stats: { prefill_count: count('prefill'), decode_count: count('decode'), regular_count: count('regular') },
  });
}

function addWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  const parsed = parseAddWorker(request.body, DEFAULT_OPTIONS, deps);
  if (!parsed.ok) return refuse(parsed.problems);
  const result = deps.api.add(parsed.value);
  if (result.kind === 'full') return fail(503, 'TOO_MANY_WORKERS', tooManyWorkers());
  const { worker } = result.record;
  if (result.kind === 'conflict') return fail(409, 'WORKER_CONFLICT', workerConflict(worker));
  const location = `/workers/${worker.id}`;
  const message =
    result.kind === 'added' ? 'Worker addition queued for background processing' : 'Worker is registered already; nothing was changed';
  return jsonResponse(202, { status: 'accepted', worker_id: worker.id, url: worker.url, location, message }, { location });
}

function workerConflict({ url, type, bootstrapPort }: Worker): string {
  const port = type === 'prefill' ? ` with the bootstrap port ${bootstrapPort ?? 'none'}` : '';
  return `${url} is registered as a ${type} worker${port}; DELETE it before it is added as something else`;
}

/** Why the control API does not change or remove this worker. */
export function workerOfSource({ worker }: WorkerRecord, { name }: Source): string {
  return `${worker.url} is a worker of ${name}: change or remove it there`;
}

function showWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  return withWorker(
    deps,
    request,
    (found) => jsonResponse(200, infoOf(deps, found)),
    (drain) => jsonResponse(200, drainInfo(drain, deps.load)),
  );
}

function updateWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  const update = (record: WorkerRecord): LocalResponse => {
    const parsed = parseUpdateWorker(request.body, record.claims.options);
    if (!parsed.ok) return refuse(parsed.problems);
    const keeper = deps.registry.update(record, parsed.value);
    if (keeper !== null) return fail(409, 'WORKER_OF_SOURCE', workerOfSource(record, keeper));
    return accept(record, 'Worker update queued for background processing');
  };
  return withWorker(deps, request, whole(update), ({ record: { worker } }) =>
    fail(409, 'WORKER_DRAINING', `${worker.url} has been removed and finishes its last requests`),
  );
}

function removeWorker(deps: AdminDeps, request: LocalRequest): LocalResponse {
  const remove = (record: WorkerRecord): LocalResponse => {
    const keeper = deps.registry.remove(record, deps.api);
    if (keeper !== null) return fail(409, 'WORKER_OF_SOURCE', workerOfSource(record, keeper));
    return accept(record, 'Worker removal queued for background processing');
  };
  return withWorker(deps, request, whole(remove), ({ record }) => accept(record, 'Worker removal is under way'));
}

function accept(record: WorkerRecord, message: string): LocalResponse {
  return jsonResponse(202, { status: 'accepted', worker_id: record.worker.id, message });
}

/**
 * The path names a worker by UUID or, as in versions before 0.3, by URL; a rank by its URL with `@0` appended. A worker that drains is found
 * if no registered one is meant.
 */
function withWorker(
  { registry, drains }: AdminDeps,
  request: LocalRequest,
  then: (found: Found) => LocalResponse,
  ofDrain: (drain: Drain) => LocalResponse,
): LocalResponse {
  const id = request.params['id'] ?? '';
  const shown = id.slice(0, 200);
  const url = id.includes('://') ? parseNamed(id) : null;
  if (!isUuid(id) && url?.ok !== true) {
    const reason = url?.ok === false ? url.expected : 'a UUID or the URL of a worker';
    return fail(400, 'BAD_REQUEST', `Invalid worker_id '${shown}' (expected UUID). Error: expected ${reason}`);
  }
  const name = url?.ok === true ? url.url : id.toLowerCase();
  const record = url?.ok === true ? registry.findByUrl(name) : registry.findById(name);
  const found = record === null ? registry.findByRank(name) : { record, rank: null };
  if (found !== null) return then(found);
  const drain = drains.find(name);
  return drain === null ? fail(404, 'WORKER_NOT_FOUND', `Worker ${shown} not found`) : ofDrain(drain);
}

/** The canonical URL of a worker, or of a rank. */
export function parseNamed(text: string): { readonly ok: true; readonly url: string } | { readonly ok: false; readonly expected: string } {
  const rank = /@\d{1,4}$/.exec(text)?.[0] ?? '';
  const parsed = parseWorkerAddress(rank === '' ? text : text.slice(0, -rank.length));
  return parsed.ok ? { ok: true, url: parsed.address.url + rank } : parsed;
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
