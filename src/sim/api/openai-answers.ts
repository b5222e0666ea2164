/** What chat and completions share: errors, usage, log probabilities, ends. Source: answers recorded from SGLang 0.5.23. */

import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { float, type Json, spacedJson } from '../http/python-json.ts';
import type { FinishReason, Generation } from '../scheduling/generation.ts';
import { tokenText } from '../scheduling/tokens.ts';
import { failureText } from './error-shapes.ts';
import { logprobOf, topTokens } from './logprobs.ts';
import { numberedRids } from './numbered-rids.ts';
import type { Body } from './request-body.ts';
import { SchemaError } from './schema-error.ts';

/** `{"object":"error",...}` with 400, for streams too. Rethrows what is no complaint about the request. */
export function answerOpenAiError(call: Call, error: unknown): void {
  if (!(error instanceof SchemaError || error instanceof EngineError)) throw error;
  const isSchema = error instanceof SchemaError;
  const code = isSchema ? 400 : error.status;
  const shape = { object: 'error', message: error.message, type: isSchema ? 'Bad Request' : 'BadRequestError', param: null, code };
  call.answer.json(code, JSON.stringify(shape));
}

/** The name that the request gave the model, whatever it is; `default` when it gave none. */
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

/** The event that ends a stream of a request that the engine gave up. */
export function streamFailure(message: string, status: number): string {
  const type = status === 503 ? 'SERVICE_UNAVAILABLE' : status === 400 ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR';
  return spacedJson({ error: { object: 'error', message, type, param: null, code: status } });
}

export function plainFailure(call: Call, message: string, status: number): void {
  const bad = { object: 'error', message, type: 'BadRequestError', param: null, code: status };
  call.answer.json(status, status === 400 ? JSON.stringify(bad) : failureText(message, status));
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
