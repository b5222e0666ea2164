/** POST /v1/completions: one prompt or several, as text or token ids. Streams are deltas; the last one has the finish reason. */

import type { Engine } from '../engine/engine.ts';
import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { type Json, pythonRepr, toJson } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { decode } from '../scheduling/tokens.ts';
import { withBody } from './error-answers.ts';
import { choiceOf, completionLogprobs, finishName, matchedStop, usageOf } from './openai-answers.ts';
import { startOpenAiJob } from './openai-job.ts';
import type { OpenAiRequest, StreamShape } from './openai-writers.ts';
import type { ReadPrompts } from './read-prompts.ts';
import { readPrompts } from './read-prompts.ts';
import { type Body, type Handler, MODEL, schemaError } from './request-body.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/completions', line: 1860, name: 'openai_v1_completions', input: MODEL };
const DEFAULT_TOKENS = 16;

export function completions(call: Call): void {
  withBody(call, HANDLER, (body) => {
    const { prompts, isList } = promptsOf(body);
    const echoes = body['echo'] === true ? prompts.map(decode) : [];
    startOpenAiJob(call, body, {
      handler: HANDLER,
      prompts,
      batch: isList ? prompts.length : 0,
      defaultTokens: DEFAULT_TOKENS,
      topLogprobs: typeof body['logprobs'] === 'number' ? body['logprobs'] : -1,
      shapeOf: (request) => {
        /** The prompt, if the request asks to echo it. */
        const echoOf = ({ spec }: Generation): string => echoes[Math.floor(spec.index / request.samples)] ?? '';
        return {
          object: 'text_completion',
          choice: (generation) => choice(request, generation, echoOf(generation)),
          stream: streamShape(call.engine, request, echoOf),
        };
      },
    });
  });
}

function promptsOf(body: Body): ReadPrompts {
  const prompt = body['prompt'];
  if (prompt === undefined) {
    throw schemaError(HANDLER, [{ type: 'missing', loc: ['body', 'prompt'], msg: 'Field required', input: pythonRepr(body), ctx: '' }]);
  }
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw schemaError(HANDLER, [
      { type: 'string_type', loc: ['body', 'prompt', 'str'], msg: 'Input should be a valid string', input: pythonRepr(prompt), ctx: '' },
    ]);
  }
  if (Array.isArray(prompt) && prompt.length === 0) throw new EngineError('Prompt cannot be empty.');
  return readPrompts(prompt);
}

function choice({ topLogprobs }: OpenAiRequest, generation: Generation, echo: string): Json {
  const logprobs = topLogprobs < 0 ? null : completionLogprobs(generation, 0, topLogprobs);
  return choiceOf(generation, { text: echo + generation.text }, logprobs);
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
