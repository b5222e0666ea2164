/** POST /v1/chat/completions. Streams are deltas: a role event, text events, an event with the finish reason, usage if asked. */
import type { Call } from './call.ts';
import { type ChatRequest, ChatStream } from './chat-stream.ts';
import { type ChatMessage, chatPrompt, contentText } from './chat-template.ts';
import { readRank } from './dp-rank.ts';
import { EngineError, type SchemaProblem } from './engine-error.ts';
import type { Generation } from './generation.ts';
import { Job, type PromptRequest, QUEUE_FULL } from './job.ts';
import {
  answerOpenAiError,
  chatLogprobs,
  finishName,
  matchedStop,
  metadataOf,
  modelNameOf,
  plainFailure,
  ridsOf,
  usageOf,
} from './openai-answers.ts';
import { readPairFields } from './pair-fields.ts';
import { type Json, pythonRepr, toJson } from './python-json.ts';
import { type Body, type Handler, parseBody, schemaError } from './request-body.ts';
import { readOpenAiSampling } from './sampling.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/chat/completions', line: 1870, name: 'openai_v1_chat_completions', dataclass: null };
const ROLES = ['system', 'assistant', 'tool', 'function', 'developer', 'latest_reminder', 'root', 'user'];

export function chatCompletions(call: Call): void {
  try {
    // The real engine trips over an array or a string before its own checks.
    if (/^\s*["[]/.test(call.body.toString('latin1', 0, 64))) {
      call.answer.crashed();
      return;
    }
    start(call, parseBody(HANDLER, call.body, call.contentType));
  } catch (error) {
    answerOpenAiError(call, error);
  }
}

function start(call: Call, body: Body): void {
  const messages = readMessages(body);
  const rank = readRank(body, call.engine.options.dpSize);
  const sampling = readOpenAiSampling(body, null);
  const options = (body['stream_options'] ?? {}) as { include_usage?: unknown; continuous_usage_stats?: unknown };
  const chat: ChatRequest = {
    model: modelNameOf(body),
    samples: sampling.n,
    withUsage: options.include_usage === true,
    withUsageAlways: options.continuous_usage_stats === true,
    topLogprobs: body['logprobs'] !== true ? -1 : typeof body['top_logprobs'] === 'number' ? body['top_logprobs'] : 0,
  };
  const isStream = body['stream'] === true;
  const request: PromptRequest = {
    prompts: [chatPrompt(messages)],
    sampling,
    isStream,
    rids: ridsOf(body),
    returnLogprob: false,
    logprobStart: -1,
    pair: readPairFields(call.body, body),
    rank,
  };
  const writer = isStream ? new ChatStream(call, chat) : new ChatAnswer(call, chat);
  const job = new Job(call.engine, call.answer, request, writer);
  call.prepareJob(job);
  job.start();
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

class ChatAnswer {
  readonly #call: Call;
  readonly #chat: ChatRequest;
  readonly #generations: Generation[] = [];

  constructor(call: Call, chat: ChatRequest) {
    this.#call = call;
    this.#chat = chat;
  }

  advanced(): void {}

  ended(generation: Generation): void {
    this.#generations[generation.spec.index] = generation;
  }

  allEnded(): void {
    const { engine, answer } = this.#call;
    const first = this.#generations[0]!;
    const failed = this.#generations.find(({ finish }) => finish?.type === 'abort' && finish.status !== null)?.finish;
    if (failed?.type === 'abort') {
      plainFailure(this.#call, failed.message, failed.status ?? 500);
      return;
    }
    const text = toJson({
      id: first.spec.rid,
      object: 'chat.completion',
      created: engine.nowSec(),
      model: this.#chat.model,
      choices: this.#generations.map((generation) => this.#choice(generation)),
      usage: usageOf(engine, this.#generations, this.#chat.samples, true),
      metadata: metadataOf(engine, first),
    });
    answer.json(200, text);
  }

  refused(): void {
    plainFailure(this.#call, QUEUE_FULL, 503);
  }

  #choice(generation: Generation): Json {
    return {
      index: generation.spec.index,
      message: { role: 'assistant', content: generation.text, reasoning_content: null },
      logprobs: this.#chat.topLogprobs < 0 ? null : chatLogprobs(generation, 0, this.#chat.topLogprobs),
      finish_reason: finishName(generation.finish),
      matched_stop: matchedStop(generation.finish),
    };
  }
}
