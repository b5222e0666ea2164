/** Scripted faults of the simulated engine, seen from a client. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { FaultKind, FaultRule } from '../src/sim/engine/faults.ts';
import type { SimHandle } from '../src/sim/program/start-sim.ts';
import { postJson, type Reply, sendRaw } from './support/send-raw.ts';
import { simFor } from './support/simulated-engine.ts';

const STREAM = { text: 'hello', stream: true, sampling_params: { max_new_tokens: 10 } };
const PLAIN = { text: 'hello', sampling_params: { max_new_tokens: 10 } };

const generate = (sim: SimHandle, body: object): Promise<Reply> => postJson(sim.port, '/generate', body);
const failureOf = (reply: Promise<unknown>): Promise<string> =>
  reply.then(
    () => 'none',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
const eventsIn = (body: string): number => body.split('\n\n').filter((part) => part.startsWith('data: {')).length;

async function withFault(t: TestContext, rule: Partial<FaultRule> & { kind: FaultKind }): Promise<SimHandle> {
  const sim = await simFor(t);
  sim.addFault(rule);
  return sim;
}

describe('scripted faults', () => {
  it('status: answers `count` requests with the given status, headers and body', async (t) => {
    const sim = await withFault(t, {
      kind: 'status',
      status: 429,
      headers: { 'retry-after': '7' },
      body: '{"error":"slow down"}',
      count: 2,
    });
    for (let i = 0; i < 2; i++) {
      const reply = await generate(sim, PLAIN);
      assert.equal(reply.status, 429);
      assert.equal(reply.body, '{"error":"slow down"}');
      assert.deepEqual(
        reply.headers.find(([name]) => name === 'retry-after'),
        ['retry-after', '7'],
      );
    }
    assert.equal((await generate(sim, PLAIN)).status, 200);
    assert.equal(sim.listFaults()[0]?.hits, 2);
  });

  it('reset and cut without a place: the connection breaks before any byte', async (t) => {
    const sim = await withFault(t, { kind: 'reset', count: 1 });
    assert.equal(await failureOf(generate(sim, PLAIN)), 'ECONNRESET');
    sim.addFault({ kind: 'cut', count: 1 });
    assert.equal(await failureOf(generate(sim, PLAIN)), 'ECONNRESET');
    assert.equal((await generate(sim, PLAIN)).status, 200);
  });

  it('cut: a stream ends after `afterTokens` events, without its last chunk', async (t) => {
    const sim = await withFault(t, { kind: 'cut', afterTokens: 3, count: 1 });
    const reply = await generate(sim, STREAM);
    assert.equal(reply.status, 200);
    assert.ok(reply.isCut);
    assert.equal(eventsIn(reply.body), 3);
    assert.ok(!reply.body.includes('[DONE]'));
    while (sim.engine.jobs.size > 0) await new Promise(setImmediate);
  });

  it('reset: a stream breaks off in its middle; what was sent before may be lost', async (t) => {
    const sim = await withFault(t, { kind: 'reset', afterTokens: 3, count: 1 });
    const reply = await generate(sim, STREAM).catch((error: NodeJS.ErrnoException) => error.code);
    if (typeof reply === 'object') {
      assert.ok(reply.isCut);
      assert.ok(eventsIn(reply.body) <= 3);
    } else assert.equal(reply, 'ECONNRESET');
    while (sim.engine.jobs.size > 0) await new Promise(setImmediate);
  });

  it('cut: a plain answer stops in the middle of its body', async (t) => {
    const sim = await withFault(t, { kind: 'cut', afterTokens: 1, count: 1 });
    const reply = await generate(sim, PLAIN);
    assert.equal(reply.status, 200);
    assert.ok(reply.isCut);
    assert.ok(reply.body.length > 0);
    assert.throws(() => JSON.parse(reply.body));
  });

  it('abort: the engine ends the request, a stream with 200 and an event, a plain answer with 500', async (t) => {
    const sim = await withFault(t, { kind: 'abort', afterTokens: 4 });
    const stream = await generate(sim, STREAM);
    assert.equal(stream.status, 200);
    assert.match(stream.body, /"finish_reason":\{"type":"abort"/);
    assert.ok(stream.body.endsWith('data: [DONE]\n\n'));
    assert.equal((await generate(sim, PLAIN)).status, 500);
    const chat = await postJson(sim.port, '/v1/chat/completions', {
      messages: [{ role: 'user', content: 'x' }],
      max_tokens: 10,
      stream: true,
    });
    assert.equal(chat.status, 200);
    assert.match(chat.body, /data: \{"error": \{.*"code": 500\}\}\n\ndata: \[DONE\]\n\n$/);
    assert.equal(sim.engine.scheduler.runningRequests, 0);
  });

  it('delay: the answer starts later; stall: a stream stops and then continues to its end', async (t) => {
    const sim = await withFault(t, { kind: 'delay', delayMs: 150, count: 1 });
    let start = performance.now();
    assert.equal((await generate(sim, PLAIN)).status, 200);
    assert.ok(performance.now() - start >= 149);
    sim.addFault({ kind: 'stall', afterTokens: 2, durationMs: 150, count: 1 });
    start = performance.now();
    const reply = await generate(sim, STREAM);
    assert.ok(performance.now() - start >= 149);
    assert.equal(eventsIn(reply.body), 10);
    assert.ok(reply.body.endsWith('data: [DONE]\n\n'));
  });

  it('hang: no answer, until the client leaves', async (t) => {
    const sim = await withFault(t, { kind: 'hang', path: '/generate' });
    const socket = connect(sim.port, '127.0.0.1');
    socket.write('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    const bytes: Buffer[] = [];
    socket.on('data', (piece: Buffer) => bytes.push(piece));
    while (sim.listFaults()[0]?.hits !== 1) await new Promise(setImmediate);
    assert.equal((await sendRaw(sim.port, 'GET', '/health')).status, 200, 'other paths go on');
    assert.equal(Buffer.concat(bytes).length, 0);
    socket.destroy();
    while (sim.engine.traffic.active > 0) await new Promise(setImmediate);
  });

  it('garbage: the answer is not HTTP', async (t) => {
    const sim = await withFault(t, { kind: 'garbage', count: 1 });
    assert.match(await failureOf(generate(sim, PLAIN)), /^HPE_/);
  });

  it('refuse: rejects connections for a while, then listens on the same port again; open connections continue', async (t) => {
    const sim = await simFor(t);
    sim.addFault({ kind: 'refuse', durationMs: 200 });
    assert.equal(await failureOf(generate(sim, PLAIN)), 'ECONNREFUSED');
    const start = performance.now();
    while ((await failureOf(generate(sim, PLAIN))) !== 'none') assert.ok(performance.now() - start < 5000);
  });

  it('die: all connections break and none is taken', async (t) => {
    const sim = await simFor(t);
    const stream = generate(sim, { text: 'long', stream: true, sampling_params: { max_new_tokens: 100_000 } });
    while (sim.engine.scheduler.runningRequests === 0) await new Promise(setImmediate);
    sim.addFault({ kind: 'die' });
    const reply = await stream;
    assert.ok(reply.isCut);
    assert.equal(await sim.gone, 'dead');
    assert.equal(await failureOf(generate(sim, PLAIN)), 'ECONNREFUSED');
  });

  it('probability: the same seed strikes the same requests, about the given share of them', async (t) => {
    const strikes = async (): Promise<string> => {
      const sim = await simFor(t, { seed: 5 });
      sim.addFault({ kind: 'status', probability: 0.3 });
      let pattern = '';
      for (let i = 0; i < 100; i++) pattern += (await sendRaw(sim.port, 'GET', '/ping')).status === 503 ? 'x' : '.';
      return pattern;
    };
    const first = await strikes();
    const struck = first.replaceAll('.', '').length;
    assert.ok(struck > 15 && struck < 45, first);
    assert.equal(await strikes(), first);
  });
});

describe('the admin paths', () => {
  it('add, list and remove rules over HTTP, and are not struck themselves', async (t) => {
    const sim = await simFor(t);
    const added = await postJson(sim.port, '/sim/faults', { kind: 'status', status: 500, path: '/ping' });
    assert.equal(added.body, '{"id":1}');
    await postJson(sim.port, '/sim/faults', { kind: 'hang' });
    const list = JSON.parse((await sendRaw(sim.port, 'GET', '/sim/faults')).body) as { faults: { kind: string; hits: number }[] };
    assert.deepEqual(
      list.faults.map(({ kind }) => kind),
      ['status', 'hang'],
    );
    await sendRaw(sim.port, 'DELETE', '/sim/faults?id=2');
    assert.equal((await sendRaw(sim.port, 'GET', '/ping')).status, 500);
    await sendRaw(sim.port, 'DELETE', '/sim/faults');
    assert.equal((await sendRaw(sim.port, 'GET', '/ping')).status, 200);
  });

  it('name everything that is wrong with a rule', async (t) => {
    const sim = await simFor(t);
    const reply = await postJson(sim.port, '/sim/faults', { kind: 'explode', probability: 2, colour: 'red', headers: 3 });
    assert.equal(reply.status, 400);
    for (const word of ['kind', 'probability', 'colour', 'headers']) assert.match(reply.body, new RegExp(word));
    assert.equal((await sendRaw(sim.port, 'POST', '/sim/faults', {}, 'nonsense')).status, 400);
    assert.equal(sim.listFaults().length, 0);
  });

  it('count requests, tokens and the prompts that began alike', async (t) => {
    const sim = await simFor(t);
    const shared = 'a prompt that many requests begin with, longer than sixty-four tokens, so that they are one group. ';
    for (const end of ['one', 'two', 'three']) await generate(sim, { text: shared + end, sampling_params: { max_new_tokens: 2 } });
    const stats = JSON.parse((await sendRaw(sim.port, 'GET', '/sim/stats')).body) as {
      requests: Record<string, number>;
      responses: Record<string, number>;
      tokens: { prompt: number; cached: number; generated: number };
      prefixes: { requests: number; prompt_tokens: number; cached_tokens: number }[];
    };
    assert.equal(stats.requests['/generate'], 3);
    assert.equal(stats.responses['200'], 3);
    assert.equal(stats.tokens.generated, 6);
    assert.equal(stats.prefixes.length, 1);
    assert.equal(stats.prefixes[0]?.requests, 3);
    // "two" and "three" share a letter more.
    assert.equal(stats.prefixes[0]?.cached_tokens, shared.length * 2 + 1);
    assert.equal(stats.tokens.cached, shared.length * 2 + 1);
  });
});
