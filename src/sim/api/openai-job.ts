/** Starts the jobs of chat and completions: reads their common fields in the order in which the engine checks them. */

import type { Call } from '../http/call.ts';
import type { Json } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { answerOpenAiError } from './error-answers.ts';
import { ridsOf } from './openai-answers.ts';
import { OpenAiAnswer, type OpenAiRequest, OpenAiStream, readOpenAiRequest, type StreamShape } from './openai-writers.ts';
import { readPairFields } from './read-pair-fields.ts';
import { readRank } from './read-rank.ts';
import { readOpenAiSampling } from './read-sampling.ts';
import type { Body, Handler } from './request-body.ts';
import { startJob } from './start-job.ts';

/** What differs between the two. */
export interface OpenAiPrompts {
  readonly handler: Handler;
  readonly prompts: readonly Uint16Array[];
  /** Prompts of a batch; 0 for one prompt. */
  readonly batch: number;
  /** Most tokens of the output when the request sets no limit; null: until the text ends. */
  readonly defaultTokens: number | null;
  /** Log probabilities per token; -1: none. */
  readonly topLogprobs: number;
  readonly shapeOf: (request: OpenAiRequest) => OpenAiShape;
}

export interface OpenAiShape {
  /** Kind of a plain answer. */
  readonly object: string;
  readonly choice: (generation: Generation) => Json;
  readonly stream: StreamShape;
}

/** Throws an EngineError or a SchemaError if the engine rejects the request. */
export function startOpenAiJob(call: Call, body: Body, asked: OpenAiPrompts): void {
  const { handler, prompts, batch, defaultTokens, topLogprobs } = asked;
  const rank = readRank(body, call.engine.options.dpSize);
  const { sampling, problem } = readOpenAiSampling(body, defaultTokens);
  const request = readOpenAiRequest(body, sampling.n, topLogprobs);
  const pair = readPairFields(call.body, body, handler);
  const isStream = body['stream'] === true;
  const { object, choice, stream } = asked.shapeOf(request);
  const writer = isStream ? new OpenAiStream(call, request, stream) : new OpenAiAnswer(call, request, object, choice);
  const job = { prompts, sampling, problem, isStream, rids: ridsOf(body, batch), pair, rank };
  startJob(call, job, writer, (error) => answerOpenAiError(call, error));
}
