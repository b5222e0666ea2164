/** From the requests of one concurrency to its result, with the names that sa-bench gives its values. Pure. */

import type { ClientLoad } from '../../base/runtime/client-load.ts';
import type { ArrivalRate } from './arrivals.ts';
import type { CompletionApi } from './completion-client.ts';
import { distributionOf } from './distribution.ts';
import type { Provenance } from './provenance.ts';
import { isShort, isUnstreamed, type Sample } from './sample.ts';
import { peakTokenRate } from './token-rate.ts';
import type { WorkerFigure } from './worker-figures.ts';
import type { PointFacts } from './workload.ts';

/** What was asked of one point. */
export interface PointPlan {
  readonly name: string;
  /** Null: as many as arrive. */
  readonly concurrency: number | null;
  readonly requests: number;
  /** Requests in a second; null: as fast as the concurrency allows. */
  readonly rate: ArrivalRate | null;
  readonly facts: PointFacts;
  readonly model: string;
  readonly endpoint: string;
  readonly api: CompletionApi;
  readonly seed: number;
}

type Measure = 'ttft' | 'tpot' | 'itl' | 'e2el';
const STATISTICS = ['mean', 'median', 'std', 'p50', 'p75', 'p90', 'p95', 'p99', 'p99_9', 'p99.9'] as const;
type LatencyKey<Name extends Measure> = `${(typeof STATISTICS)[number]}_${Name}_ms`;

/**
 * `mean_ttft_ms`, `p99_itl_ms` and so on: time to the first token, per token after it, between events, from end to end. Null: nothing
 * was measured. `p99.9` is the spelling of vLLM's benchmark_serving, `p99_9` that of the first versions.
 */
export type Latencies = { readonly [Key in LatencyKey<Measure>]: number | null };

/** What was measured at one point. Rates are per second over all of the duration, ramp-up and tail included. */
export interface Measurement extends Latencies {
  /** `20261121-131500`, UTC. */
  readonly date: string;
  /** Name of the point: `concurrency 16`. */
  readonly point: string;
  readonly backend: 'openai-completions' | 'openai-chat';
  readonly endpoint: string;
  readonly model_id: string;
  readonly tokenizer_id: string;
  readonly best_of: 1;
  readonly num_prompts: number;
  readonly request_rate: number | 'inf';
  readonly burstiness: number;
  /** Null: requests started at the times of a trace. */
  readonly max_concurrency: number | null;
  /** Null: prompts of a file. */
  readonly random_input_len: number | null;
  readonly random_output_len: number | null;
  /** Share of the prompt that all requests have in common; null: none. */
  readonly prefix_ratio: number | null;
  readonly random_range_ratio: number;
  readonly seed: number;
  /** Seconds from the first request to the end of the last. */
  readonly duration: number;
  readonly completed: number;
  readonly failed: number;
  /** The benchmark was ended before all requests were: numbers are those of what had completed. */
  readonly partial: boolean;
  readonly total_input_tokens: number;
  readonly total_output_tokens: number;
  /** What those requests asked for. */
  readonly total_asked_input_tokens: number;
  readonly total_asked_output_tokens: number;
  readonly total_cached_tokens: number;
  /** Completed answers with fewer tokens than were asked for, although the engine was told to ignore the end of the text. */
  readonly short_answers: number;
  /** Completed answers that came in one piece: their ttft is the time to the whole answer, and they have no tpot. */
  readonly unstreamed_answers: number;
  /** Completed answers whose tokens the engine did not count: events were counted instead. */
  readonly uncounted_answers: number;
  readonly request_throughput: number;
  /** Good requests in a second; null: nothing says what is good. */
  readonly request_goodput: number | null;
  readonly good_requests: number | null;
  readonly output_throughput: number;
  readonly peak_output_tokens_per_s: number;
  readonly total_token_throughput: number;
  readonly reuse_http_connections: true;
  /** By request, in the order in which they were sent; 0 or an empty list for one that failed. */
  readonly input_lens: readonly number[];
  readonly output_lens: readonly number[];
  /** Seconds. */
  readonly ttfts: readonly number[];
  /** Seconds, by request; empty lists when there were more than MAX_GAPS of them in all (the statistics count all). */
  readonly itls: readonly (readonly number[])[];
  /** Never kept: prompts and answers of a benchmark mean nothing and fill disks. */
  readonly generated_texts: readonly string[];
  /** By request; empty for one that completed. */
  readonly errors: readonly string[];
  /** What failed requests said, each text with the number of its requests; at most MAX_ERRORS. */
  readonly error_counts: Readonly<Record<string, number>>;
}

/** Under which circumstances it was measured. */
export interface Circumstances {
  /** 1, 2 and so on: which measurement of this point. */
  readonly run: number;
  /** ISO 8601, UTC: start and end of the measured requests. */
  readonly started_at: string;
  readonly ended_at: string;
  /** How late the client itself was meanwhile. */
  readonly client: ClientLoad;
  /** As the routers counted; null: nobody said. */
  readonly workers: readonly WorkerFigure[] | null;
  readonly provenance: Provenance;
}

/** Whether the numbers may be believed. */
export interface Judged {
  /** partial: the benchmark was ended before the point was. */
  readonly verdict: 'ok' | 'warnings' | 'failed' | 'partial';
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
  /** Limits of the numbers that are no fault of the engines: few samples, a late client. */
  readonly marks: readonly string[];
}

