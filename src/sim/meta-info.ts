/** `meta_info` of /generate, and the made-up log probabilities that go with tokens. Source: key sets recorded from SGLang 0.5.23. */
import type { Engine } from './engine.ts';
import type { FinishReason, Generation } from './generation.ts';
import { floatText } from './python-json.ts';
import { encodeByte } from './tokens.ts';

const MOST_TOP = 20;

/** JSON text of the object. `isFirst`: the first event of a stream, which has one field more than those that follow. */
export function metaInfo(engine: Engine, generation: Generation, topLogprobs: number, isFirst: boolean): string {
  const { spec, finish } = generation;
  const cached = Math.max(0, generation.cachedTokens);
  const parts = [
    `"id":${JSON.stringify(spec.rid)},"finish_reason":${finish === null ? 'null' : finishText(finish)}`,
    `"prompt_tokens":${generation.promptTokens},"weight_version":${JSON.stringify(engine.options.weightVersion)}`,
    `"num_retractions":${generation.retractions}`,
  ];
  if (spec.returnLogprob) parts.push(logprobText(generation, topLogprobs));
  const queuedSec = generation.admittedMs === 0 ? 0 : (generation.admittedMs - generation.receivedMs) / 1000;
  parts.push(
    `"dp_rank":null,"completion_tokens":${generation.outputIds.length},"reasoning_tokens":0,"cached_tokens":${cached}`,
    `"cached_tokens_details":${cached === 0 ? 'null' : `{"device":${cached},"host":0}`}`,
    `"queue_time":${floatText(queuedSec)},"forward_entry_time":${seconds(engine, generation.admittedMs)}`,
    `"prefill_finished_time":${seconds(engine, generation.prefilledMs)},"storage_prefetch_wait":0.0,"storage_staging_wait":0.0`,
  );
  if (isFirst || finish !== null) parts.push(`"response_sent_to_client_ts":${seconds(engine, engine.clock.nowMs())}`);
  if (finish !== null) parts.push(endText(engine, generation));
  return `{${parts.join(',')}}`;
}

/** JSON text of a finish reason as /generate shows it. */
export function finishText(finish: FinishReason): string {
  switch (finish.type) {
    case 'length':
      return `{"type":"length","length":${finish.length}}`;
    case 'stop':
      return `{"type":"stop","matched":${JSON.stringify(finish.matched)}}`;
    case 'abort':
      return `{"type":"abort","message":${JSON.stringify(finish.message)},"status_code":${finish.status ?? 'null'},"err_type":null}`;
  }
}

/** A log probability for a token at a place: between -4 and 0, the same for the same token and place. */
export function logprobOf(id: number, at: number): number {
  return -0.01 - ((Math.imul(id + 1, 2_654_435_761) ^ Math.imul(at + 1, 40_503)) >>> 8) / 2 ** 24 / 0.25;
}

/** The `count` most likely tokens at a place, the chosen one first. */
export function topTokens(id: number, at: number, count: number): readonly { readonly id: number; readonly logprob: number }[] {
  const top = [{ id, logprob: logprobOf(id, at) }];
  for (let i = 1; i < Math.min(count, MOST_TOP); i++) {
    const other = encodeByte(97 + ((id + at + i * 7) % 26));
    top.push({ id: other, logprob: logprobOf(id, at) - i });
  }
  return top.slice(0, count);
}

function endText(engine: Engine, generation: Generation): string {
  const wholeSec = (generation.endedMs - generation.receivedMs) / 1000;
  const decodeSec = (generation.endedMs - generation.prefilledMs) / 1000;
  const tokens = generation.outputIds.length;
  const version = JSON.stringify(engine.options.weightVersion);
  const parts = [
    `"weight_versions":[{"version":${version},"start":0,"end":${tokens}}]`,
    `"e2e_latency":${floatText(wholeSec)},"first_token_latency":${floatText((generation.prefilledMs - generation.receivedMs) / 1000)}`,
    `"request_received_ts":${seconds(engine, generation.receivedMs)},"request_finished_ts":${seconds(engine, generation.endedMs)}`,
    `"api_server_dispatch_finish_ts":${seconds(engine, generation.receivedMs)}`,
  ];
  if (tokens > 0) parts.push(`"decode_throughput":${floatText(decodeSec > 0 ? (tokens - 1) / decodeSec : 0)}`);
  return parts.join(',');
}

function logprobText(generation: Generation, top: number): string {
  const { prompt, logprobStart } = generation.spec;
  const from = logprobStart < 0 ? prompt.length : logprobStart;
  const input: string[] = [];
  const inputTop: string[] = [];
  for (let at = from; at < prompt.length; at++) {
    const id = prompt[at]!;
    input.push(`[${at === 0 ? 'null' : floatText(logprobOf(id, at))},${id},null]`);
    inputTop.push(at === 0 ? 'null' : topText(id, at, top));
  }
  const output = generation.outputIds.map((id, at) => `[${floatText(logprobOf(id, prompt.length + at))},${id},null]`);
  const parts = [
    `"input_token_logprobs":[${input.join(',')}],"output_token_logprobs":[${output.join(',')}]`,
    `"output_token_logprobs_length":${output.length}`,
  ];
  if (top > 0) {
    const outputTop = generation.outputIds.map((id, at) => topText(id, prompt.length + at, top));
    parts.push(`"input_top_logprobs":[${inputTop.join(',')}],"output_top_logprobs":[${outputTop.join(',')}]`);
  }
  return parts.join(',');
}

function topText(id: number, at: number, count: number): string {
  return `[${topTokens(id, at, count)
    .map((token) => `[${floatText(token.logprob)},${token.id},null]`)
    .join(',')}]`;
}

function seconds(engine: Engine, ms: number): string {
  return floatText(engine.wallSec(ms));
}
