/** CORS as sglang_router 0.3.2 has it: which web pages may send requests and read answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, type RawResponse } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, ScriptedWorker } from './support/scripted-worker.ts';

const VARY = 'origin, access-control-request-method, access-control-request-headers';
const ORIGIN = { origin: 'http://a.example' };
const PREFLIGHT = { ...ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-any' };

/** Fields of CORS in the answer. */
const corsOf = ({ fields }: RawResponse): Record<string, string> =>
  Object.fromEntries(fields.filter(([name]) => name === 'vary' || name.startsWith('access-control-')));

const OPEN = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*', vary: VARY };
const OPEN_PREFLIGHT = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': '*',
  'access-control-allow-headers': '*',
  'access-control-max-age': '3600',
  vary: VARY,
};

test('without a flag every page may send and read, whatever the path is for', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    // The engine's own words about it are not for a client of the router.
    await call.write(
      answer(200, { 'access-control-allow-origin': 'http://of.the.engine', 'access-control-allow-credentials': 'true' }, '{}'),
    );
  });
  const router = await startTestRouter(t, [], [worker], { forwardsAll: false });
  for (const [path, allow] of [
    ['/v1/chat/completions', 'POST'],
    ['/v1/models', 'GET, HEAD'],
    ['/workers', 'GET, HEAD, POST'],
    ['/tokenize', 'POST'],
    ['/v1/responses/x', 'GET, DELETE'],
  ] as const) {
    for (const headers of [PREFLIGHT, {}]) {
      const got = await ask(router.port, { method: 'OPTIONS', path, headers });
      assert.equal(got.status, 200);
      assert.deepEqual(corsOf(got), OPEN_PREFLIGHT);
      assert.equal(got.get('content-length'), '0');
      assert.deepEqual(got.get('allow')?.split(', ').sort(), allow.split(', ').sort());
    }
  }
  for (const [request, status] of [
    [{ body: '{}', headers: ORIGIN }, 200],
    [{ body: '{}' }, 200],
    [{ path: '/liveness' }, 200],
    [{ path: '/workers' }, 200],
    [{ path: '/nothing', headers: ORIGIN }, 404],
    [{ method: 'OPTIONS', path: '/nothing', headers: PREFLIGHT }, 404],
    [{ method: 'DELETE', path: '/v1/models', headers: ORIGIN }, 405],
  ] as const) {
    const got = await ask(router.port, request);
    assert.equal(got.status, status);
    assert.deepEqual(corsOf(got), OPEN);
  }
  assert.equal(worker.calls.length, 2, 'the router answers preflight requests');
});

test('of a path that is only forwarded, a preflight request is answered and any other OPTIONS request passes', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const got = await ask(router.port, { method: 'OPTIONS', path: '/of/the/engine', headers: PREFLIGHT });
  assert.deepEqual([got.status, corsOf(got)], [200, OPEN_PREFLIGHT]);
  assert.equal(worker.calls.length, 0);
  assert.equal((await ask(router.port, { method: 'OPTIONS', path: '/of/the/engine' })).text, '{"ok":true}');
});

test('with --cors-allowed-origins the pages of these origins may, and others may not', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--cors-allowed-origins', 'http://a.example', 'https://B.example:8443'], [worker]);
  for (const [origin, isAllowed] of [
    ['http://a.example', true],
    ['https://b.example:8443', true],
    ['http://b.example:8443', false],
    ['http://a.example.evil', false],
    ['null', false],
    ['', false],
  ] as const) {
    const allowed = isAllowed ? { 'access-control-allow-origin': origin } : {};
    const headers = origin === '' ? {} : { origin };
    assert.deepEqual(corsOf(await ask(router.port, { body: '{}', headers })), {
      ...allowed,
      'access-control-expose-headers': 'x-request-id',
      vary: VARY,
    });
    assert.deepEqual(
      corsOf(
        await ask(router.port, { method: 'OPTIONS', headers: { ...PREFLIGHT, ...headers, ...(origin === '' ? { origin: 'x' } : {}) } }),
      ),
      {
        ...allowed,
        'access-control-allow-methods': 'GET,POST,OPTIONS',
        'access-control-allow-headers': 'content-type,authorization',
        'access-control-max-age': '3600',
        vary: VARY,
      },
    );
  }
});

test('a preflight request needs no key and no worker', async (t) => {
  const router = await startTestRouter(t, ['--api-key', 'secret'], []);
  const got = await ask(router.port, { method: 'OPTIONS', headers: PREFLIGHT });
  assert.equal(got.status, 200);
  assert.deepEqual(corsOf(got), OPEN_PREFLIGHT);
  const refused = await ask(router.port, { body: '{}', headers: ORIGIN });
  assert.equal(refused.status, 401);
  assert.deepEqual(corsOf(refused), OPEN);
});
