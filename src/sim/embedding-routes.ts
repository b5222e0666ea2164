/** Paths of embedding models: embeddings, rerank, classify, encode. They run through the scheduler as prompts without output. */
import type { Call } from './call.ts';
import { EngineError } from './engine-error.ts';
import type { Generation } from './generation.ts';
import { Job, QUEUE_FULL } from './job.ts';
import { metaInfo } from './meta-info.ts';
import { answerOpenAiError, modelNameOf, plainFailure } from './openai-answers.ts';
import { textKey } from './output-text.ts';
import { float, type Json, toJson } from './python-json.ts';
import { type Body, type Handler, parseBody } from './request-body.ts';
import { encode } from './tokens.ts';

const DIMENSIONS = 64;
const NOT_EMBEDDING =
  'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.';

const handlerOf = (path: string, name: string): Handler => ({ method: 'POST', path, line: 1880, name, dataclass: null });
const EMBEDDINGS = handlerOf('/v1/embeddings', 'openai_v1_embeddings');
const RERANK = handlerOf('/v1/rerank', 'v1_rerank_request');
const CLASSIFY = handlerOf('/v1/classify', 'openai_v1_classify');
const ENCODE = handlerOf('/encode', 'encode_request');

export function embeddings(call: Call): void {
  run(call, EMBEDDINGS, true, (body) => ({
    texts: textsOf(body['input'], 'input'),
    answer: (done) => ({
      object: 'list',
      data: done.map((generation, index) => ({ embedding: vectorOf(generation).map(float), index, object: 'embedding' })),
      model: modelNameOf(body),
      usage: {
        prompt_tokens: promptTokens(done),
        total_tokens: promptTokens(done),
        completion_tokens: 0,
        prompt_tokens_details: null,
        reasoning_tokens: 0,
      },
    }),
  }));
}

/** Scores of query and document, best first. */
export function rerank(call: Call): void {
  run(call, RERANK, true, (body) => {
    const { query, documents } = body as { query?: unknown; documents?: unknown };
    if (typeof query !== 'string' || query.trim() === '') throw new EngineError('Query cannot be empty or whitespace only.');
    const texts = textsOf(documents, 'documents');
    const top = typeof body['top_n'] === 'number' ? body['top_n'] : texts.length;
    return {
      texts: texts.map((text) => `${query}\n${text}`),
      answer: (done) =>
        done
          .map((generation, index) => ({ score: scoreOf(generation), index, generation }))
          .sort((a, b) => b.score - a.score || a.index - b.index)
          .slice(0, top)
          .map(({ score, index, generation }) => ({
            score: float(score),
            document: body['return_documents'] === false ? null : texts[index]!,
            index,
            meta_info: { id: generation.spec.rid, prompt_tokens: generation.promptTokens },
          })),
    };
  });
}

export function classifyV1(call: Call): void {
  run(call, CLASSIFY, true, (body) => ({
    texts: textsOf(body['input'], 'input'),
    answer: (done) => ({
      id: `classify-${done[0]?.spec.rid ?? ''}`,
      object: 'list',
      created: call.engine.nowSec(),
      model: modelNameOf(body),
      data: done.map((generation, index) => {
        const score = scoreOf(generation);
        return { index, label: score < 0.5 ? 'LABEL_0' : 'LABEL_1', probs: [float(1 - score), float(score)], num_classes: 2 };
      }),
      usage: {
        prompt_tokens: promptTokens(done),
        total_tokens: promptTokens(done),
        completion_tokens: 0,
        prompt_tokens_details: null,
        reasoning_tokens: 0,
      },
    }),
  }));
}

/** /encode and /classify, the engine's own shape: `{embedding, meta_info}`, in a list when the text is one. */
export function encodeText(call: Call): void {
  run(call, ENCODE, false, (body) => ({
    texts: textsOf(body['text'], 'text'),
    answer: (done) => {
      const all = done.map((generation) => ({
        embedding: vectorOf(generation).map(float),
        meta_info: JSON.parse(metaInfo(call.engine, generation, 0, false)),
      }));
      return Array.isArray(body['text']) ? all : all[0]!;
    },
  }));
}

interface Work {
  readonly texts: readonly string[];
  readonly answer: (done: readonly Generation[]) => Json;
}

function run(call: Call, handler: Handler, isOpenAi: boolean, read: (body: Body) => Work): void {
  try {
    const body = parseBody(handler, call.body, call.contentType);
    if (!call.engine.options.isEmbedding) throw new EngineError(NOT_EMBEDDING);
    start(call, read(body));
  } catch (error) {
    if (isOpenAi || !(error instanceof EngineError)) answerOpenAiError(call, error);
    else call.answer.json(error.status, JSON.stringify({ error: { message: error.message } }));
  }
}

function start(call: Call, work: Work): void {
  if (work.texts.length === 0) throw new EngineError('The input is empty.');
  const done: Generation[] = [];
  const sampling = { maxNewTokens: 0, minNewTokens: 0, temperature: 0, stop: [], stopTokenIds: [], keepStop: false, ignoreEos: true, n: 1 };
  const request = { prompts: work.texts.map(encode), sampling, isStream: false, rids: [], returnLogprob: false, logprobStart: -1 };
  const job = new Job(call.engine, call.answer, request, {
    advanced: () => {},
    ended: (generation) => {
      done[generation.spec.index] = generation;
    },
    allEnded: () => call.answer.json(200, toJson(work.answer(done))),
    refused: () => plainFailure(call, QUEUE_FULL, 503),
  });
  call.prepareJob(job);
  job.start();
}

function textsOf(value: unknown, name: string): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
  throw new EngineError(`${name} must be a text or a list of texts.`);
}

function promptTokens(done: readonly Generation[]): number {
  return done.reduce((sum, generation) => sum + generation.promptTokens, 0);
}

/** A unit vector that depends on the prompt alone. */
function vectorOf(generation: Generation): readonly number[] {
  const raw = Array.from({ length: DIMENSIONS }, (_, i) => (textKey(generation.spec.prompt, i + 1, 0) >>> 0) / 2 ** 31 - 1);
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}

function scoreOf(generation: Generation): number {
  return (textKey(generation.spec.prompt, 0, 0) >>> 0) / 2 ** 32;
}
