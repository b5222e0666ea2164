/** The health paths of engines that warm up, drain, hang, pause and die. As observed on SGLang 0.5.23. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../src/base/runtime/fake-clock.ts';
import { type SimHandle, startSim } from '../src/sim/program/start-sim.ts';
import { postJson, sendRaw } from './support/send-raw.ts';
import { ENDLESS, openRequest, simFor, statusOf } from './support/simulated-engine.ts';
import { until, within } from './support/until.ts';

const SHORT = { text: 'a', sampling_params: { max_new_tokens: 4, ignore_eos: true } };
const flags = async (sim: SimHandle): Promise<readonly number[]> => [await statusOf(sim, '/ready'), await statusOf(sim, '/ping')];
/** Whether an answer is still missing after a while in which a running engine would have given many. */
const isPending = (reply: Promise<unknown>): Promise<boolean> =>
  Promise.race([reply.then(() => false), new Promise<boolean>((resolve) => setTimeout(resolve, 100, true))]);

describe('warming up and draining', () => {
  it('while it warms up health is 503; the health delay is kept', async (t) => {
    const clock = new FakeClock();
    const sim = await startSim({ warmupSecs: 20, healthDelaySecs: 10 }, clock);
    t.after(() => sim.stop());
    assert.equal(await statusOf(sim, '/health'), 503);
    assert.equal(await statusOf(sim, '/ready'), 503);
    clock.advance(20_000);
    await sim.ready;
    assert.equal(await statusOf(sim, '/ready'), 200);
    const health = sendRaw(sim.port, 'GET', '/health');
    assert.ok(await isPending(health));
    clock.advance(9_900);
    assert.ok(await isPending(health));
    clock.advance(200);
    assert.equal((await health).status, 200);
  });

  it('draining: health paths are 503 at once, new requests are served, and it is gone after the last one', async (t) => {
    const sim = await simFor(t, { speedup: 20, meanOutputTokens: 0 });
    const first = postJson(sim.port, '/generate', { text: 'a', sampling_params: { max_new_tokens: 400 } });
    await until(() => sim.engine.jobs.size === 1, 'a job');
    const drained = sim.drain();
    for (const path of ['/health', '/ready', '/ping', '/health_generate']) assert.equal(await statusOf(sim, path), 503);
    const second = await postJson(sim.port, '/generate', { text: 'b', sampling_params: { max_new_tokens: 2 } });
    assert.equal(second.status, 200);
    assert.equal(JSON.parse((await first).body).meta_info.completion_tokens, 400);
    await drained;
    assert.equal(await sim.gone, 'drained');
    assert.equal(sim.openSockets(), 0);
  });
});

describe('schedulers that hang', () => {
  it('/ready and /ping stay 200, /health fails after its 20 s, and then all are 503', async (t) => {
    const sim = await simFor(t);
    sim.addFault({ kind: 'freeze' });
    assert.deepEqual(await flags(sim), [200, 200]);
    const start = performance.now();
    assert.equal(await statusOf(sim, '/health'), 503);
    assert.ok(performance.now() - start >= 199, '20 s at a hundredth');
    assert.deepEqual(await flags(sim), [503, 503]);
  });

  it('paths that need them do not answer, all others do', async (t) => {
    const sim = await simFor(t);
    sim.addFault({ kind: 'freeze' });
    const needy = [
      postJson(sim.port, '/generate', SHORT),
      sendRaw(sim.port, 'GET', '/get_server_info'),
      sendRaw(sim.port, 'POST', '/flush_cache'),
    ];
    for (const reply of needy) assert.ok(await isPending(reply));
    for (const path of ['/v1/models', '/get_model_info', '/v1/loads', '/metrics']) assert.equal(await statusOf(sim, path), 200, path);
    assert.equal((await postJson(sim.port, '/abort_request', { rid: 'none' })).status, 200);
    sim.removeFaults();
    const replies = await Promise.all(needy);
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 400],
      'the flush came after the request',
    );
  });

  it('streams stop and later continue to their end; requests that arrived meanwhile run then', async (t) => {
    const sim = await simFor(t);
    const stream = postJson(sim.port, '/generate', { ...SHORT, stream: true, sampling_params: { max_new_tokens: 60, ignore_eos: true } });
    const { counters } = sim.engine.scheduler;
    await until(() => counters.generatedTokens > 3, 'tokens');
    sim.engine.freeze();
    const tokens = counters.generatedTokens;
    const late = postJson(sim.port, '/generate', SHORT);
    assert.ok(await isPending(late));
    assert.equal(counters.generatedTokens, tokens);
    assert.deepEqual([sim.engine.scheduler.runningRequests, sim.engine.scheduler.waitingRequests], [1, 0], 'loads are those of before');
    sim.engine.thaw();
    assert.match((await stream).body, /"completion_tokens":60,.*\n\ndata: \[DONE\]\n\n$/);
    assert.equal((await late).status, 200);
  });

  it('aborts reach them when they run again', async (t) => {
    const sim = await simFor(t);
    const running = postJson(sim.port, '/generate', { ...ENDLESS, rid: 'running' });
    await until(() => sim.engine.scheduler.runningRequests === 1, 'a running request');
    sim.engine.freeze();
    const late = postJson(sim.port, '/generate', { ...ENDLESS, rid: 'late' });
    await until(() => sim.engine.jobs.size === 2, 'the second request');
    for (const rid of ['late', 'running']) await postJson(sim.port, '/abort_request', { rid });
    assert.ok(await isPending(Promise.race([running, late])));
    sim.engine.thaw();
    assert.match((await running).body, /"message":"Aborted"/);
    assert.match((await late).body, /"message":"Abort in waiting queue"/);
  });

  it('requests whose clients left a hung engine are not computed when it runs again', async (t) => {
    const sim = await simFor(t);
    sim.engine.freeze();
    const socket = openRequest(sim, '/generate', { ...ENDLESS, stream: true });
    await until(() => sim.engine.jobs.size === 1, 'a job');
    socket.destroy();
    await until(() => sim.engine.traffic.disconnects === 1, 'the departure');
    sim.engine.thaw();
    await until(() => sim.engine.jobs.size === 0, 'an idle engine');
    assert.equal(sim.engine.scheduler.counters.generatedTokens, 0);
  });

  it('a freeze ends by itself after its time, or with its rule', async (t) => {
    const sim = await simFor(t);
    sim.addFault({ kind: 'freeze', durationMs: 50 });
    assert.equal((await postJson(sim.port, '/generate', SHORT)).status, 200);
    assert.equal(sim.listFaults().length, 0);
    const one = sim.addFault({ kind: 'freeze' });
    const two = sim.addFault({ kind: 'freeze' });
    assert.equal(sim.listFaults()[0]?.durationMs, 0);
    sim.removeFaults(one);
    assert.ok(sim.engine.link.isFrozen);
    sim.removeFaults(two);
    assert.ok(!sim.engine.link.isFrozen);
  });
});

