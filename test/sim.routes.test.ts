/** Slash redirects, bodies that are not objects, flushes, aborts and keys. As observed on SGLang 0.5.23. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { postJson, type Reply, sendRaw } from './support/send-raw.ts';
import { ENDLESS, openRequest, simFor } from './support/simulated-engine.ts';
import { until } from './support/until.ts';

const fieldOf = ({ headers }: Reply, name: string): string | undefined => headers.find(([key]) => key === name)?.[1];

describe('a slash at the end of a path', () => {
  it('redirects to the path without it, whatever the method, with the query and the Host of the request', async (t) => {
    const sim = await simFor(t);
    const rows = [
      ['GET', '/ready/', '/ready'],
      ['POST', '/generate/', '/generate'],
      ['GET', '/generate/', '/generate'],
      ['POST', '/v1/chat/completions//', '/v1/chat/completions'],
      ['GET', '/v1/loads/?include=core&x=%20y', '/v1/loads?include=core&x=%20y'],
      ['GET', '/v1/responses/abc/', '/v1/responses/abc'],
    ] as const;
    for (const [method, path, target] of rows) {
      const reply = await sendRaw(sim.port, method, path, { host: 'router.example:8080' });
      assert.deepEqual([reply.status, reply.body, fieldOf(reply, 'location')], [307, '', `http://router.example:8080${target}`], path);
      assert.equal(fieldOf(reply, 'content-length'), '0');
      assert.equal(fieldOf(reply, 'content-type'), undefined);
    }
    const behind = await sendRaw(sim.port, 'GET', '/ready/', { host: 'a.b', 'x-forwarded-proto': 'https' });
    assert.equal(fieldOf(behind, 'location'), 'https://a.b/ready');
  });

  it('does not redirect where the path means something, or nothing', async (t) => {
    const sim = await simFor(t);
    assert.equal((await sendRaw(sim.port, 'GET', '/metrics/')).status, 200);
    assert.match((await sendRaw(sim.port, 'GET', '/v1/models/')).body, /The model '' does not exist/);
    assert.equal((await sendRaw(sim.port, 'POST', '/v1/models/')).status, 405);
    for (const path of ['/no/such/', '//', '/v1/']) assert.equal((await sendRaw(sim.port, 'GET', path)).status, 404, path);
  });
});

describe('bodies that are JSON and no objects', () => {
  it('chat answers 500, all others 400 in the shape of their route', async (t) => {
    const sim = await simFor(t);
    for (const body of [[], [1], 'text', 1, null, true]) {
      const chat = await postJson(sim.port, '/v1/chat/completions', body);
      assert.deepEqual(
        [chat.status, chat.body, fieldOf(chat, 'content-type')],
        [500, 'Internal Server Error', 'text/plain; charset=utf-8'],
      );
      for (const path of [
        '/generate',
        '/v1/completions',
        '/v1/embeddings',
        '/v1/rerank',
        '/v1/score',
        '/encode',
        '/tokenize',
        '/api/chat',
      ]) {
        const reply = await postJson(sim.port, path, body);
        assert.equal(reply.status, 400, path);
        assert.match(reply.body, /^\{"object":"error","message":"1 validation error:/, path);
      }
      for (const path of ['/abort_request', '/parse_function_call'])
        assert.match((await postJson(sim.port, path, body)).body, /"message":"2 validation errors:/, path);
      assert.match((await postJson(sim.port, '/v1/responses', body)).body, /^\{"error":\{"message":"1 validation error:/);
      assert.match((await postJson(sim.port, '/v1/messages', body)).body, /"type":"invalid_request_error","message":"Input should be a/);
      assert.equal((await postJson(sim.port, '/flush_cache', body)).status, 200);
    }
  });

  it('chat answers 400 for what is no JSON, is empty, or is not declared as JSON', async (t) => {
    const sim = await simFor(t);
    const chat = (body: string, type = 'application/json'): Promise<Reply> =>
      sendRaw(sim.port, 'POST', '/v1/chat/completions', { 'content-type': type }, body);
    for (const reply of [chat('[1,'), chat('nope'), chat(''), chat('[]', 'text/plain')]) assert.equal((await reply).status, 400);
  });
});

describe('/flush_cache', () => {
  it('fails while a request runs, unless it ends within ?timeout=', async (t) => {
    const sim = await simFor(t);
    const socket = openRequest(sim, '/generate', ENDLESS);
    await until(() => sim.engine.scheduler.runningRequests === 1, 'a running request');
    for (const path of ['/flush_cache', '/flush_cache?timeout=0.1']) {
      const failed = await sendRaw(sim.port, 'POST', path);
      assert.deepEqual([failed.status, failed.body], [400, 'Flush cache failed.\n']);
    }
    const flushed = sendRaw(sim.port, 'GET', '/flush_cache?timeout=30');
    socket.destroy();
    assert.equal((await flushed).status, 200);
  });
});

describe('/abort_request', () => {
  it('ends a request by its id with an abort as the finish reason', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const reply = postJson(sim.port, '/generate', { ...ENDLESS, rid: 'mine' });
    await until(() => sim.engine.scheduler.runningRequests === 1, 'a running request');
    for (const rid of ['other', 'min', '']) await postJson(sim.port, '/abort_request', { rid });
    assert.equal(sim.engine.scheduler.runningRequests, 1);
    await postJson(sim.port, '/abort_request', { rid: 'mine' });
    assert.match((await reply).body, /"finish_reason":\{"type":"abort","message":"Aborted"/);
  });

  it('also ends requests whose ids start with that id', async (t) => {
    const sim = await simFor(t, { speedup: 1 });
    const replies = ['r1', 'r12', 'q1'].map((rid) => postJson(sim.port, '/generate', { ...ENDLESS, rid }));
    await until(() => sim.engine.scheduler.runningRequests === 3, 'three running requests');
    await postJson(sim.port, '/abort_request', { rid: 'r1' });
    for (const reply of replies.slice(0, 2)) assert.match((await reply).body, /"type":"abort"/);
    await until(() => sim.engine.scheduler.runningRequests === 1, 'the third request alone');
    await postJson(sim.port, '/abort_request', { abort_all: true });
    assert.match((await replies[2]!).body, /"type":"abort"/);
  });
});

describe('a key', () => {
  it('guards everything but health and metrics', async (t) => {
    const sim = await simFor(t, { apiKey: 'secret' });
    assert.equal((await sendRaw(sim.port, 'GET', '/v1/models')).status, 401);
    assert.equal((await sendRaw(sim.port, 'GET', '/v1/models', { authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await sendRaw(sim.port, 'GET', '/v1/models', { authorization: 'Bearer secret' })).status, 200);
    assert.equal((await sendRaw(sim.port, 'GET', '/health')).status, 200);
    assert.equal((await sendRaw(sim.port, 'GET', '/metrics')).status, 200);
  });
});