/** One result file. */
export type PointResult = Measurement & Circumstances & Judged;

const MAX_ERRORS = 20;
/** About 20 MB of JSON. */
const MAX_GAPS = 2_000_000;

/** `samples`: in the order in which they were sent. `startMs`, `endMs`: of the client's clock; `date` as in the result. */
export function resultOf(plan: PointPlan, samples: readonly Sample[], startMs: number, endMs: number, date: string): Measurement {
  const ended = samples.filter((sample) => !sample.isCut);
  const whole = ended.filter((sample) => sample.error === null);
  const durationMs = endMs - startMs;
  const perSecond = (amount: number): number => (durationMs > 0 ? (amount * 1000) / durationMs : 0);
  const totalInput = sum(whole.map((sample) => sample.inputTokens));
  const totalOutput = sum(whole.map((sample) => sample.outputTokens));
  const gaps = whole.flatMap((sample) => sample.gapsMs);
  const failed = samples.filter((sample) => sample.error !== null);
  const good = countGood(whole, plan.facts.good);
  return {
    date,
    point: plan.name,
    backend: plan.api === 'chat' ? 'openai-chat' : 'openai-completions',
    endpoint: plan.endpoint,
    model_id: plan.model,
    tokenizer_id: plan.model,
    best_of: 1,
    num_prompts: plan.requests,
    request_rate: plan.rate?.perSecond ?? 'inf',
    burstiness: plan.rate?.burstiness ?? 1,
    max_concurrency: plan.concurrency,
    random_input_len: plan.facts.inputTokens,
    random_output_len: plan.facts.outputTokens,
    random_range_ratio: plan.facts.rangeRatio,
    prefix_ratio: plan.facts.prefixRatio,
    seed: plan.seed,
    duration: durationMs / 1000,
    completed: whole.length,
    failed: failed.length,
    partial: whole.length + failed.length < plan.requests,
    total_input_tokens: totalInput,
    total_output_tokens: totalOutput,
    total_asked_input_tokens: sum(whole.map((sample) => sample.askedInputTokens)),
    total_asked_output_tokens: sum(whole.map((sample) => sample.askedOutputTokens)),
    total_cached_tokens: sum(whole.map((sample) => sample.cachedTokens)),
    short_answers: whole.filter(isShort).length,
    unstreamed_answers: whole.filter(isUnstreamed).length,
    uncounted_answers: whole.filter(({ isCounted }) => !isCounted).length,
    request_throughput: perSecond(whole.length),
    request_goodput: good === null ? null : perSecond(good),
    good_requests: good,
    output_throughput: perSecond(totalOutput),
    peak_output_tokens_per_s: peakTokenRate(whole, startMs, durationMs),
    total_token_throughput: perSecond(totalInput + totalOutput),
    reuse_http_connections: true,
    ...latenciesOf('ttft', whole.map(ttftOf)),
    ...latenciesOf('tpot', whole.filter(hasTpot).map(tpotOf)),
    ...latenciesOf('itl', gaps),
    ...latenciesOf(
      'e2el',
      whole.map((sample) => (sample.lastMs ?? sample.startMs) - sample.startMs),
    ),
    input_lens: ended.map((sample) => sample.inputTokens),
    output_lens: ended.map((sample) => (sample.error === null ? sample.outputTokens : 0)),
    ttfts: ended.map((sample) => (sample.error === null ? seconds(ttftOf(sample)) : 0)),
    itls: ended.map((sample) => (sample.error === null && gaps.length <= MAX_GAPS ? sample.gapsMs.map(seconds) : [])),
    generated_texts: [],
    errors: ended.map(({ error }) => error ?? ''),
    error_counts: countedErrors(failed),
  };
}

function latenciesOf<Name extends Measure>(name: Name, valuesMs: readonly number[]): Pick<Latencies, LatencyKey<Name>> {
  const found = distributionOf(valuesMs);
  const entries = STATISTICS.map((statistic) => [`${statistic}_${name}_ms`, found?.[statistic === 'p99.9' ? 'p99_9' : statistic] ?? null]);
  // The keys are exactly those of STATISTICS.
  return Object.fromEntries(entries) as Pick<Latencies, LatencyKey<Name>>;
}

function countGood(samples: readonly Sample[], limits: PointFacts['good']): number | null {
  if (limits === null) return null;
  return samples.filter((sample) => ttftOf(sample) <= limits.ttftMs && (!hasTpot(sample) || tpotOf(sample) <= limits.itlMs)).length;
}

function ttftOf(sample: Sample): number {
  return (sample.firstMs ?? sample.startMs) - sample.startMs;
}

/** One token, or one event, has no time per further token: 0.00 would look like a measurement. */
function hasTpot({ outputTokens, gapsMs }: Sample): boolean {
  return outputTokens > 1 && gapsMs.length > 0;
}

function tpotOf(sample: Sample): number {
  return ((sample.lastMs ?? 0) - (sample.firstMs ?? 0)) / (sample.outputTokens - 1);
}

/** To the microsecond: more digits are noise and bytes. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1e6;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function countedErrors(failed: readonly Sample[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { error } of failed) {
    if (error !== null && (counts.has(error) || counts.size < MAX_ERRORS)) counts.set(error, (counts.get(error) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
