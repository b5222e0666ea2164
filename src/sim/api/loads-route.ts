/** GET /v1/loads and the older /get_load: the load of the engine. Source: recorded from SGLang 0.5.23. */
import { type Engine, SGLANG_VERSION } from '../engine/engine.ts';
import type { Call } from '../http/call.ts';
import { float, type Json, toJson } from '../http/python-json.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';

/** GET /v1/loads: what routers read to balance load. `include=core` leaves the last three parts out, `include=core,queues` the other two. */
export function loads(call: Call): void {
  const { engine, answer, query } = call;
  const rank = query.get('dp_rank');
  const parts = (query.get('include') ?? 'all').split(',');
  const list = engine.schedulers.flatMap((scheduler, at) =>
    rank === null || rank === String(at) ? [loadOf(engine, scheduler, at, parts)] : [],
  );
  if (query.get('format') === 'prometheus') {
    answer.send(200, list.map(prometheusOf).join(''), 'text/plain; version=0.0.4; charset=utf-8');
    return;
  }
  answer.json(
    200,
    toJson({
      timestamp: new Date(engine.clock.wallMs()).toISOString().replace('Z', '000+00:00'),
      version: SGLANG_VERSION,
      accelerator: null,
      num_accelerators: 1,
      loads: list,
    }),
  );
}

/** GET /get_load of engines older than 0.5.10 or so. */
export function oldLoad({ engine, answer }: Call): void {
  const ranks = engine.schedulers.map((scheduler, rank) => ({
    dp_rank: rank,
    num_reqs: scheduler.runningRequests + scheduler.waitingRequests,
    num_waiting_reqs: scheduler.waitingRequests,
    num_tokens: scheduler.usedTokens + scheduler.waitingUncachedTokens,
  }));
  answer.json(200, toJson(ranks));
}

function loadOf(engine: Engine, scheduler: Scheduler, rank: number, parts: readonly string[]): { readonly [key: string]: Json } {
  const { options } = engine;
  const { counters, pool } = scheduler;
  const waiting = scheduler.waitingRequests;
  const uncached = scheduler.waitingUncachedTokens;
  const core = {
    timestamp: float(engine.clock.wallMs() / 1000),
    dp_rank: rank,
    num_running_reqs: scheduler.runningRequests,
    num_waiting_reqs: waiting,
    num_waiting_uncached_tokens: uncached,
    num_used_tokens: scheduler.usedTokens,
    num_total_tokens: scheduler.usedTokens + uncached,
    num_active_tokens: scheduler.usedTokens,
    num_prealloc_ready_tokens: 0,
    max_total_num_tokens: pool.capacityTokens,
    max_running_requests: options.maxRunningRequests,
    token_usage: float(scheduler.usedTokens / pool.capacityTokens),
    gen_throughput: float(scheduler.runningRequests === 0 ? 0 : counters.tokensPerSec),
    cache_hit_rate: float(counters.lastHitRate),
    utilization: float(scheduler.runningRequests / options.maxRunningRequests),
    total_prefill_uncached_tokens: counters.prefilledTokens,
    total_prefill_busy_us: Math.round(counters.prefillBusyMs * 1000),
    decode_moments: [float(0), float(0), float(0), float(0), float(0), float(0)],
  };
  const has = (part: string): boolean => parts.includes('all') || parts.includes(part);
  return {
    ...core,
    ...(has('memory') && {
      memory: { weight_gb: float(0), kv_cache_gb: float(0), graph_gb: float(0), token_capacity: pool.capacityTokens },
    }),
    ...(has('disagg') && { disaggregation: disaggregationOf(engine, scheduler) }),
    ...(has('queues') && { queues: { waiting, grammar: 0, paused: 0, retracted: 0, prealloc_ready: 0 } }),
  };
}

function disaggregationOf({ options, roomStats }: Engine, scheduler: Scheduler): Json {
  const mode = options.disaggregationMode;
  const { transferMs, transferBytes } = roomStats();
  return {
    mode,
    prefill_bootstrap_queue_reqs: scheduler.bootstrappingRequests,
    prefill_inflight_queue_reqs: mode === 'prefill' ? scheduler.transferringRequests : 0,
    decode_prealloc_queue_reqs: mode === 'decode' ? scheduler.waitingRequests : 0,
    decode_transfer_queue_reqs: mode === 'decode' ? scheduler.transferringRequests : 0,
    decode_retracted_queue_reqs: 0,
    kv_transfer_speed_gb_s: float(transferMs === 0 ? 0 : transferBytes / transferMs / 1e6),
    kv_transfer_latency_ms: float(transferMs),
  };
}

/** One gauge per number of a load; each part has its prefix. */
function prometheusOf(load: { readonly [key: string]: Json }): string {
  const prefixes: Record<string, string> = { disaggregation: 'disagg_', memory: 'memory_', queues: 'queues_' };
  const lines: string[] = [];
  const add = (name: string, value: Json): void => {
    if (name === 'dp_rank' || name === 'mode' || name.endsWith('_mode') || Array.isArray(value)) return;
    lines.push(
      `# HELP sglang_${name} ${name}\n# TYPE sglang_${name} gauge\nsglang_${name}{dp_rank="${String(load['dp_rank'])}"} ${toJson(value)}\n`,
    );
  };
  for (const [name, value] of Object.entries(load)) {
    const prefix = prefixes[name];
    if (prefix === undefined) add(name, value);
    else for (const [inner, item] of Object.entries(value ?? {})) add(prefix + inner, item as Json);
  }
  return lines.join('');
}
