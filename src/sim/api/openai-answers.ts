/** What the answers of chat and completions share: ids, usage, log probabilities, finish reasons. Source: answers recorded from SGLang 0.5.23. */
import type { Engine } from '../engine/engine.ts';
import { float, type Json } from '../http/python-json.ts';
import type { FinishReason, Generation } from '../scheduling/generation.ts';
import { tokenText } from '../scheduling/tokens.ts';
import { logprobOf, topTokens } from './logprobs.ts';
import { numberedRids } from './numbered-rids.ts';
import type { Body } from './request-body.ts';

/** The model name of the request, unchecked; `default` if it has none. */
export function modelNameOf(body: Body): string {
  return typeof body['model'] === 'string' ? body['model'] : 'default';
}

/** `batch`: prompts of a batch, 0 for one prompt. */
export function ridsOf(body: Body, batch = 0): readonly string[] {
  const { rid } = body as { rid?: unknown };
  if (Array.isArray(rid)) return rid.filter((item): item is string => typeof item === 'string');
  if (typeof rid !== 'string') return [];
  return batch === 0 ? [rid] : numberedRids(rid, batch);
}

/** Usage of all generations of a request: prompts are counted once, whatever the number of samples. */
export function usageOf(
  engine: Engine,
  generations: readonly Generation[],
  samples: number,
  isChat: boolean,
): { readonly [key: string]: Json } {
  let prompt = 0;
  let cached = 0;
  let completion = 0;
  generations.forEach((generation, index) => {
    completion += generation.outputIds.length;
    if (index % samples !== 0) return;
    prompt += generation.promptTokens;
    cached += Math.max(0, generation.cachedTokens);
  });
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: engine.options.disableCacheReport ? null : { cached_tokens: cached },
    reasoning_tokens: 0,
    ...(isChat ? { completion_tokens_details: null } : {}),
  };
}

export function metadataOf(engine: Engine, generation: Generation): Json {
  const version = engine.options.weightVersion;
  return { weight_version: version, weight_versions: [{ version, start: 0, end: generation.outputIds.length }] };
}

/** `finish_reason` as OpenAI names it. */
export function finishName(finish: FinishReason | null): string | null {
  return finish === null ? null : finish.type;
}

export function matchedStop(finish: FinishReason | null): string | number | null {
  return finish?.type === 'stop' ? finish.matched : null;
}

/** A choice of a plain answer; `content`: its own members. */
export function choiceOf(
  { spec, finish }: Generation,
  content: { readonly [key: string]: Json },
  logprobs: Json,
): { readonly [key: string]: Json } {
  return { index: spec.index, ...content, logprobs, finish_reason: finishName(finish), matched_stop: matchedStop(finish) };
}

/** Log probabilities of the tokens from `start` on, in the shape of chat. */
export function chatLogprobs(generation: Generation, start: number, top: number): Json {
  return {
    content: generation.outputIds.slice(start).map((id, i) => {
      const at = generation.promptTokens + start + i;
      const shown = (token: number, logprob: number): { readonly [key: string]: Json } => {
        const text = tokenText(token);
        return { token: text, bytes: [...Buffer.from(text)], logprob: float(logprob) };
      };
      return { ...shown(id, logprobOf(id, at)), top_logprobs: topTokens(id, at, top).map((token) => shown(token.id, token.logprob)) };
    }),
  };
}

/** The same in the shape of completions. */
export function completionLogprobs(generation: Generation, start: number, top: number): Json {
  const ids = generation.outputIds.slice(start);
  const at = generation.promptTokens + start;
  return {
    text_offset: ids.map(() => -1),
    token_logprobs: ids.map((id, i) => float(logprobOf(id, at + i))),
    tokens: ids.map(tokenText),
    top_logprobs: ids.map((id, i) =>
      Object.fromEntries(topTokens(id, at + i, top).map((token) => [tokenText(token.id), float(token.logprob)])),
    ),
  };
}
