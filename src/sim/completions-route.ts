/** POST /v1/completions: one prompt or several, as text or token ids. Streams are deltas; the last one has the finish reason. */
import type { Call } from './call.ts';
import { readRank } from './dp-rank.ts';
import { EngineError } from './engine-error.ts';
import type { Generation } from './generation.ts';
import { Job, type PromptRequest, QUEUE_FULL } from './job.ts';
import {
  answerOpenAiError,
  completionLogprobs,
  finishName,
  matchedStop,
  metadataOf,
  modelNameOf,
  plainFailure,
  ridsOf,
  streamFailure,
  usageOf,
} from './openai-answers.ts';
import { readPairFields } from './pair-fields.ts';
import { type Json, pythonRepr, toJson } from './python-json.ts';
import { type Body, type Handler, parseBody, schemaError } from './request-body.ts';
import { readOpenAiSampling } from './sampling.ts';
import { decode, encode, promptFromIds } from './tokens.ts';

const HANDLER: Handler = { method: 'POST', path: '/v1/completions', line: 1860, name: 'openai_v1_completions', dataclass: null };
const DEFAULT_TOKENS = 16;

interface CompletionRequest {
  readonly model: string;
  readonly samples: number;
  readonly withUsage: boolean;
  readonly withUsageAlways: boolean;
  /** -1: no log probabilities. */
  readonly topLogprobs: number;
  /** By prompt: what the text starts with. */
  readonly echoes: readonly string[];
}

export function completions(call: Call): void {
  try {
    start(call, parseBody(HANDLER, call.body, call.contentType));
  } catch (error) {
    answerOpenAiError(call, error);
  }
}

function start(call: Call, body: Body): void {
  const prompts = readPrompts(body);
  const rank = readRank(body, call.engine.options.dpSize);
  const sampling = readOpenAiSampling(body, DEFAULT_TOKENS);
  const options = (body['stream_options'] ?? {}) as { include_usage?: unknown; continuous_usage_stats?: unknown };
  const completion: CompletionRequest = {
    model: modelNameOf(body),
    samples: sampling.n,
    withUsage: options.include_usage === true,
    withUsageAlways: options.continuous_usage_stats === true,
    topLogprobs: typeof body['logprobs'] === 'number' ? body['logprobs'] : -1,
    echoes: body['echo'] === true ? prompts.map(decode) : [],
  };
  const isStream = body['stream'] === true;
  const request: PromptRequest = {
    prompts,
    sampling,
    isStream,
    rids: ridsOf(body),
    returnLogprob: false,
    logprobStart: -1,
    pair: readPairFields(call.body, body),
    rank,
  };
  const writer = isStream ? new CompletionStream(call, completion) : new CompletionAnswer(call, completion);
  const job = new Job(call.engine, call.answer, request, writer);
  call.prepareJob(job);
  job.start();
}

function readPrompts(body: Body): readonly Uint16Array[] {
  const prompt = body['prompt'];
  if (prompt === undefined) {
    throw schemaError(HANDLER, [{ type: 'missing', loc: ['body', 'prompt'], msg: 'Field required', input: pythonRepr(body), ctx: '' }]);
  }
  if (typeof prompt === 'string') return [encode(prompt)];
  if (!Array.isArray(prompt)) {
    throw schemaError(HANDLER, [
      { type: 'string_type', loc: ['body', 'prompt', 'str'], msg: 'Input should be a valid string', input: pythonRepr(prompt), ctx: '' },
    ]);
  }
  if (prompt.length === 0) throw new EngineError('Prompt cannot be empty.');
  if (prompt.every((item): item is number => typeof item === 'number')) return [promptFromIds(prompt)];
  return prompt.map((item: unknown) => (Array.isArray(item) ? promptFromIds(item) : encode(String(item))));
}

class CompletionAnswer {
  readonly #call: Call;
  readonly #completion: CompletionRequest;
  readonly #generations: Generation[] = [];

