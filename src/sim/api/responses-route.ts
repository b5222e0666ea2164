/** POST /v1/responses, plain and as the event sequence `response.created` ... `response.incomplete`. Nothing is stored. Source: recorded from SGLang 0.5.23. */

import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { float, type Json, pythonRepr, toJson } from '../http/python-json.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { Generation } from '../scheduling/generation.ts';
import { type ChatMessage, chatPrompt, readMessage } from './chat-template.ts';
import type { Failure } from './error-answers.ts';
import { failureOf } from './error-answers.ts';
import { modelNameOf } from './openai-answers.ts';
import { readOpenAiSampling } from './read-sampling.ts';
import { type Body, type Handler, MODEL, parseBody, schemaError } from './request-body.ts';
import { SchemaError } from './schema-error.ts';
import { startJob } from './start-job.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/responses', line: 2066, name: 'v1_responses_request', input: MODEL };
/** The engine reserves this many of the allowed tokens. */
const RESERVED_TOKENS = 2;
const STORE_DISABLED =
  'Response store is disabled. Stateful Responses require --enable-response-store on a standalone server; response storage is unavailable in PD mode.';

export function responses(call: Call): void {
  try {
    start(call, parseBody(HANDLER, call.body, call.contentType));
  } catch (error) {
    answerRefusal(call, error);
  }
}

/** Rethrows errors that are not about the request. */
function answerRefusal(call: Call, error: unknown): void {
  if (!(error instanceof SchemaError || error instanceof EngineError)) throw error;
  const type = error instanceof SchemaError ? 'Bad Request' : 'invalid_request_error';
  answerError(call, 400, error.message, type, null);
}

/** GET /v1/responses/ID and POST /v1/responses/ID/cancel. */
export function storedResponse(call: Call): void {
  answerError(call, 400, STORE_DISABLED, 'invalid_request_error', 'response_id');
}

function answerError(call: Call, status: number, message: string, type: string, param: string | null): void {
  call.answer.json(status, JSON.stringify({ error: { message, type, param, code: status } }));
}

function start(call: Call, body: Body): void {
  const { input, text, instructions } = body as { input?: unknown; text?: unknown; instructions?: unknown };
  if (text !== undefined && (typeof text !== 'object' || Array.isArray(text))) {
    const msg = 'Input should be a valid dictionary or object to extract fields from';
    throw schemaError(HANDLER, [{ type: 'model_attributes_type', loc: ['body', 'text'], msg, input: pythonRepr(text), ctx: '' }]);
  }
  if (input === undefined) {
    throw schemaError(HANDLER, [{ type: 'missing', loc: ['body', 'input'], msg: 'Field required', input: pythonRepr(body), ctx: '' }]);
  }
  const messages = [...(typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : []), ...messagesOf(input)];
  const prompt = chatPrompt(messages);
  const given = typeof body['max_output_tokens'] === 'number' ? body['max_output_tokens'] : null;
  const room = call.engine.options.contextLength - prompt.length;
  const most = Math.max(0, Math.min(given ?? room, room) - RESERVED_TOKENS);
  const { sampling: asked, problem } = readOpenAiSampling(body, null);
  const sampling = { ...asked, maxNewTokens: most, n: 1 };
  const isStream = body['stream'] === true;
  const writer = new ResponsesWriter(call, body, given, isStream);
  startJob(call, { prompts: [prompt], sampling, problem, isStream }, writer, (error) => {
    // The real engine starts the stream before it checks the prompt.
    if (isStream) writer.fail(error.message);
    else answerRefusal(call, error);
  });
}

function messagesOf(input: unknown): readonly ChatMessage[] {
  if (!Array.isArray(input)) return [{ role: 'user', content: String(input) }];
  return input.map(readMessage);
}

class ResponsesWriter {
  readonly #call: Call;
  readonly #body: Body;
  readonly #mostTokens: number | null;
  readonly #isStream: boolean;
  readonly #id: string;
  readonly #itemId: string;
  readonly #created: number;
  #sequence = 0;
  #sent = 0;
  #isOpen = false;
  #generation: Generation | null = null;

  constructor(call: Call, body: Body, mostTokens: number | null, isStream: boolean) {
    this.#call = call;
    this.#body = body;
    this.#mostTokens = mostTokens;
    this.#isStream = isStream;
    this.#id = `resp_${call.engine.newId()}`;
    this.#itemId = `msg_${call.engine.newId()}`;
    this.#created = call.engine.nowSec();
  }

