/** Experts of the prompt's tokens, which only the prefill leg knows, in the answers that clients get. The cases are those of SGLang's mini load balancer. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startEngine, startPairRouter } from './support/pair-router.ts';
import { type RawResponse, requestBytes } from './support/raw-client.ts';
import { jsonAnswer, sseAnswer } from './support/scripted-worker.ts';

/** Rows of the prompt's tokens at prefill; at decode they are zeros and those of the output follow. */
const PROMPT_BYTES = Buffer.from([1, 2, 3, 4, 5, 6, 7]);
const ALL_BYTES = Buffer.from([0, 0, 0, 0, 0, 0, 0, 8, 9, 10]);
const [OF_PREFILL, OF_DECODE] = [PROMPT_BYTES.toString('base64'), ALL_BYTES.toString('base64')];
const MERGED = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).toString('base64');
const PROMPT_LOGPROBS = [[null, 1, null]];

async function answered(t: TestContext, path: string, body: object, prefillAnswer: Buffer, decodeAnswer: Buffer): Promise<RawResponse> {
  const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
  const router = await startPairRouter(t, [prefill, decode]);
  const client = await router.connect();
  await client.send(requestBytes({ path, body: JSON.stringify({ return_routed_experts: true, ...body }) }));
  const [p, d] = [await prefill.next(), await decode.next()];
  await d.write(decodeAnswer);
  await p.write(prefillAnswer);
  const response = await client.response('POST');
  await router.quiet();
  return response;
}

const ofGenerate = (experts: string, more: object = {}): object => ({
  text: 'a',
  meta_info: { id: 'x', ...more, routed_experts: experts },
});
const ofOpenAi = (experts: string): object => ({ id: 'x', choices: [{ index: 0, text: 'a' }], sglext: { routed_experts: experts } });
const events = (...values: readonly object[]): Buffer => sseAnswer([...values.map((value) => JSON.stringify(value)), '[DONE]']);
const textOf = (...values: readonly object[]): string =>
  `${values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')}data: [DONE]\n\n`;

