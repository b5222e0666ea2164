/** Minor paths of the engine: scores, parsers, Ollama's chat, descriptions of the API. Source: recorded from SGLang 0.5.23. */

import { SGLANG_VERSION } from '../engine/engine.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { PromptRequest } from '../engine/prompt-request.ts';
import type { Call } from '../http/call.ts';
import { float, toJson } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { textKey } from '../scheduling/output-text.ts';
import { encode } from '../scheduling/tokens.ts';
import { chatPrompt, readMessage } from './chat-template.ts';
import { answerOpenAiError, withBody } from './error-answers.ts';
import { modelNameOf } from './openai-answers.ts';
import { readOpenAiSampling } from './read-sampling.ts';
import type { Handler } from './request-body.ts';
import { MODEL } from './request-body.ts';
import { runJob } from './start-job.ts';

const handlerOf = (path: string): Handler => ({ method: 'POST', path, line: 2000, name: 'side_request', input: MODEL });
const SCORE = handlerOf('/v1/score');
const PARSE: Handler = {
  ...handlerOf('/parse_function_call'),
  line: 1734,
  name: 'parse_function_call_request',
  input: { kind: 'struct', name: 'ParseFunctionCallReq' },
};
const OLLAMA = handlerOf('/api/chat');

/** Probabilities of the label tokens after query and item. */
export function score(call: Call): void {
  withBody(call, SCORE, (body) => {
    const { query, items, label_token_ids: labels } = body as { query?: unknown; items?: unknown; label_token_ids?: unknown };
    if (typeof query !== 'string' || !Array.isArray(items)) throw new EngineError('query must be a text and items a list of texts.');
    const prompts = items.map((item: unknown) => encode(query + String(item)));
    const ids = Array.isArray(labels) ? labels.map(Number) : [];
    runPrompts(call, prompts, (done) => {
      const tokens = done.reduce((sum, generation) => sum + generation.promptTokens, 0);
      return toJson({
        scores: prompts.map((prompt) => ids.map((id) => float((textKey(prompt, id, 0) >>> 0) / 2 ** 32))),
        model: modelNameOf(body),
        usage: {
          prompt_tokens: tokens,
          total_tokens: tokens,
          completion_tokens: 0,
          prompt_tokens_details: null,
          reasoning_tokens: 0,
          completion_tokens_details: null,
        },
        object: 'scoring',
        token_logprobs: null,
        pooled_hidden_states: null,
      });
    });
  });
}

/** Finds no calls: simulated text has none. */
export function parseFunctionCall(call: Call): void {
  withBody(call, PARSE, (body) => call.answer.json(200, JSON.stringify({ normal_text: String(body['text'] ?? ''), calls: [] })));
}

/** Ollama's chat, without streaming. */
export function ollamaChat(call: Call): void {
  withBody(call, OLLAMA, (body) => {
    const given: readonly unknown[] = Array.isArray(body['messages']) ? body['messages'] : [];
    const prompt = chatPrompt(given.map(readMessage));
    const { num_predict: most } = (body['options'] ?? {}) as { num_predict?: unknown };
    const { sampling } = readOpenAiSampling({}, typeof most === 'number' && most > 0 ? most : null);
    const textOf = (done: readonly Generation[]): string => {
      const generation = done[0]!;
      return toJson({
        model: modelNameOf(body),
        created_at: new Date(call.engine.clock.wallMs()).toISOString(),
        message: { role: 'assistant', content: generation.text, images: null },
        done: true,
        done_reason: 'stop',
        total_duration: Math.round((generation.endedMs - generation.receivedMs) * 1e6),
        load_duration: null,
        prompt_eval_count: generation.promptTokens,
        prompt_eval_duration: null,
        eval_count: generation.outputIds.length,
        eval_duration: null,
      });
    };
    runPlain(call, { prompts: [prompt], sampling, isStream: false }, textOf);
  });
}

export function docsPage({ answer }: Call): void {
  answer.send(
    200,
    '\n    <!DOCTYPE html>\n    <html>\n    <head><title>sglang-sim</title></head>\n    <body>See /openapi.json.</body>\n    </html>\n',
    'text/html; charset=utf-8',
  );
}

/** A description of the paths, without their bodies. */
export function openApiText(routes: readonly (readonly [string, readonly string[]])[]): string {
  const paths = routes.map(([path, methods]) => [
    path,
    Object.fromEntries(methods.map((method) => [method.toLowerCase(), { responses: { 200: { description: 'Successful Response' } } }])),
  ]);
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'sglang-sim', version: SGLANG_VERSION },
    paths: Object.fromEntries(paths),
    components: {},
  });
}

function runPrompts(call: Call, prompts: readonly Uint16Array[], textOf: (done: readonly Generation[]) => string): void {
  const { sampling } = readOpenAiSampling({}, 0);
  runPlain(call, { prompts, sampling, isStream: false }, textOf);
}

function runPlain(call: Call, request: PromptRequest, textOf: (done: readonly Generation[]) => string): void {
  runJob(call, request, textOf, (error) => answerOpenAiError(call, error));
}
