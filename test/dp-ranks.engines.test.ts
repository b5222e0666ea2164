// A router with --dp-aware and simulated engines of several data-parallel ranks, which refuse what a real engine refuses.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { SimOptions } from '../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { parseEvents } from './support/sse-events.ts';

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

async function startEngine(t: TestContext, options: Partial<SimOptions>): Promise<SimHandle> {
  const sim = await startSim({ port: 0, speedup: 100, healthDelaySecs: 0, warmupSecs: 0, ...options });
  t.after(() => sim.stop());
  return sim;
}

const ranksOf = (sim: SimHandle): { url: string }[] =>
  Array.from({ length: sim.engine.options.dpSize }, (_, rank) => ({ url: `${sim.url}@${rank}` }));

interface Pair {
  readonly prefill: SimHandle;
  readonly decode: SimHandle;
  readonly router: TestRouter;
}

async function startPair(t: TestContext, prefillRanks: number, decodeRanks: number, flags: readonly string[] = []): Promise<Pair> {
  const prefill = await startEngine(t, { disaggregationMode: 'prefill', disaggregationBootstrapPort: 0, dpSize: prefillRanks });
  const decode = await startEngine(t, { disaggregationMode: 'decode', dpSize: decodeRanks });
  const named = ['--prefill', prefill.url, String(prefill.bootstrapPort), '--decode', decode.url];
  const router = await startTestRouter(t, ['--dp-aware', '--pd-disaggregation', ...named, ...flags], []);
  await router.untilEligible([...ranksOf(prefill), ...ranksOf(decode)]);
  return { prefill, decode, router };
}

async function post(router: TestRouter, path: string, body: object): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const answer = await fetch(router.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, text: await answer.text() };
}

const get = async (router: TestRouter, path: string): Promise<Json> =>
  (await fetch(router.url + path, { headers: { connection: 'close' } })).json();

const received = (sim: SimHandle): number[] => sim.engine.schedulers.map(({ counters }) => counters.received);

suite('ranks of simulated engines', { concurrency: 2 }, () => {
  test('get the conversations whose prefix they hold', async (t) => {
    const sim = await startEngine(t, { dpSize: 4 });
    const router = await startTestRouter(t, ['--dp-aware', '--policy', 'cache_aware', '--worker-urls', sim.url], []);
    await router.untilEligible(ranksOf(sim));
    const ranks: unknown[][] = [];
    for (let turn = 0; turn < 4; turn++) {
      for (let user = 0; user < 6; user++) {
        const text = `user ${user} says ${'something long '.repeat(60)}${'and more '.repeat(40 * turn)}`;
        const { status, text: answer } = await post(router, '/generate', { text, sampling_params: { max_new_tokens: 1 } });
        assert.equal(status, 200, answer);
        const { dp_rank, cached_tokens } = JSON.parse(answer).meta_info;
        const own = ranks[user] ?? [];
        ranks[user] = own;
        own.push(dp_rank);
        if (turn > 0) assert.ok(cached_tokens > 700, `${cached_tokens} cached tokens in turn ${turn}`);
      }
    }
    for (const own of ranks) assert.equal(new Set(own).size, 1, `one rank for each conversation: ${ranks.join(' ')}`);
    assert.equal(new Set(ranks.flat()).size, 4, `all ranks have conversations: ${ranks.join(' ')}`);
  });

  test('are named on every route whose prompt the router knows, and no route minds', async (t) => {
    const sims = [await startEngine(t, { dpSize: 2 }), await startEngine(t, { dpSize: 2, isEmbedding: true })];
    const text = 'hello';
    const routes: readonly (readonly [string, object])[][] = [
      [
        ['/generate', { text }],
        ['/v1/chat/completions', { messages: [{ role: 'user', content: text }] }],
        ['/v1/completions', { prompt: text }],
        ['/v1/responses', { input: text }],
        ['/v1/messages', { model: 'm', max_tokens: 2, messages: [{ role: 'user', content: text }] }],
      ],
      [
        ['/v1/embeddings', { input: text }],
        ['/v1/rerank', { query: text, documents: ['a'] }],
        ['/v1/classify', { input: text }],
      ],
    ];
    for (const [at, sim] of sims.entries()) {
      const router = await startTestRouter(t, ['--dp-aware', '--worker-urls', sim.url], []);
      await router.untilEligible(ranksOf(sim));
      for (const [path, body] of routes[at]!) {
        const { status, text: answer } = await post(router, path, body);
        const alone = await fetch(sim.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        assert.deepEqual([status, alone.status], [200, 200], `${path}: ${answer}`);
        await alone.text();
      }
    }
  });

  test('meet in pairs of engines with different numbers of ranks: plain, as streams and in batches', async (t) => {
    const { prefill, decode, router } = await startPair(t, 2, 3);
    const sampling_params = { max_new_tokens: 4 };
    for (let i = 0; i < 6; i++) {
      const plain = await post(router, '/generate', { text: `prompt ${i}`, sampling_params });
      assert.equal(plain.status, 200, plain.text);
      assert.equal(JSON.parse(plain.text).meta_info.dp_rank, i % 3);
    }
    const stream = await post(router, '/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], stream: true, max_tokens: 4 });
    const events = parseEvents(stream.text).map(({ data }) => data);
    assert.deepEqual([stream.status, events.at(-1), events.some((data) => data.includes('"error"'))], [200, '[DONE]', false]);
    const batch = await post(router, '/generate', { text: ['a', 'b', 'c'], sampling_params });
    assert.deepEqual([batch.status, JSON.parse(batch.text).map((one: Json) => one.meta_info.dp_rank)], [200, [1, 1, 1]], batch.text);
    assert.deepEqual(received(prefill), [3 + 1, 3 + 3], 'six alone, a stream and a batch of three');
    assert.deepEqual(received(decode), [2 + 1, 2 + 3, 2]);
    const { workers } = await get(router, '/get_loads');
    assert.deepEqual(
      workers.map((one: Json) => [one.worker, one.load]),
      [...ranksOf(prefill), ...ranksOf(decode)].map(({ url }) => [url, 0]),
    );
    const info = await get(router, '/get_server_info');
    assert.deepEqual([info.prefill.length, info.decode.length, info.internal_states.length], [1, 1, 3]);
    await router.assertQuiet();
  });

  test('are tried in turn when a half of a pair fails, with rooms of their own', async (t) => {
    const { prefill, decode, router } = await startPair(t, 3, 2);
    prefill.engine.addFault({ kind: 'abort', at: 'before-kv', count: 1 });
    const answer = await post(router, '/generate', { text: 'x', sampling_params: { max_new_tokens: 2 } });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(received(prefill), [1, 1, 0]);
    assert.equal(received(decode)[0]! + received(decode)[1]!, 2);
    await router.assertQuiet();
  });
});
