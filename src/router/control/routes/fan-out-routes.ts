/** Requests that go to all workers: `/flush_cache` and `/get_loads`. Shapes: sglang_router 0.3.2. */
import { ERRORS, type ErrorCode, errorBody } from '../../../base/core/errors.ts';
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import type { Worker, WorkerRank } from '../../../base/core/worker.ts';
import { jsonOf, memberOf } from '../calls/json-answers.ts';
import type { CallResult, WorkerCalls } from '../calls/worker-client.ts';
import type { WorkerRounds } from '../calls/worker-rounds.ts';
import type { Registry } from '../registry/registry.ts';

export interface FanOutDeps {
  readonly registry: Registry;
  readonly rounds: WorkerRounds;
}

/** Source: sglang_router 0.3.2. */
const LIMITS = { timeoutMs: 5000, bodyBytes: 1 << 20 };
/** After that time the client has left (`--request-timeout-secs`), and the round would only occupy a place. */
const MAX_FLUSH_SECONDS = 3600;
/** Characters of a worker's error message that the answer repeats. */
const MAX_REASON = 200;

export function createFanOutRoutes(deps: FanOutDeps): LocalRoute[] {
  return [
    { method: 'POST', path: '/flush_cache', access: 'control', handle: (request) => flushCache(deps, request) },
    { method: 'GET', path: '/get_loads', access: 'control', handle: (request) => getLoads(deps, request) },
  ];
}

/** An error answer like those of the data plane. */
export function refusal(code: ErrorCode, message: string): LocalResponse {
  const headers = { 'content-type': 'application/json', 'x-smg-error-code': code };
  return { status: ERRORS[code].status, headers, body: errorBody(code, message) };
}

export function busy(): LocalResponse {
  return refusal('router_busy', 'as many questions to all workers are under way as the router keeps; try again');
}

async function flushCache({ registry, rounds }: FanOutDeps, request: LocalRequest): Promise<LocalResponse> {
  if (!rounds.hasRoom) return busy();
  const records = registry.list();
  const workers = records.map(({ worker }) => worker);
  const query = request.query.toString();
  const path = query === '' ? '/flush_cache' : `/flush_cache?${query}`;
  const limits = { ...LIMITS, timeoutMs: LIMITS.timeoutMs + flushMsOf(request.query) };
  // Never shared with a running round: entries cached since its start must be flushed as well.
  const results = await rounds.ask(workers, request.authorization, (calls) => calls.post(path, limits));
  const outcomes = workers.map(({ url }, at) => ({ worker: url, error: failureOf(results[at]) }));
  for (const [at, record] of records.entries()) if (outcomes[at]?.error === null) registry.cacheEmptied(record);
  const failed = outcomes.filter(({ error }) => error !== null);
  const successful = outcomes.filter(({ error }) => error === null).map(({ worker }) => worker);
  const total = { workers_flushed: successful.length, total_http_workers: workers.length, total_workers: workers.length };
  if (failed.length === 0) {
    return jsonResponse(200, { status: 'success', message: `Successfully flushed the cache of ${workers.length} workers`, ...total });
  }
  const message = `Flushed the cache of ${successful.length} of ${workers.length} workers`;
  return jsonResponse(206, { status: 'partial_success', message, ...total, successful, failed });
}

/** How long engines may wait for their requests before they flush (`timeout`, in seconds); 0 without a usable `timeout`. */
function flushMsOf(query: URLSearchParams): number {
  const seconds = Number(query.get('timeout') ?? 0);
  return seconds > 0 && seconds <= MAX_FLUSH_SECONDS ? seconds * 1000 : 0;
}

/** null: the worker flushed its cache. */
function failureOf(result: CallResult | undefined): string | null {
  if (result === undefined) return 'not asked';
  if (!result.ok) return `${result.failure} (${result.detail})`;
  if (result.status >= 200 && result.status < 300) return null;
  const words = result.body.toString().slice(0, MAX_REASON).trim();
  return words === '' ? `status ${result.status}` : `status ${result.status}: ${words}`;
}

async function getLoads({ registry, rounds }: FanOutDeps, request: LocalRequest): Promise<LocalResponse> {
  if (!rounds.hasRoom) return busy();
  return rounds.share(`loads ${request.authorization}`, async () => {
    const records = registry.list();
    const workers = records.map(({ worker }) => worker);
    const loads = await rounds.ask(workers, request.authorization, tokensAt);
    const entries = records.flatMap(({ ranks }, at) => ranks.map((worker) => entry(worker, sumOf(loads[at] ?? null, worker.rank))));
    return jsonResponse(200, { workers: entries });
  });
}

function entry({ url, type }: Worker, load: number): object {
  return { worker: url, worker_type: type, load };
}

/** Tokens of running and waiting requests of one rank. */
interface RankTokens {
  readonly rank: unknown;
  readonly tokens: unknown;
}

/** By rank; null if the worker does not report them. */
async function tokensAt(calls: WorkerCalls): Promise<readonly RankTokens[] | null> {
  const now = await calls.get('/v1/loads?include=core', LIMITS);
  if (now.ok && now.status === 200) return tokensIn(memberOf(jsonOf(now), 'loads'), 'num_total_tokens');
  if (!now.ok) return null;
  // Engines before /v1/loads. Source: SGLang 0.5.23 has the new route only, 0.5.5 the old one only.
  return tokensIn(jsonOf(await calls.get('/get_load', LIMITS)), 'num_tokens');
}

function tokensIn(loads: unknown, name: string): readonly RankTokens[] | null {
  return Array.isArray(loads) ? loads.map((load) => ({ rank: memberOf(load, 'dp_rank'), tokens: memberOf(load, name) })) : null;
}

/** Tokens of one rank, or of all ranks (`rank` null); -1 if the worker does not report them. */
function sumOf(loads: readonly RankTokens[] | null, rank: WorkerRank | null): number {
  if (loads === null || (rank !== null && !loads.some((load) => load.rank === rank.number))) return -1;
  const counts = loads.filter((load) => rank === null || load.rank === rank.number).map(({ tokens }) => tokens);
  return counts.every((count) => typeof count === 'number') ? counts.reduce((sum, count) => sum + count, 0) : -1;
}
