/** POST /pause_generation and /continue_generation: aborts, held requests, health flags. As observed on SGLang 0.5.23. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SimHandle } from '../src/sim/program/start-sim.ts';
import { postJson, type Reply, sendRaw } from './support/send-raw.ts';
import { ENDLESS, openRequest, simFor, statusOf } from './support/simulated-engine.ts';
import { parseEvents } from './support/sse-events.ts';
import { until } from './support/until.ts';

const SHORT = { text: 'hello', sampling_params: { max_new_tokens: 4, ignore_eos: true } };
const CHAT = { messages: [{ role: 'user', content: 'x' }] };

const pause = (sim: SimHandle, body: object = {}): Promise<Reply> => postJson(sim.port, '/pause_generation', body);
const resume = (sim: SimHandle): Promise<Reply> => postJson(sim.port, '/continue_generation', {});
const flags = async (sim: SimHandle): Promise<readonly number[]> => [await statusOf(sim, '/ready'), await statusOf(sim, '/ping')];
const untilHeld = (sim: SimHandle, count: number): Promise<void> =>
  until(() => sim.engine.pause.heldRequests === count, `${count} held requests`);
const untilRunning = (sim: SimHandle, count: number): Promise<void> =>
  until(() => sim.engine.scheduler.runningRequests === count, `${count} running requests`);
const finishOf = (text: string): string => /"finish_reason":(\{.*?\})/.exec(text)?.[1] ?? 'none';

describe('a pause', () => {
  it('is answered as the real one, turns /ready to 503 and leaves /ping alone', async (t) => {
    const sim = await simFor(t);
    const paused = await pause(sim);
    assert.deepEqual([paused.status, paused.body], [200, '{"message":"Generation paused successfully.","status":"ok"}']);
    assert.deepEqual(await flags(sim), [503, 200]);
    const resumed = await resume(sim);
    assert.deepEqual([resumed.status, resumed.body], [200, '{"message":"Generation continued successfully.","status":"ok"}']);
    assert.deepEqual(await flags(sim), [200, 200]);
  });

  it('aborts what runs and waits, and answers when nothing is left', async (t) => {
    const sim = await simFor(t, { maxRunningRequests: 2, speedup: 1 });
    const plain = postJson(sim.port, '/generate', ENDLESS);
    await untilRunning(sim, 1);
    const stream = postJson(sim.port, '/v1/chat/completions', { ...CHAT, max_tokens: 5000, stream: true });
    await untilRunning(sim, 2);
    const waiting = postJson(sim.port, '/generate', ENDLESS);
    await until(() => sim.engine.scheduler.waitingRequests === 1, 'a waiting request');
    const startMs = performance.now();
    assert.equal((await pause(sim)).status, 200);
    assert.ok(performance.now() - startMs > 950, 'the engine looks once a second whether it is idle');
    const [first, second, third] = await Promise.all([plain, stream, waiting]);
    assert.deepEqual(
      [first.status, finishOf(first.body)],
      [200, '{"type":"abort","message":"Aborted","status_code":null,"err_type":null}'],
    );
    assert.deepEqual([third.status, finishOf(third.body)], [200, '{"type":"abort","message":"Abort in waiting queue"}']);
    const events = parseEvents(second.body).map(({ data }) => data);
    assert.deepEqual([second.status, events.at(-1)], [200, '[DONE]']);
    assert.match(events.at(-2) ?? '', /"finish_reason":"abort"/);
    assert.equal(sim.engine.jobs.size, 0);
  });

  it('in place: running requests stop and continue with the same KV', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const reply = postJson(sim.port, '/generate', { ...ENDLESS, sampling_params: { max_new_tokens: 50, ignore_eos: true } });
    await untilRunning(sim, 1);
    assert.equal((await pause(sim, { mode: 'in_place' })).status, 200);
    const { counters } = sim.engine.scheduler;
    const tokens = counters.generatedTokens;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(counters.generatedTokens <= tokens + 1, 'at most the step under way ends');
    assert.equal((await sendRaw(sim.port, 'POST', '/flush_cache')).body, 'Flush cache failed.\n');
    await resume(sim);
    const { meta_info } = JSON.parse((await reply).body) as { meta_info: { completion_tokens: number; num_retractions: number } };
    assert.deepEqual([meta_info.completion_tokens, meta_info.num_retractions], [50, 0]);
  });

  it('with retraction: running requests lose their KV and are computed again', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const reply = postJson(sim.port, '/generate', { ...ENDLESS, sampling_params: { max_new_tokens: 50, ignore_eos: true } });
    await untilRunning(sim, 1);
    await pause(sim, { mode: 'retract' });
    await until(() => sim.engine.scheduler.waitingRequests === 1, 'the request in the queue');
    assert.equal(sim.engine.scheduler.usedTokens, 0);
    assert.equal((await sendRaw(sim.port, 'POST', '/flush_cache')).status, 200, 'a queue does not keep a paused engine from flushing');
    await resume(sim);
    const { meta_info } = JSON.parse((await reply).body) as { meta_info: { completion_tokens: number; num_retractions: number } };
    assert.deepEqual([meta_info.completion_tokens, meta_info.num_retractions], [50, 1]);
  });

  it('with retraction: requests beyond the queue limit are refused', async (t) => {
    const sim = await simFor(t, { maxQueuedRequests: 1, speedup: 1 });
    const replies: Promise<Reply>[] = [];
    for (let count = 1; count <= 3; count++) {
      replies.push(postJson(sim.port, '/generate', ENDLESS));
      await untilRunning(sim, count);
    }
    await pause(sim, { mode: 'retract' });
    const refused = await Promise.all(replies.slice(1));
    assert.deepEqual(
      refused.map(({ status }) => status),
      [503, 503],
    );
    assert.equal(sim.engine.scheduler.waitingRequests, 1);
    await postJson(sim.port, '/abort_request', { abort_all: true });
    assert.equal((await replies[0]!).status, 200);
  });

  it('needs a JSON object and a mode that exists', async (t) => {
    const sim = await simFor(t);
    const message = async (reply: Promise<Reply>): Promise<string> => {
      const { status, body } = await reply;
      assert.equal(status, 400);
      return (JSON.parse(body) as { message: string }).message;
    };
    assert.match(await message(sendRaw(sim.port, 'POST', '/pause_generation')), /^1 validation error:\n {2}\{'type': 'missing'/);
    assert.match(await message(sendRaw(sim.port, 'POST', '/pause_generation', {}, '{}')), /'input': b'\{\}'/);
    assert.match(
      await message(pause(sim, [])),
      /^2 validation errors:\n {2}\{'type': 'is_instance_of', 'loc': \('body', 'is-instance\[PauseGenerationReqInput\]'\).*\n {2}\{'type': 'dict_type'/,
    );
    assert.match(await message(pause(sim, { mode: 'nope' })), /Input should be 'abort', 'retract' or 'in_place'/);
    assert.match(await message(postJson(sim.port, '/continue_generation', [])), /ContinueGenerationReqInput/);
    assert.deepEqual(await flags(sim), [200, 200]);
  });
});

describe('requests that arrive during a pause', () => {
  it('are held, a /generate stream with its head sent, and answered in their order after continue', async (t) => {
    const sim = await simFor(t, { maxRunningRequests: 1 });
    await pause(sim);
    const ended: string[] = [];
    const held = async (name: string, path: string, body: object): Promise<Reply> => {
      const reply = await postJson(sim.port, path, body);
      ended.push(name);
      return reply;
    };
    const plain = held('plain', '/generate', SHORT);
    await untilHeld(sim, 1);
    const chat = held('chat', '/v1/chat/completions', { ...CHAT, max_tokens: 4 });
    await untilHeld(sim, 2);
    const stream = openRequest(sim, '/generate', { ...SHORT, stream: true });
    let heard = '';
    stream.on('data', (piece: Buffer) => {
      heard += piece.toString('latin1');
    });
    await untilHeld(sim, 3);
    await until(() => heard.includes('\r\n\r\n'), 'the head of the stream');
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(!heard.includes('data:'));
    assert.deepEqual(ended, []);
    await resume(sim);
    assert.deepEqual([(await plain).status, (await chat).status], [200, 200]);
    assert.deepEqual(ended, ['plain', 'chat']);
    await until(() => heard.includes('[DONE]'), 'the end of the stream');
    stream.destroy();
  });

  it('are looked at after continue; what the schema or the route refuses is refused at once', async (t) => {
    const sim = await simFor(t);
    await pause(sim);
    const bad = postJson(sim.port, '/generate', { text: 'x', sampling_params: { temperature: -1 } });
    await untilHeld(sim, 1);
    assert.equal((await postJson(sim.port, '/v1/chat/completions', { messages: [] })).status, 400);
    assert.equal((await postJson(sim.port, '/generate', [])).status, 400);
    for (const path of ['/v1/models', '/get_model_info', '/get_server_info', '/v1/loads', '/metrics'])
      assert.equal(await statusOf(sim, path), 200, path);
    assert.equal((await postJson(sim.port, '/tokenize', { prompt: 'a' })).status, 200);
    await resume(sim);
    assert.equal((await bad).status, 400);
  });

  it('cannot be aborted by their id', async (t) => {
    const sim = await simFor(t);
    await pause(sim);
    const reply = postJson(sim.port, '/generate', { ...SHORT, rid: 'mine' });
    await untilHeld(sim, 1);
    assert.equal((await postJson(sim.port, '/abort_request', { rid: 'mine' })).status, 200);
    await resume(sim);
    assert.match((await reply).body, /"finish_reason":\{"type":"length"/);
  });

  it('whose client left: a stream is dropped, a plain one is computed until the engine looks for its client', async (t) => {
    const sim = await simFor(t, { abortPollSecs: 4 });
    await pause(sim);
    const clients = [openRequest(sim, '/generate', ENDLESS), openRequest(sim, '/generate', { ...ENDLESS, stream: true })];
    await untilHeld(sim, 2);
    for (const socket of clients) socket.destroy();
    await until(() => sim.stats()['active_requests'] === 0, 'both clients to be gone');
    await resume(sim);
    await untilRunning(sim, 1);
    await untilRunning(sim, 0);
    assert.equal(sim.engine.scheduler.counters.received, 1);
    assert.equal(sim.engine.scheduler.counters.aborted, 1);
  });

  it('keep a draining engine', async (t) => {
    const sim = await simFor(t);
    await pause(sim);
    const reply = postJson(sim.port, '/generate', SHORT);
    await untilHeld(sim, 1);
    const drained = sim.drain();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(sim.engine.state, 'draining');
    await resume(sim);
    assert.equal((await reply).status, 200);
    await drained;
  });
});
