/** Requests to SGLang's own /generate. */

import { bare, type Case, type CaseContext, GREEDY, post, SENTENCE } from './case.ts';

const PATH = '/generate';

export function generateCases({ tag }: CaseContext): Case[] {
  const text = tag + SENTENCE;
  const plain = (extra: object) => ({ text, sampling_params: GREEDY, ...extra });
  const sampled = (extra: object) => ({ text: tag, sampling_params: { ...GREEDY, ...extra } });
  return [
    post('generate', PATH, plain({})),
    post('generate: the same again, from the cache', PATH, plain({})),
    post('generate: stream', PATH, plain({ stream: true })),
    post('generate: a longer prompt with the same start', PATH, plain({ text: `${text}And the dog sleeps on.` })),
    post('generate: another prompt with a common start', PATH, plain({ text: `${tag}The quick red hen.` })),
    post('generate: stream of 40 tokens', PATH, { ...sampled({ max_new_tokens: 40 }), stream: true }),
    post('generate: list of two texts', PATH, plain({ text: [`${tag}a`, `${tag}bb`] })),
    post('generate: list of two texts, stream', PATH, plain({ text: [`${tag}a`, `${tag}bb`], stream: true }), { mixed: true }),
    post('generate: list of one text', PATH, plain({ text: [`${tag}a`] })),
    post('generate: list of one text, stream', PATH, plain({ text: [`${tag}a`], stream: true })),
    post('generate: empty list', PATH, plain({ text: [] })),
    post('generate: two samples', PATH, sampled({ n: 2 })),
    post('generate: two samples, stream', PATH, { ...sampled({ n: 2 }), stream: true }, { mixed: true }),
    post('generate: token ids', PATH, { input_ids: [65, 66, 67, 68], sampling_params: GREEDY }),
    post('generate: token ids, stream', PATH, { input_ids: [65, 66, 67, 68], sampling_params: GREEDY, stream: true }),
    post('generate: two lists of token ids', PATH, {
      input_ids: [
        [35, 36],
        [37, 38, 39],
      ],
      sampling_params: GREEDY,
    }),
    post('generate: text and token ids', PATH, { text: 'a', input_ids: [41], sampling_params: GREEDY }),
    post('generate: logprobs from the start', PATH, plain({ return_logprob: true, top_logprobs_num: 2, logprob_start_len: 0 })),
    post('generate: logprobs of the answer', PATH, plain({ return_logprob: true })),
    post('generate: logprobs, stream', PATH, plain({ return_logprob: true, stream: true })),
    post('generate: own request id', PATH, plain({ rid: `r-${tag}` })),
    post('generate: own request id, stream', PATH, plain({ rid: `s-${tag}`, stream: true })),
    post('generate: the same request id twice', PATH, plain({ text: ['a', 'b'], rid: [`d${tag}`, `d${tag}`] })),
    post('generate: no new tokens', PATH, sampled({ max_new_tokens: 0 })),
    post('generate: one new token', PATH, sampled({ max_new_tokens: 1 })),
    post('generate: one new token, stream', PATH, { ...sampled({ max_new_tokens: 1 }), stream: true }),
    post('generate: no sampling parameters', PATH, { text: `zz${tag}` }, { random: true }),
    post('generate: data_parallel_rank 0', PATH, plain({ data_parallel_rank: 0 })),
    post('generate: data_parallel_rank 7', PATH, plain({ data_parallel_rank: 7 })),
    post('generate: routed_dp_rank 0', PATH, plain({ routed_dp_rank: 0 })),
    post('generate: routed_dp_rank 7', PATH, plain({ routed_dp_rank: 7 })),
    post('generate: priority', PATH, plain({ priority: 5 })),
    post('generate: unknown field', PATH, plain({ no_such_field: 1 })),
    post('generate: unknown sampling field', PATH, sampled({ no_such: 1 })),
    post('generate: a model that is not served', PATH, plain({ model: 'nope' })),
    post(
      'generate: bootstrap fields on a single engine',
      PATH,
      plain({ bootstrap_host: '127.0.0.1', bootstrap_port: 9, bootstrap_room: 1 }),
    ),
    post('generate: unicode', PATH, plain({ text: `${tag}Grüße, 世界 🙂` })),
    post(
      'generate: escapes in the text',
      PATH,
      Buffer.from(`{"text":"${tag}\\u0041\\n\\"\\\\","sampling_params":${JSON.stringify(GREEDY)}}`),
    ),
    post(
      'generate: white space around the JSON',
      PATH,
      Buffer.from(`\n {"text" : "${tag}w" , "sampling_params" : ${JSON.stringify(GREEDY)} }\n`),
    ),
    post('generate: content type with a charset', PATH, plain({}), { headers: { 'content-type': 'application/json; charset=utf-8' } }),
    post('generate: prompt of 3000 tokens', PATH, { text: `${tag}${'z'.repeat(2990)}`, sampling_params: GREEDY }),
    post('generate: prompt of 3000 tokens, from the cache', PATH, {
      text: `${tag}${'z'.repeat(2990)}`,
      sampling_params: GREEDY,
      stream: true,
    }),
    post('generate: body in chunks', PATH, plain({}), { headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }),
    post('generate: query after the path', `${PATH}?a=1&b=%20`, plain({})),
    post('generate: body of 300 KB', PATH, { text: 'y'.repeat(300_000), sampling_params: GREEDY }),
    { ...post('generate: PUT', PATH, plain({})), method: 'PUT' },
    bare('generate: GET', 'GET', PATH),
    post('generate: temperature below zero', PATH, { text: 'a', sampling_params: { temperature: -1 } }),
    post('generate: temperature below zero, stream', PATH, { text: 'a', stream: true, sampling_params: { temperature: -1 } }),
    post('generate: text is a number', PATH, { text: 5 }),
    post('generate: more tokens than the context', PATH, { text: 'a', sampling_params: { max_new_tokens: 999999, ignore_eos: true } }),
    post('generate: more tokens than the context, stream', PATH, {
      text: 'a',
      stream: true,
      sampling_params: { max_new_tokens: 999999, ignore_eos: true },
    }),
  ];
}