describe('the flag of a failed health check', () => {
  it('is reset by a health check that passes and by nothing else', async (t) => {
    const sim = await simFor(t);
    sim.engine.freeze();
    assert.equal(await statusOf(sim, '/health'), 503);
    sim.engine.thaw();
    assert.equal((await postJson(sim.port, '/generate', SHORT)).status, 200);
    assert.deepEqual(await flags(sim), [503, 503], 'a request that succeeds does not help');
    assert.equal(await statusOf(sim, '/health'), 200);
    assert.deepEqual(await flags(sim), [200, 200]);
  });

  it('is set by a health check of a paused engine too, and outlasts the pause', async (t) => {
    const sim = await simFor(t);
    await postJson(sim.port, '/pause_generation', {});
    assert.equal(await statusOf(sim, '/health'), 503);
    assert.deepEqual(await flags(sim), [503, 503]);
    await postJson(sim.port, '/continue_generation', {});
    assert.deepEqual(await flags(sim), [503, 503]);
    assert.equal(await statusOf(sim, '/health_generate'), 200);
    assert.deepEqual(await flags(sim), [200, 200]);
  });

  it('is not set if the pause ends before the check times out', async (t) => {
    const sim = await simFor(t, { speedup: 10 });
    await postJson(sim.port, '/pause_generation', {});
    const check = sendRaw(sim.port, 'GET', '/health');
    assert.ok(await isPending(check));
    await postJson(sim.port, '/continue_generation', {});
    assert.equal((await check).status, 200);
    assert.deepEqual(await flags(sim), [200, 200]);
  });

  it('makes SIGTERM end the engine without waiting for its requests', async (t) => {
    const sim = await simFor(t);
    sim.engine.freeze();
    assert.equal(await statusOf(sim, '/health'), 503);
    sim.engine.thaw();
    const socket = openRequest(sim, '/generate', ENDLESS);
    await until(() => sim.engine.jobs.size === 1, 'a job');
    await within(sim.drain(), 'the end');
    assert.equal(await sim.gone, 'dead');
    socket.destroy();
  });
});

describe('an engine that dies', () => {
  it('a token id outside the vocabulary kills a deadly engine and is refused by another', async (t) => {
    const harmless = await simFor(t);
    assert.equal((await postJson(harmless.port, '/generate', { input_ids: [999_999] })).status, 400);
    const deadly = await simFor(t, { deadly: true });
    const failure = (reply: Promise<unknown>): Promise<unknown> =>
      reply.then(
        () => 'answered',
        (error: NodeJS.ErrnoException) => error.code,
      );
    const failed = failure(postJson(deadly.port, '/generate', { input_ids: [999_999] }));
    await until(() => deadly.engine.state === 'dead', 'its death');
    const silent = failure(sendRaw(deadly.port, 'GET', '/v1/models'));
    assert.equal(await silent, 'ECONNRESET', 'it takes connections and answers nothing until it is gone');
    assert.equal(await failed, 'ECONNRESET');
    assert.equal(await deadly.gone, 'dead');
    const embedding = await simFor(t, { deadly: true, isEmbedding: true });
    postJson(embedding.port, '/generate', { text: 'x' }).catch(() => {});
    assert.equal(await embedding.gone, 'dead');
  });
});
