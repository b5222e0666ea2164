/** Requests to the OpenAI paths: chat, completions, responses, and what stands beside them. */

import { bare, type Case, type CaseContext, post, SENTENCE } from './case.ts';

const USAGE = { stream: true, stream_options: { include_usage: true } };
/** Only the letter c: a random model makes bytes that are no characters, and an engine keeps those back in its events. */
const LETTERS = { 66: 100 };
const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };

function chatCases({ model, tag }: CaseContext): Case[] {
  const path = '/v1/chat/completions';
  const messages = [{ role: 'user', content: `${tag} hi` }];
  const chat = (extra: object) => ({ model, messages, max_tokens: 8, temperature: 0, ignore_eos: true, logit_bias: LETTERS, ...extra });
  const turns = [
    { role: 'system', content: `${tag} be brief` },
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'bye' },
  ];
  return [
    post('chat', path, chat({})),
    post('chat: the same again, from the cache', path, chat({})),
    post('chat: stream', path, chat({ stream: true })),
    post('chat: stream with usage', path, chat(USAGE)),
    post(
      'chat: stream with usage in each event',
      path,
      chat({ stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } }),
    ),
    post('chat: usage asked without a stream', path, chat({ stream_options: { include_usage: true } })),
    post('chat: several turns', path, chat({ messages: turns })),
    post('chat: several turns, stream with usage', path, chat({ messages: turns, ...USAGE })),
    post('chat: content in parts', path, chat({ messages: [{ role: 'user', content: [{ type: 'text', text: `${tag} parts` }] }] })),
    post('chat: logprobs', path, chat({ logprobs: true, top_logprobs: 2 })),
    post('chat: logprobs, stream', path, chat({ logprobs: true, top_logprobs: 1, stream: true })),
    post('chat: two choices', path, chat({ n: 2 })),
    post('chat: two choices, stream with usage', path, chat({ n: 2, ...USAGE }), { mixed: true }),
    post('chat: max_completion_tokens', path, { model, messages, max_completion_tokens: 4, temperature: 0, ignore_eos: true }),
    post('chat: one token, stream', path, chat({ max_tokens: 1, ...USAGE })),
    post('chat: a model that is not served', path, chat({ model: 'nope' })),
    post('chat: a model that is not served, stream', path, chat({ model: 'nope', stream: true })),
    post('chat: no model', path, { messages, max_tokens: 4, temperature: 0, ignore_eos: true }),
    post('chat: unknown field', path, chat({ no_such_field: 1 })),
    post('chat: tools', path, chat({ tools: [TOOL] })),
    post('chat: own request id', path, chat({ rid: `chat-${tag}` })),
    post('chat: routed_dp_rank 7', path, chat({ routed_dp_rank: 7 })),
    post('chat: data_parallel_rank 7', path, chat({ data_parallel_rank: 7 })),
    post('chat: no messages', path, chat({ messages: [] })),
    post('chat: unknown role', path, chat({ messages: [{ role: 'boss', content: 'x' }] })),
    post('chat: temperature below zero', path, chat({ temperature: -1 })),
    post('chat: temperature below zero, stream', path, chat({ temperature: -1, stream: true })),
    post('chat: more tokens than the context', path, chat({ max_tokens: 999999 })),
    bare('chat: GET', 'GET', path),
    bare('chat: OPTIONS', 'OPTIONS', path),
  ];
}

function completionCases({ model, tag }: CaseContext): Case[] {
  const path = '/v1/completions';
  const prompt = `${tag}${SENTENCE}Completions.`;
  const complete = (extra: object) => ({ model, prompt, max_tokens: 8, temperature: 0, ignore_eos: true, logit_bias: LETTERS, ...extra });
  // No common start beyond the tag: which of the two is computed first is chance.
  const two = [`${tag}ca`, `${tag}dd`];
  return [
    post('completions', path, complete({})),
    post('completions: the same again, from the cache', path, complete({})),
    post('completions: stream', path, complete({ stream: true })),
    post('completions: stream with usage', path, complete(USAGE)),
    post('completions: list of two', path, complete({ prompt: two })),
    post('completions: list of two, stream with usage', path, complete({ prompt: two, ...USAGE }), { mixed: true }),
    post('completions: two choices', path, complete({ n: 2 })),
    post('completions: token ids', path, complete({ prompt: [75, 76, 77] })),
    post(
      'completions: two lists of token ids',
      path,
      complete({
        prompt: [
          [81, 82],
          [83, 84, 85],
        ],
      }),
    ),
    post('completions: logprobs', path, complete({ logprobs: 2 })),
    post('completions: echo', path, complete({ echo: true })),
    post('completions: no model', path, { prompt, max_tokens: 4, temperature: 0, ignore_eos: true }),
    post('completions: no max_tokens', path, { model, prompt, temperature: 0, ignore_eos: true }),
    post('completions: routed_dp_rank 7', path, complete({ routed_dp_rank: 7 })),
    post('completions: temperature below zero, stream', path, complete({ temperature: -1, stream: true })),
    bare('completions: GET', 'GET', path),
  ];
}