  advanced(generation: Generation): void {
    if (this.#isStream) this.#writeText(generation);
  }

  ended(generation: Generation): void {
    this.#generation = generation;
    if (this.#isStream) this.#writeText(generation);
  }

  allEnded(): void {
    const generation = this.#generation!;
    if (!this.#isStream) {
      const failure = failureOf(generation);
      if (failure !== null) this.#answerFailure(failure);
      else this.#call.answer.json(200, toJson(this.#response(generation)));
      return;
    }
    const place = { content_index: 0, item_id: this.#itemId, output_index: 0 };
    this.#event('response.output_text.done', { ...place, text: generation.text, logprobs: [] });
    this.#event('response.content_part.done', { ...place, part: this.#part(generation.text) });
    this.#event('response.output_item.done', { item: this.#item(generation.text, 'completed'), output_index: 0 });
    this.#responseEvent(`response.${statusOf(generation)}`, this.#response(generation));
    this.#call.answer.endStream();
  }

  refused(): void {
    this.#answerFailure({ message: QUEUE_FULL, status: 503 });
  }

  /** The real route reports a failure of the engine as an error of the request, with the status in the message. */
  #answerFailure({ message, status }: Failure): void {
    answerError(this.#call, 400, status === 400 ? message : `${status}: ${message}`, 'invalid_request_error', null);
  }

  /** Ends a stream that has no token. */
  fail(message: string): void {
    this.#begin();
    const response = { ...this.#response(null), status: 'failed', error: { code: 'server_error', message } };
    this.#responseEvent('response.failed', response);
    this.#call.answer.endStream();
  }

  #writeText(generation: Generation): void {
    if (!this.#isOpen) this.#open();
    const delta = generation.text.slice(this.#sent);
    if (delta === '') return;
    this.#sent = generation.text.length;
    this.#event('response.output_text.delta', { content_index: 0, delta, item_id: this.#itemId, logprobs: [], output_index: 0 });
  }

  #open(): void {
    this.#begin();
    this.#event('response.output_item.added', { item: this.#item(null, 'in_progress'), output_index: 0 });
    this.#event('response.content_part.added', { content_index: 0, item_id: this.#itemId, output_index: 0, part: this.#part('') });
  }

  #begin(): void {
    this.#isOpen = true;
    this.#call.answer.startStream([
      ['cache-control', 'no-cache'],
      ['connection', 'keep-alive'],
    ]);
    this.#responseEvent('response.created', this.#response(null));
    this.#responseEvent('response.in_progress', this.#response(null));
  }

  #event(type: string, members: { readonly [key: string]: Json }): void {
    this.#call.answer.event(toJson({ ...members, sequence_number: this.#sequence++, type }), type);
  }

  #responseEvent(type: string, response: Json): void {
    this.#call.answer.event(toJson({ type, response, sequence_number: this.#sequence++ }), type);
  }

  #part(text: string): Json {
    return { annotations: [], text, type: 'output_text', logprobs: null };
  }

  #item(text: string | null, status: string): Json {
    return {
      id: this.#itemId,
      content: text === null ? [] : [this.#part(text)],
      role: 'assistant',
      status,
      type: 'message',
      phase: 'final_answer',
    };
  }

  /** The response object; without a generation, as before the first token. */
  #response(generation: Generation | null): { readonly [key: string]: Json } {
    const body = this.#body as { temperature?: number; top_p?: number; instructions?: string; user?: string };
    const status = statusOf(generation);
    const message = generation?.finish?.type === 'abort' ? generation.finish.message : null;
    return {
      id: this.#id,
      object: 'response',
      created_at: this.#created,
      model: modelNameOf(this.#body),
      output: generation === null ? [] : [this.#item(generation.text, 'completed')],
      status,
      usage: generation === null ? null : usage(generation),
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      error: message === null ? null : { code: 'server_error', message },
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions: body.instructions ?? null,
      max_output_tokens: this.#mostTokens,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: true,
      temperature: body.temperature === undefined ? null : float(body.temperature),
      text: generation === null ? null : { format: { type: 'text' } },
      top_p: body.top_p === undefined ? null : float(body.top_p),
      truncation: 'disabled',
      user: body.user ?? null,
      metadata: {},
    };
  }
}

function statusOf(generation: Generation | null): 'in_progress' | 'completed' | 'incomplete' | 'failed' {
  switch (generation?.finish?.type) {
    case undefined:
      return 'in_progress';
    case 'stop':
      return 'completed';
    case 'length':
      return 'incomplete';
    case 'abort':
      return 'failed';
  }
}

function usage(generation: Generation): Json {
  return {
    input_tokens: generation.promptTokens,
    input_tokens_details: { cached_tokens: Math.max(0, generation.cachedTokens), cache_write_tokens: 0 },
    output_tokens: generation.outputIds.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: generation.promptTokens + generation.outputIds.length,
  };
}
