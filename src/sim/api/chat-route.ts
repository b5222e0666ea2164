/** POST /v1/chat/completions. Streams are deltas: a role event, text events, an event with the finish reason, usage if asked. */

import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { type Json, pythonRepr, toJson } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { type ChatMessage, chatPrompt, contentText } from './chat-template.ts';
import { withBody } from './error-answers.ts';
import { chatLogprobs, choiceOf, finishName, matchedStop, usageOf } from './openai-answers.ts';
import { startOpenAiJob } from './openai-job.ts';
import type { OpenAiRequest, StreamShape } from './openai-writers.ts';
import { type Body, type Handler, isJsonType, MODEL, schemaError } from './request-body.ts';
import type { SchemaProblem } from './schema-error.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/chat/completions', line: 1870, name: 'openai_v1_chat_completions', input: MODEL };
const ROLES = ['system', 'assistant', 'tool', 'function', 'developer', 'latest_reminder', 'root', 'user'];

export function chatCompletions(call: Call): void {
  if (isJsonType(call.contentType) && isNoObject(call.body)) {
    call.answer.crashed();
    return;
  }
  withBody(call, HANDLER, (body) => {
    const messages = readMessages(body);
    startOpenAiJob(call, body, {
      handler: HANDLER,
      prompts: [chatPrompt(messages)],
      batch: 0,
      defaultTokens: null,
      topLogprobs: body['logprobs'] !== true ? -1 : typeof body['top_logprobs'] === 'number' ? body['top_logprobs'] : 0,
      shapeOf: (request) => ({
        object: 'chat.completion',
        choice: (generation) => choice(request, generation),
        stream: streamShape(call.engine, request),
      }),
    });
  });
}

/** Whether the body is JSON but not an object. The real engine crashes on that before its checks. */
function isNoObject(body: Buffer): boolean {
  // Avoids parsing long bodies twice.
  if (/^\s*(?:\{|$)/.test(body.toString('latin1', 0, 64))) return false;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value !== 'object' || value === null || Array.isArray(value);
  } catch {
    // Not JSON: parseBody reports it.
    return false;
  }
}

/** Checks and reads `messages`. Throws a SchemaError or an EngineError. */
function readMessages(body: Body): readonly ChatMessage[] {
  const messages = body['messages'];
  if (messages === undefined) {
    // The engine fills in tool_choice before it checks, so its message shows it.
    const input = pythonRepr({ ...body, tool_choice: body['tool_choice'] ?? 'none' });
    throw schemaError(HANDLER, [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required', input, ctx: '' }]);
  }
  if (!Array.isArray(messages)) {
    throw schemaError(HANDLER, [
      { type: 'list_type', loc: ['body', 'messages'], msg: 'Input should be a valid list', input: pythonRepr(messages), ctx: '' },
    ]);
  }
  if (messages.length === 0) throw new EngineError('Messages cannot be empty.');
  return messages.map((message: unknown, at) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (typeof role !== 'string' || !ROLES.includes(role.toLowerCase())) throw schemaError(HANDLER, badRole(at, role));
    return { role: role.toLowerCase(), content: contentText(content) };
  });
}

function badRole(at: number, role: unknown): readonly SchemaProblem[] {
  const rule =
    "'role' must be one of 'system', 'assistant', 'tool', 'function', 'developer', 'latest_reminder', 'root' (case-insensitive).";
  const loc = ['body', 'messages', at, 'function-after[validate_thinking_parts_role(), ChatCompletionMessageGenericParam]', 'role'];
  const input = pythonRepr(role);
  const ctx = `{'error': ValueError("${rule}")}`;
  return [
    { type: 'value_error', loc, msg: `Value error, ${rule}`, input, ctx },
    {
      type: 'literal_error',
      loc: ['body', 'messages', at, 'ChatCompletionMessageUserParam', 'role'],
      msg: "Input should be 'user'",
      input,
      ctx: "{'expected': \"'user'\"}",
    },
  ];
}

function choice({ topLogprobs }: OpenAiRequest, generation: Generation): Json {
  const message = { role: 'assistant', content: generation.text, reasoning_content: null };
  return choiceOf(generation, { message }, topLogprobs < 0 ? null : chatLogprobs(generation, 0, topLogprobs));
}

/** A role event, text events, an event with the finish reason. */
function streamShape(engine: Engine, { topLogprobs, withUsageAlways }: OpenAiRequest): StreamShape {
  const event = ({ spec }: Generation, delta: string, logprobs: string, finish: string, matched: string): string =>
    `"choices":[{"index":${spec.index},"delta":{${delta}},"logprobs":${logprobs},"finish_reason":${finish},"matched_stop":${matched}}]`;
  return {
    object: 'chat.completion.chunk',
    isChat: true,
    opening: (generation) => event(generation, '"reasoning_content":null,"role":"assistant","content":""', 'null', 'null', 'null'),
    delta: (generation, sent) => {
      if (generation.text.length <= sent.text) return null;
      const text = JSON.stringify(generation.text.slice(sent.text));
      const logprobs = topLogprobs < 0 ? 'null' : toJson(chatLogprobs(generation, sent.tokens, topLogprobs));
      const usage = withUsageAlways ? `,"usage":${toJson(usageOf(engine, [generation], 1, true))}` : '';
      return event(generation, `"reasoning_content":null,"content":${text}`, logprobs, 'null', 'null') + usage;
    },
    closing: (generation) => {
      const { finish } = generation;
      return event(generation, '"reasoning_content":null', 'null', `"${finishName(finish)}"`, JSON.stringify(matchedStop(finish)));
    },
  };
}
