/** POST /v1/completions: one prompt or several, as text or token ids. Streams are deltas; the last one has the finish reason. */

import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { type Json, pythonRepr, toJson } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { decode, encode, promptFromIds } from '../scheduling/tokens.ts';
import { answerOpenAiError, completionLogprobs, finishName, matchedStop, ridsOf, usageOf } from './openai-answers.ts';
import { OpenAiAnswer, type OpenAiRequest, OpenAiStream, readOpenAiRequest, type StreamShape } from './openai-writers.ts';
import { readPairFields } from './read-pair-fields.ts';
import { readRank } from './read-rank.ts';
import { readOpenAiSampling } from './read-sampling.ts';
import { type Body, type Handler, parseBody, schemaError } from './request-body.ts';
import { startJob } from './start-job.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/completions', line: 1860, name: 'openai_v1_completions', dataclass: null };
const DEFAULT_TOKENS = 16;

export function completions(call: Call): void {
  try {
    start(call, parseBody(HANDLER, call.body, call.contentType));
  } catch (error) {
    answerOpenAiError(call, error);
  }
}

function start(call: Call, body: Body): void {
  const { prompts, isList } = readPrompts(body);
  const rank = readRank(body, call.engine.options.dpSize);
  const sampling = readOpenAiSampling(body, DEFAULT_TOKENS);
  const completion = readOpenAiRequest(body, sampling.n, typeof body['logprobs'] === 'number' ? body['logprobs'] : -1);
  const echoes = body['echo'] === true ? prompts.map(decode) : [];
  /** What the text of a generation starts with. */
  const echoOf = ({ spec }: Generation): string => echoes[Math.floor(spec.index / sampling.n)] ?? '';
  const isStream = body['stream'] === true;
  const pair = readPairFields(call.body, body, HANDLER);
  const writer = isStream
    ? new OpenAiStream(call, completion, streamShape(call.engine, completion, echoOf))
    : new OpenAiAnswer(call, completion, 'text_completion', (generation) => choice(completion, generation, echoOf(generation)));
  startJob(call, { prompts, sampling, isStream, rids: ridsOf(body, isList ? prompts.length : 0), pair, rank }, writer);
}

function readPrompts(body: Body): { readonly prompts: readonly Uint16Array[]; readonly isList: boolean } {
  const prompt = body['prompt'];
  if (prompt === undefined) {
    throw schemaError(HANDLER, [{ type: 'missing', loc: ['body', 'prompt'], msg: 'Field required', input: pythonRepr(body), ctx: '' }]);
  }
  if (typeof prompt === 'string') return { prompts: [encode(prompt)], isList: false };
  if (!Array.isArray(prompt)) {
    throw schemaError(HANDLER, [
      { type: 'string_type', loc: ['body', 'prompt', 'str'], msg: 'Input should be a valid string', input: pythonRepr(prompt), ctx: '' },
    ]);
  }
  if (prompt.length === 0) throw new EngineError('Prompt cannot be empty.');
  if (prompt.every((item): item is number => typeof item === 'number')) return { prompts: [promptFromIds(prompt)], isList: false };
  return { prompts: prompt.map((item: unknown) => (Array.isArray(item) ? promptFromIds(item) : encode(String(item)))), isList: true };
}

function choice({ topLogprobs }: OpenAiRequest, generation: Generation, echo: string): Json {
  return {
    index: generation.spec.index,
    text: echo + generation.text,
    logprobs: topLogprobs < 0 ? null : completionLogprobs(generation, 0, topLogprobs),
    finish_reason: finishName(generation.finish),
    matched_stop: matchedStop(generation.finish),
  };
}

/** Text events, the last with the finish reason. */
function streamShape(
  engine: Engine,
  { topLogprobs, withUsageAlways }: OpenAiRequest,
  echoOf: (generation: Generation) => string,
): StreamShape {
  return {
    object: 'text_completion',
    isChat: false,
    opening: () => null,
    delta: (generation, sent) => {
      const text = JSON.stringify((sent.tokens === 0 ? echoOf(generation) : '') + generation.text.slice(sent.text));
      const logprobs = topLogprobs < 0 ? 'null' : toJson(completionLogprobs(generation, sent.tokens, topLogprobs));
      const finish = JSON.stringify(finishName(generation.finish));
      const matched = JSON.stringify(matchedStop(generation.finish));
      const usage = withUsageAlways ? toJson(usageOf(engine, [generation], 1, false)) : 'null';
      return `"choices":[{"index":${generation.spec.index},"text":${text},"logprobs":${logprobs},"finish_reason":${finish},"matched_stop":${matched}}],"usage":${usage}`;
    },
    closing: () => null,
  };
}
