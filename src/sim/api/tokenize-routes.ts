/** /tokenize and /detokenize, with and without /v1. */

import { EngineError } from '../engine/engine-error.ts';
import type { Call } from '../http/call.ts';
import { toJson } from '../http/python-json.ts';
import { decode, encode } from '../scheduling/tokens.ts';
import { withBody } from './error-answers.ts';
import type { Handler } from './request-body.ts';
import { MODEL } from './request-body.ts';

const TOKENIZE: Handler = { method: 'POST', path: '/v1/tokenize', line: 1900, name: 'openai_v1_tokenize', input: MODEL };
const DETOKENIZE: Handler = { method: 'POST', path: '/v1/detokenize', line: 1910, name: 'openai_v1_detokenize', input: MODEL };

export function tokenize(call: Call): void {
  withBody(call, TOKENIZE, ({ prompt }) => {
    const max = call.engine.options.contextLength;
    if (typeof prompt === 'string') {
      const tokens = [...encode(prompt)];
      call.answer.json(200, toJson({ tokens, count: tokens.length, max_model_len: max }));
      return;
    }
    if (!Array.isArray(prompt)) throw new EngineError('prompt must be a text or a list of texts.');
    const lists = prompt.map((text: unknown) => [...encode(String(text))]);
    call.answer.json(200, toJson({ tokens: lists, count: lists.map((list) => list.length), max_model_len: max }));
  });
}

export function detokenize(call: Call): void {
  withBody(call, DETOKENIZE, ({ tokens }) => {
    if (!Array.isArray(tokens)) throw new EngineError('tokens must be a list of token ids or a list of such lists.');
    const isNested = tokens.length > 0 && tokens.every(Array.isArray);
    const text = isNested ? tokens.map((list: readonly unknown[]) => decode(list.map(Number))) : decode(tokens.map(Number));
    call.answer.json(200, toJson({ text }));
  });
}
