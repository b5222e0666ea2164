/** `meta_info` of /generate. Source: key sets recorded from SGLang 0.5.23. */

import type { Engine } from '../engine/engine.ts';
import { floatText } from '../http/python-json.ts';
import { ABORTED_IN_QUEUE } from '../scheduling/abort-messages.ts';
import type { FinishReason, Generation } from '../scheduling/generation.ts';
import { type LogprobOptions, logprobText } from './logprobs.ts';

/** Where the object appears: in a plain answer, in the first event of a stream, or in a later event. The members differ. */
export type AnswerPart = 'whole' | 'first' | 'later';

/** JSON text of the object. */
export function metaInfo(engine: Engine, generation: Generation, logprobs: LogprobOptions, part: AnswerPart): string {
  const { spec, finish } = generation;
  if (finish?.type === 'abort' && finish.message === ABORTED_IN_QUEUE) return queuedMetaInfo(engine, generation);
  const cached = Math.max(0, generation.cachedTokens);
  const tokens = generation.outputIds.length;
  const parts = [commonText(engine, generation), ...phaseTexts(engine, generation), `"queue_time":${floatText(queuedSec(generation))}`];
  if (spec.returnLogprob) parts.push(logprobText(generation, logprobs, !isDecode(engine)));
  parts.push(`"reasoning_tokens":0,"completion_tokens":${tokens},"cached_tokens":${cached}`);
  if (finish !== null) parts.push(weightVersions(engine, tokens));
  parts.push(
    `"cached_tokens_details":${cached === 0 ? 'null' : `{"device":${cached},"host":0}`},"dp_rank":${engine.options.dpSize > 1 ? spec.rank : 'null'}`,
  );
  if (finish !== null) parts.push(endText(engine, generation));
  const hasRate = part !== 'whole' || !isDecode(engine);
  if (finish !== null && tokens > 1 && hasRate) parts.push(`"decode_throughput":${floatText(decodeRate(generation))}`);
  if (part === 'first' || finish !== null) parts.push(sentText(engine));
  return `{${parts.join(',')}}`;
}

/** Times of its phases: a decode half has no prefill times, a request that never ran has none. */
function phaseTexts(engine: Engine, { spec, admittedMs, prefilledMs }: Generation): readonly string[] {
  if (spec.pair !== null && admittedMs === 0) return [];
  const entry = `"forward_entry_time":${seconds(engine, admittedMs)}`;
  if (isDecode(engine)) return [entry];
  return [`"storage_prefetch_wait":0.0,"storage_staging_wait":0.0`, entry, `"prefill_finished_time":${seconds(engine, prefilledMs)}`];
}

function isDecode({ options }: Engine): boolean {
  return options.disaggregationMode === 'decode';
}

/** The object for a prompt without output, as embedding models show it. */
export function embeddingMetaInfo(engine: Engine, generation: Generation): string {
  return `{${commonText(engine, generation)},"queue_time":0.0,${endText(engine, generation)},${sentText(engine)}}`;
}

/** The object of a request that was aborted in the queue. */
function queuedMetaInfo(engine: Engine, { spec, outputIds, receivedMs, endedMs }: Generation): string {
  const finish = `{"type":"abort","message":${JSON.stringify(ABORTED_IN_QUEUE)}}`;
  return earlyText(engine, spec.rid, finish, outputIds.length, (endedMs - receivedMs) / 1000);
}

/** The object of a request that the full queue refused. */
export function refusedMetaInfo(engine: Engine, message: string): string {
  const finish = `{"type":"abort","message":${JSON.stringify(message)},"status_code":503}`;
  return earlyText(engine, engine.newId(), finish, 0, 0);
}

/** The object of a request that was never computed. */
function earlyText(engine: Engine, rid: string, finish: string, tokens: number, latencySec: number): string {
  const version = JSON.stringify(engine.options.weightVersion);
  const versions = weightVersions(engine, tokens);
  return `{"id":${JSON.stringify(rid)},"finish_reason":${finish},"weight_version":${version},"e2e_latency":${floatText(latencySec)},${versions},"completion_tokens":${tokens},${sentText(engine)}}`;
}

function commonText(engine: Engine, { spec, finish, promptTokens, retractions }: Generation): string {
  const reason = finish === null ? 'null' : finishText(finish);
  const version = JSON.stringify(engine.options.weightVersion);
  return `"id":${JSON.stringify(spec.rid)},"finish_reason":${reason},"prompt_tokens":${promptTokens},"weight_version":${version},"num_retractions":${retractions}`;
}

function weightVersions(engine: Engine, tokens: number): string {
  return `"weight_versions":[{"version":${JSON.stringify(engine.options.weightVersion)},"start":0,"end":${tokens}}]`;
}

function sentText(engine: Engine): string {
  return `"response_sent_to_client_ts":${seconds(engine, engine.clock.nowMs())}`;
}

function queuedSec({ admittedMs, receivedMs }: Generation): number {
  return admittedMs === 0 ? 0 : (admittedMs - receivedMs) / 1000;
}

/** Tokens per second after the first one. */
function decodeRate({ outputIds, endedMs, prefilledMs }: Generation): number {
  return endedMs > prefilledMs ? ((outputIds.length - 1) / (endedMs - prefilledMs)) * 1000 : 0;
}

/** JSON text of a finish reason as /generate shows it. */
function finishText(finish: FinishReason): string {
  switch (finish.type) {
    case 'length':
      return `{"type":"length","length":${finish.length}}`;
    case 'stop':
      return `{"type":"stop","matched":${JSON.stringify(finish.matched)}}`;
    case 'abort':
      return `{"type":"abort","message":${JSON.stringify(finish.message)},"status_code":${finish.status ?? 'null'},"err_type":null}`;
  }
}

function endText(engine: Engine, { receivedMs, prefilledMs, endedMs }: Generation): string {
  const whole = floatText((endedMs - receivedMs) / 1000);
  const first = floatText(Math.max(0, prefilledMs - receivedMs) / 1000);
  const received = seconds(engine, receivedMs);
  return `"e2e_latency":${whole},"request_received_ts":${received},"first_token_latency":${first},"api_server_dispatch_finish_ts":${received},"request_finished_ts":${seconds(engine, endedMs)}`;
}

function seconds(engine: Engine, ms: number): string {
  return floatText(engine.wallSec(ms));
}
