// Data-parallel ranks of a simulated engine: each is a scheduler of its own.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { SimOptions } from '../src/sim/engine/options.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { postJson } from './support/send-raw.ts';
import { until } from './support/until.ts';

async function start(t: TestContext, options: Partial<SimOptions> = {}): Promise<SimHandle> {
  const sim = await startSim({ port: 0, speedup: 100, dpSize: 2, healthDelaySecs: 0, warmupSecs: 0, ...options });
  t.after(() => sim.stop());
  return sim;
}

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

async function get(sim: SimHandle, path: string): Promise<Json> {
  return (await fetch(sim.url + path)).json();
}

async function generate(sim: SimHandle, body: object, tokens = 1): Promise<{ status: number; json: Json }> {
  const answer = await fetch(`${sim.url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'x'.repeat(200), sampling_params: { max_new_tokens: tokens, ignore_eos: true }, ...body }),
  });
  return { status: answer.status, json: await answer.json() };
}

suite('the ranks of a simulated engine', { concurrency: 4 }, () => {
  test('have a prefix cache each: what one has computed another has not', async (t) => {
    const sim = await start(t);
    const cachedAt = async (rank: number): Promise<number> => {
      const { json } = await generate(sim, { routed_dp_rank: rank });
      assert.equal(json.meta_info.dp_rank, rank);
      return json.meta_info.cached_tokens;
    };
    assert.equal(await cachedAt(0), 0);
    const held = await cachedAt(0);
    assert.ok(held > 0);
    assert.equal(await cachedAt(1), 0);
    assert.equal(await cachedAt(1), held);
    await fetch(`${sim.url}/flush_cache`, { method: 'POST' });
    assert.deepEqual([await cachedAt(0), await cachedAt(1)], [0, 0]);
  });

  test('take requests that name none in turn, and refuse one that is not there', async (t) => {
    const sim = await start(t, { dpSize: 3 });
    const ranks: unknown[] = [];
    for (let i = 0; i < 6; i++) ranks.push((await generate(sim, {})).json.meta_info.dp_rank);
    assert.deepEqual(ranks, [0, 1, 2, 0, 1, 2]);
    for (const name of ['routed_dp_rank', 'data_parallel_rank']) {
      const { status, json } = await generate(sim, { [name]: 3 });
      assert.deepEqual([status, json.error.message], [400, 'routed_dp_rank=3 out of range [0, 3)']);
    }
  });

  test('have a batch and a queue each, and show them apart', async (t) => {
    const sim = await start(t, { maxRunningRequests: 1, maxQueuedRequests: 1, speedup: 1 });
    const busy = [0, 0, 1].map((rank) => generate(sim, { routed_dp_rank: rank }, 100_000).catch(() => null));
    const loads = async (): Promise<Json[]> => (await get(sim, '/v1/loads')).loads;
    const shown = async (): Promise<Json> => (await loads()).map((one: Json) => [one.dp_rank, one.num_running_reqs, one.num_waiting_reqs]);
    await until(() => sim.engine.sum((scheduler) => scheduler.runningRequests) === 2, 'both ranks to compute');
    assert.deepEqual(await shown(), [
      [0, 1, 1],
      [1, 1, 0],
    ]);
    assert.equal((await generate(sim, { routed_dp_rank: 0 })).status, 503, 'the queue of the first rank is full');
    const [second, ...others] = (await get(sim, '/v1/loads?dp_rank=1')).loads;
    assert.deepEqual([second.dp_rank, others], [1, []]);
    assert.deepEqual((await get(sim, '/v1/loads?dp_rank=2')).loads, []);
    assert.deepEqual((await get(sim, '/sim/stats')).generations.running, 2);
    const info = await get(sim, '/server_info');
    assert.deepEqual([info.dp_size, info.internal_states.length], [2, 2]);
    const metrics = await (await fetch(`${sim.url}/metrics`)).text();
    for (const rank of [0, 1]) assert.match(metrics, new RegExp(`^sglang:num_running_reqs\\{.*dp_rank="${rank}"\\} 1$`, 'm'));
    await postJson(sim.port, '/abort_request', { abort_all: true });
    await Promise.all(busy);
    await until(() => sim.engine.sum((scheduler) => scheduler.runningRequests + scheduler.waitingRequests) === 0, 'all to have ended');
  });
});
