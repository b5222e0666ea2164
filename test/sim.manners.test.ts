/** How the simulated engine behaves on its sockets: connections, overload, clients that leave, figures. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../src/base/runtime/fake-clock.ts';
import { startSim } from '../src/sim/program/start-sim.ts';
import { postJson, sendRaw } from './support/send-raw.ts';
import { converse, ENDLESS, openRequest, postText, simFor } from './support/simulated-engine.ts';
import { Stopwatch } from './support/stopwatch.ts';
import { until } from './support/until.ts';

const untilTrue = (condition: () => boolean): Promise<void> => until(condition, 'the condition', 5000);

describe('connections', () => {
  it('an idle connection is closed after the keep-alive time, without notice', async (t) => {
    const sim = await simFor(t, { keepAliveSecs: 0.2 });
    const start = performance.now();
    const heard = await converse(sim, 'GET /ping HTTP/1.1\r\nhost: x\r\n\r\n');
    const tookMs = performance.now() - start;
    assert.ok(tookMs > 190 && tookMs < 900, `${tookMs} ms`);
    assert.ok(!/^connection|keep-alive/im.test(heard), heard);
  });

  it('a request that takes longer than the keep-alive time is answered', async (t) => {
    const sim = await simFor(t, { keepAliveSecs: 0.05 });
    sim.addFault({ kind: 'delay', delayMs: 300, count: 1 });
    assert.equal((await sendRaw(sim.port, 'GET', '/ping')).status, 200);
  });

  it('two requests on a connection are answered in order; Connection: close is echoed and obeyed', async (t) => {
    const sim = await simFor(t);
    const heard = await converse(
      sim,
      'GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\nGET /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    assert.equal(heard.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
    assert.equal(heard.match(/connection: close/g)?.length, 1);
  });

  it('HTTP/1.0 is answered and closed; what is not HTTP gets 400', async (t) => {
    const sim = await simFor(t);
    assert.match(await converse(sim, 'GET /ping HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close/);
    assert.match(await converse(sim, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request[\s\S]*Invalid HTTP request received\./);
  });

  it('a body in chunks is read like any other, and one that is too large is refused', async (t) => {
    const sim = await simFor(t, { maxBodyBytes: 100 });
    const chunked =
      'POST /tokenize HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    assert.match(await converse(sim, `${chunked}5\r\n{"pro\r\ne\r\nmpt":"hi you"}\r\n0\r\n\r\n`), /"count":6/);
    assert.equal((await sendRaw(sim.port, 'POST', '/tokenize', {}, 'x'.repeat(200))).status, 413);
  });

  it('every event of a stream is a chunk of its own', async (t) => {
    const sim = await simFor(t);
    const heard = await converse(
      sim,
      postText('/generate', { text: 'x', stream: true, sampling_params: { max_new_tokens: 3 } }).replace(
        'host: x',
        'host: x\r\nconnection: close',
      ),
    );
    const chunks = [...heard.matchAll(/(?<=\r\n)([0-9a-f]+)\r\n(data: .*\n\n)(?=\r\n)/g)];
    assert.equal(chunks.length, 4);
    for (const [, size, data] of chunks) assert.equal(Number.parseInt(size ?? '', 16), data?.length);
  });

  it('a client that does not read holds back no more than a little of its stream', async (t) => {
    const sim = await simFor(t, { speedup: 10_000, meanOutputTokens: 0 });
    const socket = openRequest(sim, '/generate', {
      ...ENDLESS,
      text: 'slow',
      stream: true,
      sampling_params: { max_new_tokens: 20_000, ignore_eos: true },
    });
    socket.pause();
    // Events are cumulative: all of them would be gigabytes.
    const start = process.memoryUsage().external;
    await untilTrue(() => sim.engine.scheduler.counters.generatedTokens > 15_000);
    assert.ok(process.memoryUsage().external - start < 64 * 2 ** 20);
    let heard = '';
    socket.on('data', (piece: Buffer) => {
      heard = (heard + piece.toString('latin1')).slice(-300_000);
    });
    socket.resume();
    await untilTrue(() => heard.includes('[DONE]'));
    assert.match(heard, /"completion_tokens":20000/);
    socket.destroy();
  });
});

describe('overload', () => {
  it('a full queue: 503 at once for plain requests, 200 and an event for streams', async (t) => {
    const sim = await simFor(t, { maxRunningRequests: 1, maxQueuedRequests: 1, speedup: 1 });
    const busy = [openRequest(sim, '/generate', ENDLESS)];
    await untilTrue(() => sim.engine.scheduler.runningRequests === 1);
    busy.push(openRequest(sim, '/generate', ENDLESS));
    await untilTrue(() => sim.engine.scheduler.waitingRequests === 1);
    const full = '{"object":"error","message":"The request queue is full.","type":"503","param":null,"code":503}';
    const chat = { messages: [{ role: 'user', content: 'x' }], max_tokens: 4 };
    for (const [path, body] of [
      ['/generate', ENDLESS],
      ['/v1/chat/completions', chat],
      ['/v1/completions', { prompt: 'x' }],
    ] as const) {
      const plain = await postJson(sim.port, path, body);
      assert.deepEqual([plain.status, plain.body], [503, full]);
      assert.ok(!plain.headers.some(([name]) => name === 'retry-after'));
      const stream = await postJson(sim.port, path, { ...body, stream: true });
      assert.equal(stream.status, 200);
      assert.ok(stream.body.endsWith('\n\ndata: [DONE]\n\n'));
      assert.match(
        stream.body,
        path === '/generate' ? /"finish_reason":\{"type":"abort".*"status_code":503/ : /"type": "SERVICE_UNAVAILABLE".*"code": 503/,
      );
    }
    const list = await postJson(sim.port, '/generate', { ...ENDLESS, text: ['a', 'b'] });
    assert.equal(list.status, 503);
    assert.equal(sim.engine.scheduler.waitingRequests, 1, 'a list is taken whole or not at all');
    for (const socket of busy) socket.destroy();
  });
});

describe('clients that leave', () => {
  it('a stream is aborted at once', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const socket = openRequest(sim, '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }], max_tokens: 5000, stream: true });
    await untilTrue(() => sim.engine.scheduler.runningRequests === 1);
    socket.destroy();
    const watch = new Stopwatch();
    await untilTrue(() => sim.engine.scheduler.runningRequests === 0);
    assert.ok(watch.ms < 100, `${watch.ms} ms`);
    assert.equal(sim.engine.scheduler.counters.aborted, 1);
  });

  it('a plain request is computed until the engine checks its client, up to four seconds later', async (t) => {
    const clock = new FakeClock();
    const sim = await startSim({ meanOutputTokens: 0 }, clock);
    t.after(() => sim.stop());
    const socket = openRequest(sim, '/generate', ENDLESS);
    await untilTrue(() => sim.engine.jobs.size === 1);
    clock.advance(600);
    socket.destroy();
    await untilTrue(() => sim.engine.traffic.disconnects === 1);
    clock.advance(3390);
    assert.equal(sim.engine.scheduler.runningRequests, 1);
    clock.advance(20);
    assert.equal(sim.engine.scheduler.runningRequests, 0);
    assert.equal(sim.engine.jobs.size, 0);
  });
});

describe('request ids', () => {
  it('one id for a batch is numbered, and each prompt can be aborted by its own', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const reply = postJson(sim.port, '/generate', { ...ENDLESS, text: ['a', 'b'], rid: 'mine' });
    await untilTrue(() => sim.engine.scheduler.runningRequests === 2);
    await postJson(sim.port, '/abort_request', { rid: 'mine_1' });
    await untilTrue(() => sim.engine.scheduler.runningRequests === 1);
    await postJson(sim.port, '/abort_request', { rid: 'mine_0' });
    const ids = JSON.parse((await reply).body).map(({ meta_info }: { meta_info: { id: string } }) => meta_info.id);
    assert.deepEqual(ids, ['mine_0', 'mine_1']);
    const completions = postJson(sim.port, '/v1/completions', { prompt: ['a'], max_tokens: 100_000, ignore_eos: true, rid: 'mine' });
    await untilTrue(() => sim.engine.scheduler.runningRequests === 1);
    await postJson(sim.port, '/abort_request', { rid: 'mine_0' });
    assert.equal(JSON.parse((await completions).body).id, 'mine_0');
  });
});

describe('figures and embeddings', () => {
  it('/v1/loads and /metrics show running and waiting requests; /get_load needs its flag', async (t) => {
    const sim = await simFor(t, { maxRunningRequests: 1, speedup: 1, enableGetLoad: true });
    const busy = [openRequest(sim, '/generate', ENDLESS), openRequest(sim, '/generate', ENDLESS)];
    await untilTrue(() => sim.engine.scheduler.runningRequests === 1 && sim.engine.scheduler.waitingRequests === 1);
    const loads = JSON.parse((await sendRaw(sim.port, 'GET', '/v1/loads?include=core')).body).loads[0];
    assert.equal(loads.num_running_reqs, 1);
    assert.equal(loads.num_waiting_reqs, 1);
    assert.ok(loads.num_used_tokens >= 4);
    const metrics = (await sendRaw(sim.port, 'GET', '/metrics')).body;
    assert.match(metrics, /^sglang:num_running_reqs\{.*\} 1$/m);
    assert.match(metrics, /^sglang:num_queue_reqs\{.*\} 1$/m);
    const old = JSON.parse((await sendRaw(sim.port, 'GET', '/get_load')).body)[0];
    assert.deepEqual([old.num_reqs, old.num_waiting_reqs], [2, 1]);
    for (const socket of busy) socket.destroy();
    const other = await simFor(t);
    assert.equal((await sendRaw(other.port, 'GET', '/get_load')).status, 404);
  });

  it('histograms count every token once', async (t) => {
    const sim = await simFor(t);
    await postJson(sim.port, '/generate', { text: 'a', sampling_params: { max_new_tokens: 7 } });
    const metrics = (await sendRaw(sim.port, 'GET', '/metrics')).body;
    assert.match(metrics, /^sglang:time_to_first_token_seconds_count\{.*\} 1$/m);
    assert.match(metrics, /^sglang:inter_token_latency_seconds_count\{.*\} 6$/m);
    assert.match(metrics, /^sglang:inter_token_latency_seconds_bucket\{.*le="\+Inf"\} 6$/m);
    assert.match(metrics, /^sglang:generation_tokens_total\{.*\} 7$/m);
  });

  it('an embedding model embeds, ranks and classifies', async (t) => {
    const sim = await simFor(t, { isEmbedding: true });
    const embedded = JSON.parse((await postJson(sim.port, '/v1/embeddings', { model: 'm', input: ['ab', 'abc'] })).body);
    assert.equal(embedded.data.length, 2);
    assert.ok(Math.abs(Math.hypot(...embedded.data[0].embedding) - 1) < 1e-9);
    assert.equal(embedded.usage.prompt_tokens, 5);
    const ranked = JSON.parse(
      (await postJson(sim.port, '/v1/rerank', { query: 'green apples', documents: ['cars', 'red apples', 'bikes'] })).body,
    );
    assert.deepEqual(
      ranked.map(({ index }: { index: number }) => index),
      [1, 2, 0],
    );
    assert.ok(ranked[0].score > ranked[1].score);
    const classified = JSON.parse((await postJson(sim.port, '/v1/classify', { model: 'm', input: 'x' })).body);
    assert.deepEqual(classified.data[0], { index: 0, label: 'Default', probs: [1], num_classes: 1 });
    assert.ok(JSON.parse((await postJson(sim.port, '/encode', { text: 'x' })).body).embedding.length > 0);
    assert.equal(JSON.parse((await sendRaw(sim.port, 'GET', '/model_info')).body).is_generation, false);
    assert.equal((await postJson(sim.port, '/generate', { text: 'x' })).status, 400);
  });
});

describe('many engines in one process', () => {
  it('run without sharing a cache', async (t) => {
    const sims = await Promise.all(Array.from({ length: 8 }, () => simFor(t)));
    assert.equal(new Set(sims.map((sim) => sim.port)).size, 8);
    const replies = await Promise.all(
      sims.map((sim) => postJson(sim.port, '/generate', { text: 'same', sampling_params: { max_new_tokens: 5 } })),
    );
    for (const { body } of replies) assert.equal(JSON.parse(body).meta_info.cached_tokens, 0);
    assert.equal(new Set(replies.map(({ body }) => JSON.parse(body).text)).size, 1);
  });
});
