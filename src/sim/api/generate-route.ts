/** POST /generate: the engine's own API. Streams are cumulative: every event has the whole text so far. */

import { EngineError } from '../engine/engine-error.ts';
import type { PromptRequest } from '../engine/prompt-request.ts';
import type { Call } from '../http/call.ts';
import { pythonRepr } from '../http/python-json.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { Generation } from '../scheduling/generation.ts';
import { encode, promptFromIds } from '../scheduling/tokens.ts';
import { errorText, type Failure, failureOf, failureText } from './error-answers.ts';
import { type LogprobOptions, readLogprobOptions } from './logprobs.ts';
import { type AnswerPart, metaInfo, refusedMetaInfo } from './meta-info.ts';
import { numberedRids } from './numbered-rids.ts';
import { RoomError, readPairFields } from './read-pair-fields.ts';
import { readRank } from './read-rank.ts';
import { findUnknownField, readNativeSampling } from './read-sampling.ts';
import { type Body, type Handler, parseBody, schemaError } from './request-body.ts';
import { SchemaError, type SchemaProblem } from './schema-error.ts';
import { startJob } from './start-job.ts';

const HANDLER: Handler = {
  method: 'POST',
  path: '/generate',
  line: 928,
  name: 'generate_request',
  input: { kind: 'dataclass', name: 'GenerateReqInput' },
};

export function generate(call: Call): void {
  let isStream = false;
  try {
    const body = parseBody(HANDLER, call.body, call.contentType);
    checkTypes(body);
    const unknown = findUnknownField(samplingOf(body));
    if (unknown !== null) {
      call.answer.json(400, JSON.stringify({ error: unknown }));
      return;
    }
    readPairFields(call.body, body, HANDLER);
    isStream = body['stream'] === true;
    // The real engine sends the head before it checks the request, so errors arrive as events.
    if (isStream) call.answer.startStream();
    start(call, body, isStream);
  } catch (error) {
    answerError(call, error, isStream);
  }
}

/** `{"error":{"message"}}`, or in a stream status 200 and an error event. Rethrows errors that are not about the request. */
function answerError(call: Call, error: unknown, isStream: boolean): void {
  if (error instanceof SchemaError) {
    call.answer.json(400, errorText(error.message, 'Bad Request', 400));
    return;
  }
  if (!(error instanceof EngineError)) throw error;
  if (error instanceof RoomError) {
    call.answer.json(400, JSON.stringify({ error: error.message }));
    return;
  }
  if (!isStream) {
    call.answer.json(error.status, JSON.stringify({ error: { message: error.message } }));
    return;
  }
  const event = { error: { message: error.message, type: 'invalid_request_error', code: error.status, retryable: false } };
  call.answer.event(JSON.stringify(event));
  call.answer.event('[DONE]');
  call.answer.endStream();
}

function checkTypes(body: Body): void {
  const { text } = body as { text?: unknown };
  if (text === undefined || text === null || typeof text === 'string') return;
  if (Array.isArray(text) && text.every((item) => typeof item === 'string')) return;
  const input = pythonRepr(text);
  const problems: SchemaProblem[] = [
    { type: 'string_type', loc: ['body', 'text', 'str'], msg: 'Input should be a valid string', input, ctx: '' },
    { type: 'list_type', loc: ['body', 'text', 'list[str]'], msg: 'Input should be a valid list', input, ctx: '' },
  ];
  throw schemaError(HANDLER, problems);
}

function samplingOf(body: Body): Body {
  const params = body['sampling_params'];
  // An object that is not an array; its members stay unknown.
  return typeof params === 'object' && params !== null && !Array.isArray(params) ? (params as Body) : {};
}

function start(call: Call, body: Body, isStream: boolean): void {
  const { prompts, isList } = readPrompts(body);
  const rank = readRank(body, call.engine.options.dpSize);
  const { sampling, problem } = readNativeSampling(samplingOf(body));
  const pair = readPairFields(call.body, body, HANDLER);
  const rids = readRids(body['rid'], isList ? prompts.length : 0);
  if (prompts.length === 0) {
    call.answer.json(200, '[]');
    return;
  }
  const returnLogprob = body['return_logprob'] === true;
  const logprobStart = typeof body['logprob_start_len'] === 'number' ? body['logprob_start_len'] : -1;
  const logprobs = readLogprobOptions(body);
  const request: PromptRequest = { prompts, sampling, problem, isStream, rids, returnLogprob, logprobStart, pair, rank };
  const writer = isStream
    ? new StreamWriter(call, isList || sampling.n > 1, logprobs)
    : new PlainWriter(call, isList || sampling.n > 1, logprobs);
  startJob(call, request, writer, (error) => answerError(call, error, isStream));
}