suite('experts of the prompt are put over those of decode', () => {
  test('in /generate', async (t) => {
    const got = await answered(t, '/generate', { text: 'a' }, jsonAnswer(ofGenerate(OF_PREFILL)), jsonAnswer(ofGenerate(OF_DECODE)));
    assert.deepEqual(got.json(), ofGenerate(MERGED));
    assert.equal(got.get('content-length'), String(got.body.length));
  });

  test('in a batch, for each prompt', async (t) => {
    const got = await answered(
      t,
      '/generate',
      { text: ['a', 'b'] },
      jsonAnswer([ofGenerate(OF_PREFILL), ofGenerate('AQI=')]),
      jsonAnswer([ofGenerate(OF_DECODE), ofGenerate('AAAD')]),
    );
    assert.deepEqual(got.json(), [ofGenerate(MERGED), ofGenerate('AQID')]);
  });

  test('with logprobs of the prompt', async (t) => {
    const got = await answered(
      t,
      '/generate',
      { text: 'a', return_logprob: true, logprob_start_len: 0 },
      jsonAnswer(ofGenerate(OF_PREFILL, { input_token_logprobs: PROMPT_LOGPROBS, output_token_logprobs: [[-1, 2, null]] })),
      jsonAnswer(ofGenerate(OF_DECODE, { input_token_logprobs: [], output_token_logprobs: [[-1, 2, null]] })),
    );
    assert.deepEqual(got.json(), ofGenerate(MERGED, { input_token_logprobs: PROMPT_LOGPROBS, output_token_logprobs: [[-1, 2, null]] }));
  });

  test('with the flat form of the top logprobs, which prefill alone has', async (t) => {
    const flat = {
      input_top_logprobs_val_flat: [-0.5],
      input_top_logprobs_idx_flat: [7],
      input_top_logprobs_shape: [1, 1],
      input_top_logprobs_null_prefix: 1,
    };
    const none = {
      input_top_logprobs_val_flat: [],
      input_top_logprobs_idx_flat: [],
      input_top_logprobs_shape: [0, 1],
      input_top_logprobs_null_prefix: 0,
    };
    const got = await answered(
      t,
      '/generate',
      { text: 'a', return_logprob: true, top_logprobs_num: 1, return_flat_raw_top_logprobs: true },
      jsonAnswer(ofGenerate(OF_PREFILL, flat)),
      jsonAnswer(ofGenerate(OF_DECODE, none)),
    );
    assert.deepEqual(got.json(), ofGenerate(MERGED, flat));
  });

  for (const more of [{}, { input_token_logprobs: PROMPT_LOGPROBS }]) {
    test(`in a stream of /generate, whose last event has them (${Object.keys(more).join('') || 'alone'})`, async (t) => {
      const wants = 'input_token_logprobs' in more;
      const begun = { text: 'a', meta_info: { id: 'x', ...(wants ? { input_token_logprobs: [] } : {}) } };
      const ended = ofGenerate(OF_DECODE, wants ? { input_token_logprobs: [] } : {});
      const body = { text: 'a', stream: true, ...(wants ? { return_logprob: true } : {}) };
      const got = await answered(t, '/generate', body, events(ofGenerate(OF_PREFILL, more)), events(begun, ended));
      assert.equal(got.text, textOf({ text: 'a', meta_info: { id: 'x', ...more } }, ofGenerate(MERGED, more)));
    });
  }

  test('in a stream of a batch, by the index of each event', async (t) => {
    const indexed = (index: number, experts: string): object => ({ index, ...ofGenerate(experts) });
    const got = await answered(
      t,
      '/generate',
      { text: ['a', 'b'], stream: true },
      events(indexed(1, 'AQI='), indexed(0, OF_PREFILL)),
      events({ index: 0, text: 'a', meta_info: { id: 'x' } }, indexed(0, OF_DECODE), indexed(1, 'AAAD')),
    );
    assert.equal(got.text, textOf({ index: 0, text: 'a', meta_info: { id: 'x' } }, indexed(0, MERGED), indexed(1, 'AQID')));
  });

  for (const path of ['/v1/chat/completions', '/v1/completions']) {
    const body = path.includes('chat') ? { messages: [] } : { prompt: 'a' };
    test(`in the sglext of ${path}`, async (t) => {
      const got = await answered(t, path, body, jsonAnswer(ofOpenAi(OF_PREFILL)), jsonAnswer(ofOpenAi(OF_DECODE)));
      assert.deepEqual(got.json(), ofOpenAi(MERGED));
    });

    test(`in the sglext of a stream of ${path}`, async (t) => {
      const delta = { id: 'x', choices: [{ index: 0, text: 'a', logprobs: null }] };
      const extension = (experts: string): object => ({
        id: 'x',
        choices: [],
        sglext: { cached_tokens_details: {}, routed_experts: experts },
      });
      const got = await answered(
        t,
        path,
        { ...body, stream: true },
        events(delta, extension(OF_PREFILL)),
        events(delta, delta, extension(OF_DECODE)),
      );
      assert.equal(got.text, textOf(delta, delta, extension(MERGED)));
    });
  }

  test('in the meta_info of a choice', async (t) => {
    const chat = (experts: string): object => ({ choices: [{ index: 0, message: {}, meta_info: { routed_experts: experts } }] });
    const got = await answered(
      t,
      '/v1/chat/completions',
      { messages: [], return_meta_info: true },
      jsonAnswer(chat(OF_PREFILL)),
      jsonAnswer(chat(OF_DECODE)),
    );
    assert.deepEqual(got.json(), chat(MERGED));
  });
});

test('an answer without experts passes as it is', async (t) => {
  const without = { text: 'a', meta_info: { id: 'x' } };
  assert.deepEqual((await answered(t, '/generate', { text: 'a' }, jsonAnswer(without), jsonAnswer(without))).json(), without);
});
