/** POST /v1/messages (Anthropic's API) and /v1/messages/count_tokens. Source: recorded from SGLang 0.5.23. */

import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { type Json, pythonRepr, toJson } from '../http/python-json.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { FinishReason, Generation } from '../scheduling/generation.ts';
import { type ChatMessage, chatPrompt, contentText, readMessage } from './chat-template.ts';
import type { Failure } from './error-answers.ts';
import { failureOf } from './error-answers.ts';
import { modelNameOf } from './openai-answers.ts';
import { readOpenAiSampling } from './read-sampling.ts';
import { type Body, type Handler, MODEL, parseBody, schemaError } from './request-body.ts';
import { SchemaError } from './schema-error.ts';
import { startJob } from './start-job.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/messages', line: 2100, name: 'anthropic_v1_messages', input: MODEL };

export function messages(call: Call): void {
  let isStream = false;
  let model = 'default';
  try {
    const body = parseBody(HANDLER, call.body, call.contentType);
    require(body, ['model', 'messages', 'max_tokens']);
    isStream = body['stream'] === true;
    model = modelNameOf(body);
    start(call, body, isStream);
  } catch (error) {
    if (isStream && error instanceof EngineError) failStream(call, model, error.message);
    else answerError(call, error);
  }
}

export function countTokens(call: Call): void {
  try {
    const body = parseBody(HANDLER, call.body, call.contentType);
    require(body, ['model', 'messages']);
    call.answer.json(200, toJson({ input_tokens: chatPrompt(messagesOf(body)).length }));
  } catch (error) {
    answerError(call, error);
  }
}

function answerError(call: Call, error: unknown): void {
  if (error instanceof SchemaError) {
    const message = error.problems.map(
      ({ loc, msg }) => [...loc.filter((part) => part !== 'body')].join('.') + (loc.length > 1 ? ': ' : '') + msg,
    );
    answer(call, 400, 'invalid_request_error', message.map((text) => text.replace(/^body(?:: )?/, '')).join('; '));
    return;
  }
  if (!(error instanceof EngineError)) throw error;
  answer(call, error.status, 'BadRequestError', error.message);
}

function answer(call: Call, status: number, type: string, message: string): void {
  call.answer.json(status, JSON.stringify({ type: 'error', error: { type, message } }));
}

/** Throws a SchemaError that names every field of `names` that is missing. */
function require(body: Body, names: readonly string[]): void {
  const missing = names.filter((name) => body[name] === undefined);
  if (missing.length === 0) return;
  const input = pythonRepr(body);
  throw schemaError(
    HANDLER,
    missing.map((name) => ({ type: 'missing', loc: ['body', name], msg: 'Field required', input, ctx: '' })),
  );
}

function messagesOf(body: Body): readonly ChatMessage[] {
  const list: ChatMessage[] = [];
  const system = contentText(body['system']);
  if (system !== '') list.push({ role: 'system', content: system });
  const given = body['messages'];
  if (!Array.isArray(given) || given.length === 0) throw new EngineError('Messages cannot be empty.');
  for (const message of given as readonly unknown[]) {
    const { role, content } = readMessage(message);
    list.push({ role: role === 'assistant' ? 'assistant' : 'user', content });
  }
  return list;
}

function start(call: Call, body: Body, isStream: boolean): void {
  const prompt = chatPrompt(messagesOf(body));
  const { sampling: given, problem } = readOpenAiSampling({ ...body, stop: body['stop_sequences'] }, null);
  const sampling = { ...given, n: 1 };
  const writer = new MessagesWriter(call, modelNameOf(body), isStream);
  startJob(call, { prompts: [prompt], sampling, problem, isStream }, writer, (error) => {
    if (isStream) failStream(call, modelNameOf(body), error.message);
    else answerError(call, error);
  });
}

function startEvent(call: Call, model: string, usage: Json): void {
  const message = { id: `msg_${call.engine.newId()}`, type: 'message', role: 'assistant', content: [], model, usage };
  event(call, { type: 'message_start', message });
}

function event(call: Call, value: { readonly type: string; readonly [key: string]: Json }): void {
  call.answer.event(toJson(value), value.type);
}

function failStream(call: Call, model: string, message: string): void {
  call.answer.startStream();
  startEvent(call, model, { input_tokens: 0, output_tokens: 0 });
  event(call, { type: 'error', error: { type: 'invalid_request_error', message } });
  event(call, { type: 'message_stop' });
  call.answer.endStream();
}

class MessagesWriter {
  readonly #call: Call;
  readonly #model: string;
  readonly #isStream: boolean;
  #isOpen = false;
  #sent = 0;
  #generation: Generation | null = null;

  constructor(call: Call, model: string, isStream: boolean) {
    this.#call = call;
    this.#model = model;
    this.#isStream = isStream;
  }

  advanced(generation: Generation): void {
    if (this.#isStream) this.#writeText(generation);
  }

  ended(generation: Generation): void {
    this.#generation = generation;
    if (this.#isStream && failureOf(generation) === null) this.#writeText(generation);
  }

  allEnded(): void {
    const generation = this.#generation!;
    const failure = failureOf(generation);
    if (!this.#isStream) this.#answerWhole(generation, failure);
    else if (failure !== null && !this.#isOpen) failStream(this.#call, this.#model, failure.message);
    else {
      if (failure !== null) event(this.#call, { type: 'error', error: { type: 'api_error', message: failure.message } });
      else {
        event(this.#call, { type: 'content_block_stop', index: 0 });
        const delta = { stop_reason: stopReason(generation.finish) };
        event(this.#call, { type: 'message_delta', delta, usage: { output_tokens: generation.outputIds.length } });
      }
      event(this.#call, { type: 'message_stop' });
      this.#call.answer.endStream();
    }
  }

  refused(): void {
    if (this.#isStream) failStream(this.#call, this.#model, QUEUE_FULL);
    else answer(this.#call, 503, 'overloaded_error', QUEUE_FULL);
  }

  #answerWhole(generation: Generation, failure: Failure | null): void {
    if (failure !== null) {
      answer(this.#call, failure.status, 'api_error', failure.message);
      return;
    }
    const message = {
      id: `msg_${this.#call.engine.newId()}`,
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: generation.text }],
      model: this.#model,
      stop_reason: stopReason(generation.finish),
      usage: usageOf(generation),
    };
    this.#call.answer.json(200, toJson(message));
  }

  #writeText(generation: Generation): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#call.answer.startStream();
      startEvent(this.#call, this.#model, usageOf(generation));
      event(this.#call, { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    }
    const text = generation.text.slice(this.#sent);
    if (text === '') return;
    this.#sent = generation.text.length;
    event(this.#call, { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  }
}

function stopReason(finish: FinishReason | null): string {
  if (finish?.type === 'length') return 'max_tokens';
  return finish?.type === 'stop' && typeof finish.matched === 'string' ? 'stop_sequence' : 'end_turn';
}

/** Cached tokens do not count as input. */
function usageOf(generation: Generation): Json {
  const cached = Math.max(0, generation.cachedTokens);
  return { input_tokens: generation.promptTokens - cached, output_tokens: generation.outputIds.length, cache_read_input_tokens: cached };
}
