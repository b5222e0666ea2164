/**
 * Routes that a router of prefill-decode pairs answers itself, while a router of regular workers forwards them to one worker:
 * `/health_generate` and `/get_server_info`. Texts and shapes: sglang_router 0.3.2 and its MiniLB.
 */
import type { FleetCell } from '../../../base/core/fleet.ts';
import { jsonResponse, type LocalRequest, type LocalResponse, type LocalRoute } from '../../../base/core/local-route.ts';
import type { Rng } from '../../../base/core/rng.ts';
import type { Worker } from '../../../base/core/worker.ts';
import { jsonOf, memberOf } from '../calls/json-answers.ts';
import type { CallResult, WorkerCalls } from '../calls/worker-client.ts';
import type { WorkerRounds } from '../calls/worker-rounds.ts';
import { busy, refusal } from './fan-out-routes.ts';

export interface PairRouteDeps {
  readonly cell: FleetCell;
  readonly rounds: WorkerRounds;
  readonly rng: Rng;
}

type Role = 'prefill' | 'decode';

/** An engine answers when it has generated a token, and 503 if it has not within 20 s (SGLang 0.5.23). */
const GENERATE_LIMITS = { timeoutMs: 25_000, bodyBytes: 64 << 10 };
const INFO_LIMITS = { timeoutMs: 5000, bodyBytes: 4 << 20 };
/** Workers per role that `/get_server_info` describes; a description has tens of kilobytes. */
const MAX_DESCRIBED = 64;
/** Newer name first. */
const INFO_PATHS = ['/server_info', '/get_server_info'] as const;
/** Fields that are never forwarded. */
const SECRETS = ['api_key', 'admin_api_key'] as const;

export function createPairRoutes(deps: PairRouteDeps): LocalRoute[] {
  return [
    { method: 'GET', path: '/health_generate', access: 'public', handle: (request) => healthGenerate(deps, request) },
    ...INFO_PATHS.map((path): LocalRoute => ({ method: 'GET', path, access: 'public', handle: (request) => serverInfo(deps, request) })),
  ];
}

/** Eligible workers of a role; of an engine with several ranks only the first, which answers for all of them. */
function ready({ current }: FleetCell, role: Role): Worker[] {
  const workers = [...current.eligible[role]].flatMap((index) => current.workers[index] ?? []);
  return workers.filter(({ rank }) => rank === null || rank.number === 0);
}

function engineOf({ rank, url }: Worker): string {
  return rank?.engineUrl ?? url;
}

function noWorker(missing: readonly Role[]): LocalResponse {
  return refusal('no_available_workers', `no ${missing.join(' and no ')} worker can take requests now`);
}

async function healthGenerate(deps: PairRouteDeps, { authorization }: LocalRequest): Promise<LocalResponse> {
  const { cell, rounds, rng } = deps;
  const [prefills, decodes] = [ready(cell, 'prefill'), ready(cell, 'decode')];
  const prefill = prefills[rng.below(Math.max(1, prefills.length))];
  const decode = decodes[rng.below(Math.max(1, decodes.length))];
  if (prefill === undefined || decode === undefined) return noWorker(missingOf(prefills, decodes));
  if (!rounds.hasRoom) return busy();
  return rounds.share(`health_generate ${authorization}`, async () => {
    const results = await rounds.ask([prefill, decode], authorization, (calls) => calls.get('/health_generate', GENERATE_LIMITS));
    const failed = [prefill, decode].flatMap((worker, at) => {
      const failure = failureOf(results[at]);
      return failure === null ? [] : [`${worker.type}=${engineOf(worker)} ${failure}`];
    });
    if (failed.length > 0) return refusal('health_generate_failed', `Health generate failed on selected pair: ${failed.join(', ')}`);
    const body = `Health generate passed on selected pair: prefill=${engineOf(prefill)}, decode=${engineOf(decode)}`;
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
  });
}

function missingOf(prefills: readonly Worker[], decodes: readonly Worker[]): Role[] {
  return [...(prefills.length === 0 ? (['prefill'] as const) : []), ...(decodes.length === 0 ? (['decode'] as const) : [])];
}

function failureOf(result: CallResult | undefined): string | null {
  if (result === undefined) return 'was not asked';
  if (!result.ok) return `did not answer (${result.failure})`;
  return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
}

/**
 * The description of the first prefill worker, as in other routers, plus the fields of the MiniLB that benchmark scripts read:
 * `prefill` and `decode` (all descriptions) and `internal_states` (those of decode workers).
 */
async function serverInfo({ cell, rounds }: PairRouteDeps, { authorization }: LocalRequest): Promise<LocalResponse> {
  const workers = [...ready(cell, 'prefill').slice(0, MAX_DESCRIBED), ...ready(cell, 'decode').slice(0, MAX_DESCRIBED)];
  if (workers.length === 0) return noWorker(['prefill', 'decode']);
  if (!rounds.hasRoom) return busy();
  return rounds.share(`server_info ${authorization}`, async () => {
    const descriptions = await rounds.ask(workers, authorization, describe);
    const of = (role: Role): object[] => workers.flatMap(({ type }, at) => (type === role ? (descriptions[at] ?? []) : []));
    const [prefill, decode] = [of('prefill'), of('decode')];
    const first = prefill[0] ?? decode[0];
    if (first === undefined) return refusal('no_worker_response', 'no worker described itself');
    const states = decode.flatMap((description) => {
      const own = memberOf(description, 'internal_states');
      return Array.isArray(own) ? own : [];
    });
    return jsonResponse(200, { ...first, internal_states: states.length > 0 ? states : [NO_STATE], prefill, decode });
  });
}

/** The state that the MiniLB answers if no worker reports one. */
const NO_STATE = { last_gen_throughput: 0, avg_spec_accept_length: null };

async function describe(calls: WorkerCalls): Promise<object | null> {
  for (const path of INFO_PATHS) {
    const description = jsonOf(await calls.get(path, INFO_LIMITS));
    if (description === null || Array.isArray(description)) continue;
    const states = memberOf(description, 'internal_states');
    // Engines repeat all their settings in every state.
    for (const part of [description, ...(Array.isArray(states) ? states : [])]) hideSecrets(part);
    return description;
  }
  return null;
}

function hideSecrets(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  for (const name of SECRETS) if (Object.hasOwn(part, name)) Reflect.set(part, name, null);
}
