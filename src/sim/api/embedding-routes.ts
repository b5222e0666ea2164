/** Paths of embedding models: embeddings, rerank, classify, encode. They run through the scheduler as prompts without output. Source: recorded from SGLang 0.5.23 with --is-embedding. */

import { EngineError } from '../engine/engine-error.ts';
import type { Sampling } from '../engine/prompt-request.ts';
import type { Call } from '../http/call.ts';
import { floatText, pythonRepr } from '../http/python-json.ts';
import type { Generation } from '../scheduling/generation.ts';
import { textKey } from '../scheduling/output-text.ts';
import { encode, joinTokens } from '../scheduling/tokens.ts';
import { answerOpenAiError } from './error-answers.ts';
import { embeddingMetaInfo } from './meta-info.ts';
import { modelNameOf } from './openai-answers.ts';
import { readPrompts } from './read-prompts.ts';
import { type Body, type Handler, MODEL, parseBody, schemaError } from './request-body.ts';
import { runJob } from './start-job.ts';

const DIMENSIONS = 64;
const NOT_EMBEDDING =
  'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.';

const EMBEDDINGS: Handler = { method: 'POST', path: '/v1/embeddings', line: 1882, name: 'openai_v1_embeddings', input: MODEL };
const RERANK: Handler = { method: 'POST', path: '/v1/rerank', line: 2101, name: 'v1_rerank_request', input: MODEL };
const CLASSIFY: Handler = { method: 'POST', path: '/v1/classify', line: 1893, name: 'openai_v1_classify', input: MODEL };
const ENCODE: Handler = {
  method: 'POST',
  path: '/encode',
  line: 960,
  name: 'encode_request',
  input: { kind: 'dataclass', name: 'EmbeddingReqInput' },
};

const NO_OUTPUT: Sampling = {
  maxNewTokens: 0,
  minNewTokens: 0,
  temperature: 0,
  stop: [],
  stopTokenIds: [],
  keepStop: false,
  ignoreEos: true,
  n: 1,
};

export function embeddings(call: Call): void {
  run(call, EMBEDDINGS, (body) => {
    const { modelPath } = call.engine.options;
    if (typeof body['dimensions'] === 'number') {
      const why = 'does not support matryoshka representation, changing output dimensions will lead to poor results.';
      throw new EngineError(`Model '${modelPath}' ${why}`);
    }
    const isBase64 = body['encoding_format'] === 'base64';
    return {
      prompts: promptsOf(EMBEDDINGS, body, 'input'),
      answer: (done) => {
        const data = done.map((one, index) => {
          const shown = isBase64 ? JSON.stringify(base64Of(vectorOf(one))) : vectorText(one);
          return `{"embedding":${shown},"index":${index},"object":"embedding"}`;
        });
        return `{"data":[${data.join(',')}],"model":${JSON.stringify(modelPath)},"object":"list","usage":${usageText(done)}}`;
      },
    };
  });
}

/** Scores of query and document, best first. */
export function rerank(call: Call): void {
  run(call, RERANK, (body) => {
    const { query, documents } = body as { query?: unknown; documents?: unknown };
    for (const name of ['query', 'documents']) if (body[name] === undefined) throw missing(RERANK, body, name);
    if (!Array.isArray(documents) || documents.length === 0) throw new EngineError('Documents cannot be empty');
    const start = encode(String(query));
    const texts = documents.map(String);
    const top = typeof body['top_n'] === 'number' ? body['top_n'] : texts.length;
    const shownDocument = (index: number): string =>
      body['return_documents'] === false ? '' : `"document":${JSON.stringify(texts[index])},`;
    return {
      prompts: texts.map((text) => joinTokens([start, encode(text)])),
      answer: (done) => {
        const ranked = done
          .map((one, index) => ({ one, index, score: likeness(String(query), texts[index]!) }))
          .sort((a, b) => b.score - a.score || a.index - b.index);
        const entries = ranked.slice(0, top).map(({ one, index, score }) => {
          const meta = embeddingMetaInfo(call.engine, one);
          return `{"score":${floatText(score)},${shownDocument(index)}"index":${index},"meta_info":${meta}}`;
        });
        return `[${entries.join(',')}]`;
      },
    };
  });
}