function responseCases({ model, tag }: CaseContext): Case[] {
  const input = `${tag} respond`;
  return [
    post('responses', '/v1/responses', { model, input, max_output_tokens: 4, temperature: 0 }),
    post('responses: stream', '/v1/responses', { model, input, max_output_tokens: 4, temperature: 0, stream: true }),
    bare('responses: GET one', 'GET', '/v1/responses/resp_0'),
    bare('responses: DELETE one', 'DELETE', '/v1/responses/resp_0'),
    bare('responses: cancel one', 'POST', '/v1/responses/resp_0/cancel'),
  ];
}

function messageCases({ model, tag }: CaseContext): Case[] {
  const messages = [{ role: 'user', content: `${tag} message` }];
  return [
    post('messages', '/v1/messages', { model, max_tokens: 4, temperature: 0, messages }),
    post('messages: stream', '/v1/messages', { model, max_tokens: 4, temperature: 0, messages, stream: true }),
    post('messages: count tokens', '/v1/messages/count_tokens', { model, messages }),
  ];
}

/** A form with a file that is no sound. */
function transcription(model: string): Case {
  const part = (head: string, content: string) => `--limit\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
  const form = `${part('name="model"', model)}${part('name="file"; filename="a.wav"', 'no sound')}--limit--\r\n`;
  const headers = { 'content-type': 'multipart/form-data; boundary=limit' };
  return post('transcription: by a model of text', '/v1/audio/transcriptions', Buffer.from(form), { headers });
}

function otherCases({ model, tag }: CaseContext): Case[] {
  return [
    post('embeddings: of a model that only generates', '/v1/embeddings', { model, input: 'hi' }),
    post('rerank: of a model that only generates', '/v1/rerank', { model, query: 'a', documents: ['b', 'c'] }),
    post('classify: of a model that only generates', '/v1/classify', { model, input: 'hi' }),
    post('classify: the native path', '/classify', { text: 'hi' }),
    post('encode: of a model that only generates', '/encode', { text: 'hi' }),
    post('rerank: short path', '/rerank', { model, query: 'a', documents: ['b', 'c'] }),
    transcription(model),
    post('transcription: JSON', '/v1/audio/transcriptions', { model }),
    post('score', '/v1/score', { model, query: 'a', items: ['b', 'c'], label_token_ids: [1, 2] }),
    post('tokenize', '/tokenize', { model, prompt: 'hi there' }),
    post('tokenize: v1', '/v1/tokenize', { model, prompt: 'hi there' }),
    post('detokenize', '/detokenize', { model, tokens: [71, 72] }),
    post('detokenize: v1', '/v1/detokenize', { model, tokens: [71, 72] }),
    post('ollama: chat', '/api/chat', {
      model,
      messages: [{ role: 'user', content: `${tag} o` }],
      stream: false,
      options: { num_predict: 2, temperature: 0 },
    }),
  ];
}

/** Every chat-like path with the bodies that an engine must refuse. */
function refusalCases({ model, tag }: CaseContext): Case[] {
  const long = 'x'.repeat(5000);
  const tooLong = (stream: boolean, path: string) => ({
    model,
    max_tokens: 8,
    ...(path === '/generate' ? { text: long } : path === '/v1/completions' ? { prompt: long } : { input: long }),
    messages: [{ role: 'user', content: long }],
    ...(stream ? { stream } : {}),
  });
  const areas = [
    ['generate', '/generate'],
    ['chat', '/v1/chat/completions'],
    ['completions', '/v1/completions'],
    ['messages', '/v1/messages'],
    ['responses', '/v1/responses'],
  ] as const;
  return areas.flatMap(([area, path]) => [
    post(`${area}: invalid JSON`, path, Buffer.from('{"text": ')),
    post(`${area}: empty body`, path, Buffer.alloc(0)),
    post(`${area}: JSON array`, path, []),
    post(`${area}: JSON string`, path, 'hi'),
    post(`${area}: no fields`, path, {}),
    post(
      `${area}: no content type`,
      path,
      { model, text: tag, prompt: tag, input: tag, messages: [{ role: 'user', content: tag }] },
      { headers: {} },
    ),
    post(`${area}: too long`, path, tooLong(false, path)),
    post(`${area}: too long, stream`, path, tooLong(true, path)),
  ]);
}

export function openaiCases(context: CaseContext): Case[] {
  return [
    ...chatCases(context),
    ...completionCases(context),
    ...responseCases(context),
    ...messageCases(context),
    ...otherCases(context),
    ...refusalCases(context),
  ];
}