  constructor(call: Call, completion: CompletionRequest) {
    this.#call = call;
    this.#completion = completion;
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
      object: 'text_completion',
      created: engine.nowSec(),
      model: this.#completion.model,
      choices: this.#generations.map((generation) => this.#choice(generation)),
      usage: { ...usageOf(engine, this.#generations, this.#completion.samples, true) },
      metadata: metadataOf(engine, first),
    });
    answer.json(200, text);
  }

  refused(): void {
    plainFailure(this.#call, QUEUE_FULL, 503);
  }

  #choice(generation: Generation): Json {
    const { echoes, samples, topLogprobs } = this.#completion;
    return {
      index: generation.spec.index,
      text: (echoes[Math.floor(generation.spec.index / samples)] ?? '') + generation.text,
      logprobs: topLogprobs < 0 ? null : completionLogprobs(generation, 0, topLogprobs),
      finish_reason: finishName(generation.finish),
      matched_stop: matchedStop(generation.finish),
    };
  }
}

class CompletionStream {
  readonly #call: Call;
  readonly #completion: CompletionRequest;
  readonly #created: number;
  readonly #sent = new Map<number, { text: number; tokens: number }>();
  readonly #ended: Generation[] = [];
  #failure: { message: string; status: number } | null = null;

  constructor(call: Call, completion: CompletionRequest) {
    this.#call = call;
    this.#completion = completion;
    this.#created = call.engine.nowSec();
  }

  advanced(generation: Generation): void {
    this.#write(generation);
  }

  ended(generation: Generation): void {
    this.#ended[generation.spec.index] = generation;
    const { finish } = generation;
    if (finish?.type === 'abort' && finish.status !== null) this.#failure = { message: finish.message, status: finish.status };
    else this.#write(generation);
  }

  allEnded(): void {
    const { answer, engine } = this.#call;
    answer.startStream();
    if (this.#failure !== null) answer.event(streamFailure(this.#failure.message, this.#failure.status));
    else if (this.#completion.withUsage) {
      const usage = toJson(usageOf(engine, this.#ended, this.#completion.samples, false));
      answer.event(`{${this.#head(this.#ended[0]!)},"choices":[],"usage":${usage}}`);
    }
    answer.event('[DONE]');
    answer.endStream();
  }

  refused(): void {
    const { answer } = this.#call;
    answer.startStream();
    answer.event(streamFailure(QUEUE_FULL, 503));
    answer.event('[DONE]');
    answer.endStream();
  }

  #write(generation: Generation): void {
    const { answer, engine } = this.#call;
    const { echoes, samples, topLogprobs, withUsageAlways } = this.#completion;
    const { index } = generation.spec;
    let sent = this.#sent.get(index);
    let delta = '';
    if (sent === undefined) {
      sent = { text: 0, tokens: 0 };
      this.#sent.set(index, sent);
      answer.startStream();
      delta = echoes[Math.floor(index / samples)] ?? '';
    }
    delta += generation.text.slice(sent.text);
    const logprobs = topLogprobs < 0 ? 'null' : toJson(completionLogprobs(generation, sent.tokens, topLogprobs));
    sent.text = generation.text.length;
    sent.tokens = generation.outputIds.length;
    const finish = JSON.stringify(finishName(generation.finish));
    const matched = JSON.stringify(matchedStop(generation.finish));
    const usage = withUsageAlways ? toJson(usageOf(engine, [generation], 1, false)) : 'null';
    answer.event(
      `{${this.#head(generation)},"choices":[{"index":${index},"text":${JSON.stringify(delta)},"logprobs":${logprobs},"finish_reason":${finish},"matched_stop":${matched}}],"usage":${usage}}`,
    );
  }

  #head(generation: Generation): string {
    return `"id":"${generation.spec.rid}","object":"text_completion","created":${this.#created},"model":${JSON.stringify(this.#completion.model)}`;
  }
}
