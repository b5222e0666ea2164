/** Writers of the answers of chat and completions, which differ only in their choices. Source: recorded from SGLang 0.5.23. */

import type { Call } from '../http/call.ts';
import { type Json, toJson } from '../http/python-json.ts';
import { QUEUE_FULL } from '../scheduling/abort-messages.ts';
import type { Generation } from '../scheduling/generation.ts';
import { answerFailure, type Failure, failureOf, streamFailure } from './error-answers.ts';
import { metadataOf, modelNameOf, usageOf } from './openai-answers.ts';
import type { Body } from './request-body.ts';

/** Fields of both kinds of request that shape the answer. */
export interface OpenAiRequest {
  readonly model: string;
  readonly samples: number;
  /** An event with the usage at the end of a stream. */
  readonly withUsage: boolean;
  /** Usage in every event of a stream. */
  readonly withUsageAlways: boolean;
  /** -1: no log probabilities. */
  readonly topLogprobs: number;
}

export function readOpenAiRequest(body: Body, samples: number, topLogprobs: number): OpenAiRequest {
  const options = (body['stream_options'] ?? {}) as { include_usage?: unknown; continuous_usage_stats?: unknown };
  return {
    model: modelNameOf(body),
    samples,
    withUsage: options.include_usage === true,
    withUsageAlways: options.continuous_usage_stats === true,
    topLogprobs,
  };
}

const REFUSED: Failure = { message: QUEUE_FULL, status: 503 };

/** A plain answer. */
export class OpenAiAnswer {
  readonly #call: Call;
  readonly #request: OpenAiRequest;
  readonly #object: string;
  readonly #choiceOf: (generation: Generation) => Json;
  readonly #generations: Generation[] = [];

  /** `object`: the member of that name. */
  constructor(call: Call, request: OpenAiRequest, object: string, choiceOf: (generation: Generation) => Json) {
    this.#call = call;
    this.#request = request;
    this.#object = object;
    this.#choiceOf = choiceOf;
  }

  advanced(): void {}

  ended(generation: Generation): void {
    this.#generations[generation.spec.index] = generation;
  }

  allEnded(): void {
    const { engine, answer } = this.#call;
    const failure = this.#generations.map(failureOf).find((found) => found !== null);
    if (failure !== undefined) {
      answerFailure(this.#call, failure);
      return;
    }
    const first = this.#generations[0]!;
    const text = toJson({
      id: first.spec.rid,
      object: this.#object,
      created: engine.nowSec(),
      model: this.#request.model,
      choices: this.#generations.map(this.#choiceOf),
      usage: usageOf(engine, this.#generations, this.#request.samples, true),
      metadata: metadataOf(engine, first),
    });
    answer.json(200, text);
  }

  refused(): void {
    answerFailure(this.#call, REFUSED);
  }
}

/** How much of a generation a stream has sent. */
export interface SentSoFar {
  text: number;
  tokens: number;
}

/** How the streams of chat and completions differ: members of events, as JSON text. */
export interface StreamShape {
  readonly object: string;
  /** Usage has the details of completion tokens. */
  readonly isChat: boolean;
  /** Before the first text of a generation; null: nothing. */
  opening(generation: Generation): string | null;
  /** The part after `sent`; null: nothing to write. */
  delta(generation: Generation, sent: Readonly<SentSoFar>): string | null;
  /** After all text of all generations; null: nothing. */
  closing(generation: Generation): string | null;
}

/** A streamed answer of deltas: per generation an opening, its text, a closing; then the usage if asked, and [DONE]. */
export class OpenAiStream {
  readonly #call: Call;
  readonly #request: OpenAiRequest;
  readonly #shape: StreamShape;
  readonly #created: number;
  /** By index; absent before the opening. */
  readonly #sent = new Map<number, SentSoFar>();
  readonly #ended: Generation[] = [];

  constructor(call: Call, request: OpenAiRequest, shape: StreamShape) {
    this.#call = call;
    this.#request = request;
    this.#shape = shape;
    this.#created = call.engine.nowSec();
  }

  advanced(generation: Generation): void {
    this.#write(generation);
  }

  ended(generation: Generation): void {
    this.#ended[generation.spec.index] = generation;
    if (failureOf(generation) === null) this.#write(generation);
  }

  allEnded(): void {
    const failure = this.#ended.map(failureOf).find((found) => found !== null);
    if (failure !== undefined) {
      this.#fail(failure);
      return;
    }
    for (const generation of this.#ended) this.#event(generation, this.#shape.closing(generation));
    if (this.#request.withUsage) {
      const usage = toJson(usageOf(this.#call.engine, this.#ended, this.#request.samples, this.#shape.isChat));
      this.#event(this.#ended[0]!, `"choices":[],"usage":${usage}`);
    }
    this.#end();
  }

  refused(): void {
    this.#fail(REFUSED);
  }

  #write(generation: Generation): void {
    let sent = this.#sent.get(generation.spec.index);
    if (sent === undefined) {
      sent = { text: 0, tokens: 0 };
      this.#sent.set(generation.spec.index, sent);
      this.#call.answer.startStream();
      this.#event(generation, this.#shape.opening(generation));
    }
    this.#event(generation, this.#shape.delta(generation, sent));
    sent.text = generation.text.length;
    sent.tokens = generation.outputIds.length;
  }

  #event(generation: Generation, members: string | null): void {
    if (members === null) return;
    const head = `"id":"${generation.spec.rid}","object":"${this.#shape.object}","created":${this.#created},"model":${JSON.stringify(this.#request.model)}`;
    this.#call.answer.event(`{${head},${members}}`);
  }

  #fail(failure: Failure): void {
    this.#call.answer.startStream();
    this.#call.answer.event(streamFailure(failure));
    this.#end();
  }

  #end(): void {
    this.#call.answer.event('[DONE]');
    this.#call.answer.endStream();
  }
}