function readPrompts(body: Body): { readonly prompts: readonly Uint16Array[]; readonly isList: boolean } {
  const { input_ids: ids, text } = body as { input_ids?: unknown; text?: unknown };
  if (Array.isArray(ids)) {
    const isList = ids.length > 0 && ids.every(Array.isArray);
    return { prompts: isList ? ids.map(readIds) : [readIds(ids)], isList };
  }
  if (typeof text === 'string') return { prompts: [encode(text)], isList: false };
  if (Array.isArray(text)) return { prompts: text.map((item) => encode(String(item))), isList: true };
  throw new EngineError('Either text, input_ids or input_embeds should be provided.');
}

function readIds(ids: readonly unknown[]): Uint16Array {
  if (ids.some((id) => typeof id !== 'number' || id < 0)) throw new EngineError('input_ids must hold token ids.');
  return promptFromIds(ids);
}

/** `batch`: prompts of a batch, 0 for one prompt. */
function readRids(rid: unknown, batch: number): readonly string[] {
  if (typeof rid === 'string') return batch === 0 ? [rid] : numberedRids(rid, batch);
  const rids = Array.isArray(rid) ? rid.filter((item): item is string => typeof item === 'string') : [];
  const twice = [...new Set(rids.filter((item, at) => rids.indexOf(item) !== at))];
  if (twice.length > 0) throw new EngineError(`Duplicate request IDs detected within the request: ${pythonRepr(twice)}`);
  return rids;
}

class PlainWriter {
  readonly #call: Call;
  readonly #isArray: boolean;
  readonly #logprobs: LogprobOptions;
  readonly #texts: string[] = [];
  #failure: Failure | null = null;

  constructor(call: Call, isArray: boolean, logprobs: LogprobOptions) {
    this.#call = call;
    this.#isArray = isArray;
    this.#logprobs = logprobs;
  }

  advanced(): void {}

  ended(generation: Generation): void {
    this.#failure = failureOf(generation) ?? this.#failure;
    this.#texts[generation.spec.index] = eventText(this.#call, generation, this.#logprobs, 'whole', false);
  }

  allEnded(): void {
    if (this.#failure !== null) this.#fail(this.#failure);
    else this.#call.answer.json(200, this.#isArray ? `[${this.#texts.join(',')}]` : (this.#texts[0] ?? ''));
  }

  refused(): void {
    this.#fail({ message: QUEUE_FULL, status: 503 });
  }

  #fail(failure: Failure): void {
    this.#call.answer.json(failure.status, failureText(failure));
  }
}

class StreamWriter {
  readonly #call: Call;
  readonly #isList: boolean;
  readonly #logprobs: LogprobOptions;
  readonly #begun = new Set<number>();

  constructor(call: Call, isList: boolean, logprobs: LogprobOptions) {
    this.#call = call;
    this.#isList = isList;
    this.#logprobs = logprobs;
  }

  advanced(generation: Generation): void {
    this.#write(generation);
  }

  ended(generation: Generation): void {
    this.#write(generation);
  }

  allEnded(): void {
    this.#call.answer.event('[DONE]');
    this.#call.answer.endStream();
  }

  refused(): void {
    const { answer, engine } = this.#call;
    answer.event(`{"text":"","output_ids":[],"meta_info":${refusedMetaInfo(engine, QUEUE_FULL)}}`);
    answer.event('[DONE]');
    answer.endStream();
  }

  #write(generation: Generation): void {
    const { index } = generation.spec;
    const isFirst = !this.#begun.has(index);
    this.#begun.add(index);
    this.#call.answer.event(eventText(this.#call, generation, this.#logprobs, isFirst ? 'first' : 'later', this.#isList));
  }
}

function eventText(call: Call, generation: Generation, logprobs: LogprobOptions, part: AnswerPart, withIndex: boolean): string {
  const meta = metaInfo(call.engine, generation, logprobs, part);
  const index = withIndex ? `,"index":${generation.spec.index}` : '';
  return `{"text":${JSON.stringify(generation.text)},"output_ids":[${generation.outputIds.join(',')}],"meta_info":${meta}${index}}`;
}