/** A model without labels has one label. */
export function classifyV1(call: Call): void {
  run(call, CLASSIFY, (body) => ({
    prompts: promptsOf(CLASSIFY, body, 'input'),
    answer: (done) => {
      const data = done.map((_, index) => `{"index":${index},"label":"Default","probs":[1.0],"num_classes":1}`);
      const head = `"id":"classify-${call.engine.newId()}","object":"list","created":${call.engine.nowSec()},"model":${JSON.stringify(modelNameOf(body))}`;
      return `{${head},"data":[${data.join(',')}],"usage":${usageText(done)}}`;
    },
  }));
}

/** /encode and /classify, the engine's own shape: `{embedding, meta_info}`, in a list when the text is one. */
export function encodeText(call: Call): void {
  run(call, ENCODE, (body) => ({
    prompts: promptsOf(ENCODE, body, 'text'),
    answer: (done) => {
      const all = done.map((one) => `{"embedding":${vectorText(one)},"meta_info":${embeddingMetaInfo(call.engine, one)}}`);
      return Array.isArray(body['text']) ? `[${all.join(',')}]` : all.join('');
    },
  }));
}

interface Work {
  readonly prompts: readonly Uint16Array[];
  /** JSON text. */
  readonly answer: (done: readonly Generation[]) => string;
}

function run(call: Call, handler: Handler, read: (body: Body) => Work): void {
  const refuse = (error: unknown): void => {
    if (handler !== ENCODE || !(error instanceof EngineError)) answerOpenAiError(call, error);
    else call.answer.json(error.status, JSON.stringify({ error: { message: error.message } }));
  };
  try {
    const body = parseBody(handler, call.body, call.contentType);
    if (!call.engine.options.isEmbedding) throw new EngineError(NOT_EMBEDDING);
    const { prompts, answer } = read(body);
    runJob(call, { prompts, sampling: NO_OUTPUT, isStream: false }, answer, refuse);
  } catch (error) {
    refuse(error);
  }
}

/** A text, a list of texts, token ids, or a list of lists of token ids. */
function promptsOf(handler: Handler, body: Body, name: string): readonly Uint16Array[] {
  const value = body[name];
  if (value === undefined) throw missing(handler, body, name);
  if (value === '' || (Array.isArray(value) && value.length === 0)) throw new EngineError('Input cannot be empty');
  if (typeof value !== 'string' && !Array.isArray(value)) throw new EngineError(`${name} must be a text, token ids, or a list of them.`);
  return readPrompts(value).prompts;
}

function missing(handler: Handler, body: Body, name: string): Error {
  return schemaError(handler, [{ type: 'missing', loc: ['body', name], msg: 'Field required', input: pythonRepr(body), ctx: '' }]);
}

function usageText(done: readonly Generation[]): string {
  const tokens = done.reduce((sum, generation) => sum + generation.promptTokens, 0);
  return `{"prompt_tokens":${tokens},"total_tokens":${tokens},"completion_tokens":0,"prompt_tokens_details":null,"reasoning_tokens":0,"completion_tokens_details":null}`;
}

/** A unit vector that depends on the prompt alone. */
function vectorOf(generation: Generation): readonly number[] {
  const raw = Array.from({ length: DIMENSIONS }, (_, i) => (textKey(generation.spec.prompt, i + 1, 0) >>> 0) / 2 ** 31 - 1);
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}

function vectorText(generation: Generation): string {
  return `[${vectorOf(generation).map(floatText).join(',')}]`;
}

/** Little-endian 32-bit floats. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, at) => {
    bytes.writeFloatLE(value, at * 4);
  });
  return bytes.toString('base64');
}

/** Share of the pairs of neighbouring letters that two texts have in common (Dice's coefficient), 0..1. */
function likeness(a: string, b: string): number {
  const [first, second] = [pairsOf(a), pairsOf(b)];
  const shared = [...first].filter((pair) => second.has(pair)).length;
  return first.size + second.size === 0 ? 0 : (2 * shared) / (first.size + second.size);
}

function pairsOf(text: string): ReadonlySet<string> {
  const letters = text.toLowerCase();
  return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2)));
}
