/** GET /metrics: Prometheus text with the metric names of SGLang 0.5.23; metrics that are not simulated are zero. */
import type { Histogram } from '../../base/telemetry/cells.ts';
import type { Engine } from '../engine/engine.ts';
import type { Call } from '../http/call.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { METRIC_NAMES } from './metric-names.ts';

export function metrics({ engine, answer }: Call): void {
  answer.startStream([], 'text/plain; version=0.0.4; charset=utf-8');
  answer.chunk(metricsText(engine));
  answer.endStream();
}

export function metricsText(engine: Engine): string {
  const labels = `engine_type="${engine.options.disaggregationMode === 'null' ? 'unified' : engine.options.disaggregationMode}",model_name="${engine.options.servedModelName}",pp_rank="0",tp_rank="0"`;
  const isOne = engine.schedulers.length === 1;
  const ranks = engine.schedulers.map((scheduler, rank) => ({
    labels: isOne ? labels : `${labels},dp_rank="${rank}"`,
    values: numbersOf(engine, scheduler, rank),
    histograms: histogramsOf(scheduler),
  }));
  const lines: string[] = [];
  for (const [name, kind] of METRIC_NAMES) {
    lines.push(`# HELP ${name} ${name.slice('sglang:'.length).replaceAll('_', ' ')}`, `# TYPE ${name} ${kind}`);
    if (name === 'sglang:http_requests_total' || name === 'sglang:http_responses_total') lines.push(...httpLines(engine, name));
    else
      for (const { labels, values, histograms } of ranks) {
        if (kind === 'histogram') lines.push(...histogramLines(name, labels, histograms.get(name)));
        else lines.push(`${name}{${labels}} ${values.get(name) ?? 0}`);
      }
  }
  return `${lines.join('\n')}\n`;
}

function numbersOf({ options, traffic, clock, startedWallMs }: Engine, scheduler: Scheduler, rank: number): ReadonlyMap<string, number> {
  const { counters, pool } = scheduler;
  const running = scheduler.runningRequests;
  return new Map([
    ['sglang:num_running_reqs', running],
    ['sglang:num_queue_reqs', scheduler.waitingRequests],
    ['sglang:num_prefill_bootstrap_queue_reqs', scheduler.bootstrappingRequests],
    ['sglang:num_prefill_inflight_queue_reqs', options.disaggregationMode === 'prefill' ? scheduler.transferringRequests : 0],
    ['sglang:num_decode_prealloc_queue_reqs', options.disaggregationMode === 'decode' ? scheduler.waitingRequests : 0],
    ['sglang:num_decode_transfer_queue_reqs', options.disaggregationMode === 'decode' ? scheduler.transferringRequests : 0],
    ['sglang:num_used_tokens', scheduler.usedTokens],
    ['sglang:kv_used_tokens', scheduler.usedTokens],
    ['sglang:kv_available_tokens', pool.freeTokens],
    ['sglang:kv_evictable_tokens', pool.cache.evictableTokens],
    ['sglang:token_usage', scheduler.usedTokens / pool.capacityTokens],
    ['sglang:full_token_usage', scheduler.usedTokens / pool.capacityTokens],
    ['sglang:utilization', running / options.maxRunningRequests],
    ['sglang:gen_throughput', running === 0 ? 0 : counters.tokensPerSec],
    ['sglang:cache_hit_rate', counters.lastHitRate],
    ['sglang:max_total_num_tokens', pool.capacityTokens],
    ['sglang:num_pages', Math.floor(pool.capacityTokens / options.pageSize)],
    ['sglang:page_size', options.pageSize],
    ['sglang:context_len', options.contextLength],
    ['sglang:prompt_tokens_total', counters.promptTokens],
    ['sglang:generation_tokens_total', counters.generatedTokens],
    ['sglang:cached_tokens_total', counters.cachedTokens],
    ['sglang:prefill_effective_tokens_total', counters.prefilledTokens],
    ['sglang:num_requests_total', counters.completed + counters.aborted],
    ['sglang:num_aborted_requests_total', counters.aborted],
    ['sglang:num_retracted_reqs', counters.retracted],
    ['sglang:http_requests_active', rank === 0 ? traffic.active : 0],
    ['sglang:startup_time_seconds', options.startupDelaySecs + options.warmupSecs],
    ['sglang:scheduler_idle_seconds_total', Math.max(0, (clock.wallMs() - startedWallMs - counters.prefillBusyMs) / 1000)],
  ]);
}

function histogramsOf({ counters }: Scheduler): ReadonlyMap<string, Histogram> {
  return new Map([
    ['sglang:time_to_first_token_seconds', counters.firstTokenSec],
    ['sglang:inter_token_latency_seconds', counters.interTokenSec],
    ['sglang:e2e_request_latency_seconds', counters.wholeSec],
    ['sglang:queue_time_seconds', counters.queueSec],
  ]);
}

function histogramLines(name: string, labels: string, histogram: Histogram | undefined): readonly string[] {
  const lines: string[] = [];
  let total = 0;
  histogram?.bounds.forEach((bound, at) => {
    total += histogram.counts[at] ?? 0;
    lines.push(`${name}_bucket{${labels},le="${bound}"} ${total}`);
  });
  total += histogram?.counts.at(-1) ?? 0;
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${total}`,
    `${name}_sum{${labels}} ${histogram?.sum ?? 0}`,
    `${name}_count{${labels}} ${total}`,
  ];
}

function httpLines({ traffic }: Engine, name: string): readonly string[] {
  if (name === 'sglang:http_requests_total') return [...traffic.requests].map(([path, count]) => `${name}{endpoint="${path}"} ${count}`);
  return [...traffic.responses].map(([status, count]) => `${name}{status_code="${status}"} ${count}`);
}
