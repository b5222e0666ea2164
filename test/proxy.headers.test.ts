import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, type Call, ScriptedWorker } from './support/scripted-worker.ts';

/** Everything a client might send, and in odd spelling. Framing and Host are the client's own. */
const SENT: Readonly<Record<string, string>> = {
  Authorization: 'Bearer  client key',
  'X-Correlation-ID': 'corr',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'a=b,c=d',
  'X-SMG-Routing-Key': 'key',
  'x-request-id-tenant': 't1',
  'content-encoding': 'identity',
  // What engines read.
  'x-api-key': 'client key',
  'x-body-compressed': 'identity',
  'x-custom-labels': '{"team":"a"}',
  'X-Data-Parallel-Rank': '0',
  'x-override-bootstrap-host': 'h',
  'x-override-bootstrap-port': '1',
  'x-override-bootstrap-room': '1',
  'x-override-conversation-id': 'c1',
  'x-override-disagg-prefill-dp-rank': '0',
  'X-Override-Priority': '7',
  'x-override-rid': 'r1',
  'x-override-routed-dp-rank': '0',
  'x-sglext-ids-framed': '1',
  'x-sglext-return-input-ids': '1',
  'x-sglext-return-output-ids': '1',
  trace_context: 'e30=',
  cookie: 'session=1',
  'user-agent': 'test/1',
  accept: 'text/event-stream',
  'accept-encoding': 'gzip',
  'x-custom': 'mine',
  'x-forwarded-for': '10.0.0.1',
  via: '1.1 before',
  // Hop by hop, and what Connection names.
  connection: 'keep-alive, X-Named',
  'keep-alive': 'timeout=1',
  'x-named': 'only for this hop',
  te: 'trailers',
  trailer: 'x-sum',
  upgrade: 'h2c',
  'proxy-authorization': 'Basic eA==',
  'proxy-connection': 'keep-alive',
  'http2-settings': 'AAMAAABk',
};
/** With these a client would override where the router has sent its request. */
const PLACING = [
  'x-data-parallel-rank',
  'x-override-bootstrap-host',
  'x-override-bootstrap-port',
  'x-override-bootstrap-room',
  'x-override-disagg-prefill-dp-rank',
  'x-override-rid',
  'x-override-routed-dp-rank',
];
const WHITELIST = [
  ...PLACING,
  'trace_context',
  'x-api-key',
  'x-body-compressed',
  'x-custom-labels',
  'x-override-conversation-id',
  'x-override-priority',
  'x-sglext-ids-framed',
  'x-sglext-return-input-ids',
  'x-sglext-return-output-ids',
  'authorization',
  'content-encoding',
  'content-type',
  'traceparent',
  'tracestate',
  'x-correlation-id',
  'x-request-id',
  'x-request-id-tenant',
  'x-smg-routing-key',
];

async function sentFields(t: Parameters<typeof startTestRouter>[0], flags: readonly string[], headers = SENT): Promise<Call> {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, flags, [worker]);
  const answer = await ask(router.port, { path: '/v1/completions', body: '{}', headers });
  assert.equal(answer.status, 200);
  return worker.next();
}
const names = (call: Call): string[] => call.message.fields.map(([name]) => name.toLowerCase()).sort();

suite('fields of a request', () => {
  test('pass when they are on the list, each once and with its value', async (t) => {
    const call = await sentFields(t, []);
    assert.deepEqual(names(call), [...WHITELIST, 'content-length', 'host'].sort());
    for (const name of WHITELIST.filter((one) => one !== 'content-type' && one !== 'x-request-id')) {
      const sent = Object.entries(SENT).find(([key]) => key.toLowerCase() === name)?.[1];
      assert.equal(call.header(name), sent);
    }
    assert.equal(call.header('content-type'), 'application/json');
  });

  test('go to the worker under its own Host', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--forward-headers', '*'], [worker]);
    const client = await router.connect();
    await client.send('GET http://elsewhere:99/v1/models?x HTTP/1.1\r\nhost: other\r\n\r\n');
    assert.equal((await client.response()).status, 200);
    const call = await worker.next();
    assert.equal(call.target, '/v1/models?x');
    assert.equal(call.header('host'), `127.0.0.1:${worker.port}`);
  });

  test('pass besides when a flag names them', async (t) => {
    const call = await sentFields(t, ['--forward-headers', 'X-Custom', 'accept']);
    assert.deepEqual(names(call), [...WHITELIST, 'content-length', 'host', 'x-custom', 'accept'].sort());
    assert.equal(call.header('x-custom'), 'mine');
  });

  for (const flags of [[], ['--forward-headers', '*']]) {
    test(`do not override the rank that the router has chosen (${flags.join(' ') || 'no flags'})`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      worker.probe = () => ({ status: 200, body: '{"dp_size":2}' });
      const router = await startTestRouter(t, ['--dp-aware', ...flags], [worker], { wait: false });
      await router.untilEligible([{ url: `${worker.url}@0` }, { url: `${worker.url}@1` }]);
      const headers = Object.fromEntries(Object.entries(SENT).filter(([, value]) => value !== 'identity'));
      assert.equal((await ask(router.port, { path: '/v1/completions', body: '{}', headers })).status, 200);
      const sent = names(await worker.next());
      assert.deepEqual(
        sent.filter((name) => PLACING.includes(name)),
        [],
      );
      assert.ok(sent.includes('x-override-priority') && sent.includes('x-override-conversation-id'));
    });
  }

  test("all pass with '*', except those of the hop and those that Connection names", async (t) => {
    const call = await sentFields(t, ['--forward-headers', '*']);
    const others = ['cookie', 'user-agent', 'accept', 'accept-encoding', 'x-custom', 'x-forwarded-for', 'via'];
    assert.deepEqual(
      names(call).filter((name) => name !== 'http2-settings'),
      [...WHITELIST, ...others, 'content-length', 'host'].sort(),
    );
  });

  test('that Connection names do not pass though they are on the list', async (t) => {
    const call = await sentFields(t, [], {
      connection: 'close, Authorization ,x-correlation-id',
      authorization: 'secret',
      'x-correlation-id': 'c',
    });
    assert.deepEqual(names(call), ['content-length', 'content-type', 'host', 'x-request-id']);
  });

  test('repeated ones stay repeated and in order', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--forward-headers', 'x-multi'], [worker]);
    const client = await router.connect();
    await client.send(
      'GET /v1/models HTTP/1.1\r\nhost: r\r\nX-Multi: 1\r\ntracestate: a=1\r\nx-multi: 2\r\nTraceState: b=2\r\nx-multi:\r\n\r\n',
    );
    await client.response();
    const call = await worker.next();
    assert.deepEqual(call.message.all('x-multi'), ['1', '2', '']);
    assert.deepEqual(call.message.all('tracestate'), ['a=1', 'b=2']);
  });

  test('a GET has no framing, and a POST without a body has a length of zero', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send('GET /v1/models HTTP/1.1\r\nhost: r\r\n\r\nPOST /v1/x HTTP/1.1\r\nhost: r\r\n\r\n');
    await client.response();
    await client.response();
    const get = await worker.next();
    assert.equal(get.header('content-length') ?? get.header('transfer-encoding'), undefined);
    assert.equal((await worker.next()).header('content-length'), '0');
  });
});

test('fields of an answer pass except those of the hop and those that Connection names', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(
      'HTTP/1.1 200 OK\r\nConnection: X-Named, keep-alive\r\nx-named: 1\r\nKeep-Alive: timeout=5\r\nproxy-authenticate: x\r\nupgrade: h2c\r\n' +
        'trailer: x-sum\r\nx-kept: yes\r\nserver: uvicorn\r\nx-request-id: of-the-engine\r\ncontent-length: 0\r\n\r\n',
    );
  });
  const router = await startTestRouter(t, [], [worker]);
  const answer = await ask(router.port, { body: '{}', headers: { 'x-request-id': 'mine' } });
  const own = ['access-control-allow-origin', 'access-control-expose-headers', 'content-length', 'vary', 'x-request-id'];
  assert.deepEqual(answer.fields.map(([name]) => name.toLowerCase()).sort(), [...own, 'server', 'x-kept'].sort());
  assert.equal(answer.get('x-request-id'), 'mine');
});

suite('a reference of an answer', () => {
  /** What clients get for what the worker wrote: `OWN` stands for its authority. */
  async function relayed(t: TestContext, references: readonly string[], field = 'location', basePath = ''): Promise<string[]> {
    let reference = '';
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(answer(307, { [field]: reference }, ''));
    });
    if (basePath !== '') worker.probe = (path) => ({ status: path.startsWith(`${basePath}/`) ? 200 : 404 });
    const url = `${worker.url}${basePath}`;
    const router = await startTestRouter(t, ['--worker-urls', url], [worker], { named: 'by flags', wait: false });
    await router.untilEligible([{ url }]);
    const got: string[] = [];
    for (const text of references) {
      reference = text.replace('OWN', `127.0.0.1:${worker.port}`);
      const value = (await ask(router.port, { path: '/v1/x', body: '{}' })).get(field) ?? '';
      got.push(value.replace(`127.0.0.1:${worker.port}`, 'OWN'));
    }
    return got;
  }

  test('that names the worker itself becomes one to the router', async (t) => {
    const cases: readonly (readonly [string, string])[] = [
      ['http://OWN/v1/x/?a=1', '/v1/x/?a=1'],
      ['HTTPS://OWN/v1/x', '/v1/x'],
      ['//OWN/v1/x', '/v1/x'],
      ['http://OWN', '/'],
      ['http://OWN?a#b', '/?a#b'],
      // Not a reference to another host.
      ['http://OWN//evil.example/', '/.//evil.example/'],
      ['http://OWN/\\evil.example/', '/./\\evil.example/'],
    ];
    assert.deepEqual(
      await relayed(
        t,
        cases.map(([sent]) => sent),
      ),
      cases.map(([, got]) => got),
    );
  });

  test('that is relative, or names anybody else, passes', async (t) => {
    const cases = [
      '/v1/x/',
      'x',
      '?a',
      '',
      'http://other.example/v1',
      'http://OWN.example/',
      'http://127.0.0.1/x',
      'http://user@OWN/x',
      'ftp://OWN/x',
    ];
    assert.deepEqual(await relayed(t, cases), cases);
  });

  test('loses the base path of the worker, and passes if it is not below it', async (t) => {
    assert.deepEqual(
      await relayed(t, ['http://OWN/base/v1/x', 'http://OWN/base', 'http://OWN/based/x', 'http://OWN/v1/x'], 'location', '/base'),
      ['/v1/x', '/', 'http://OWN/based/x', 'http://OWN/v1/x'],
    );
  });

  test('may be in Content-Location and Refresh too', async (t) => {
    assert.deepEqual(await relayed(t, ['http://OWN/a'], 'content-location'), ['/a']);
    assert.deepEqual(await relayed(t, ['0;url=http://OWN/a', '5; URL="http://OWN/a"', '5', '5;url=http://b.example/'], 'refresh'), [
      '0;url=/a',
      '5; URL="/a"',
      '5',
      '5;url=http://b.example/',
    ]);
  });
});

suite('the id of a request', () => {
  test('is taken from the first field of the list that is there, and goes to the worker and to the client', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    const given: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{ 'x-request-id': 'a' }, 'a'],
      [{ 'x-correlation-id': 'b' }, 'b'],
      [{ 'x-trace-id': 'c' }, 'c'],
      [{ 'request-id': 'd' }, 'd'],
      [{ 'request-id': 'd', 'x-trace-id': 'c', 'x-correlation-id': 'b' }, 'b'],
      [{ 'request-id': 'd', 'X-REQUEST-ID': 'A' }, 'A'],
      [{ 'x-request-id': '', 'request-id': 'd' }, 'd'],
    ];
    for (const [headers, id] of given) {
      const answer = await ask(router.port, { body: '{}', headers });
      assert.equal(answer.get('x-request-id'), id);
      assert.equal((await worker.next()).header('x-request-id'), id);
    }
  });

  test('is taken from the fields that a flag names, and from no others', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--request-id-headers', 'X-Mine', 'x-other'], [worker]);
    assert.equal((await ask(router.port, { body: '{}', headers: { 'x-other': 'o', 'x-mine': 'm' } })).get('x-request-id'), 'm');
    const answer = await ask(router.port, { body: '{}', headers: { 'x-request-id': 'ignored' } });
    assert.match(answer.get('x-request-id') ?? '', /^chatcmpl-/);
    await worker.next();
    assert.equal((await worker.next()).header('x-request-id'), answer.get('x-request-id'));
  });

  test('is made in the documented form by path, and never twice', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    const seen = new Set<string>();
    for (const [path, prefix] of [
      ['/v1/chat/completions', 'chatcmpl-'],
      ['/v1/completions', 'cmpl-'],
      ['/generate', 'gnt-'],
      ['/v1/responses', 'resp-'],
      ['/v1/embeddings', 'req-'],
      ['/v1/messages', 'req-'],
      ['/unknown', 'req-'],
    ] as const) {
      for (let i = 0; i < 20; i++) {
        const answer = await ask(router.port, { path, body: '{}' });
        const id = answer.get('x-request-id') ?? '';
        assert.match(id, new RegExp(`^${prefix}[A-Za-z0-9]{24}$`));
        assert.equal((await worker.next()).header('x-request-id'), id);
        seen.add(id);
      }
    }
    assert.equal(seen.size, 7 * 20);
  });

  test('is on the answers of the router itself', async (t) => {
    const router = await startTestRouter(t, [], []);
    for (const [path, status] of [
      ['/liveness', 200],
      ['/v1/models', 503],
      ['/pause_generation', 404],
      ['/v1/responses/x', 503],
    ] as const) {
      const answer = await ask(router.port, { path, headers: { 'x-request-id': 'mine' } });
      assert.equal(answer.status, status);
      assert.equal(answer.get('x-request-id'), 'mine');
    }
  });

  test('that is too long to be one is not taken over', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    const answer = await ask(router.port, { body: '{}', headers: { 'x-request-id': 'x'.repeat(257) } });
    assert.match(answer.get('x-request-id') ?? '', /^chatcmpl-/);
    assert.equal((await worker.next()).header('x-request-id'), answer.get('x-request-id'));
  });
});

test("a worker's own key takes the place of the client's", async (t) => {
  const worker = await ScriptedWorker.start(t);
  const plain = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [plain]);
  const added = await ask(router.port, {
    path: '/workers',
    body: JSON.stringify({ url: worker.url, api_key: 'worker-key' }),
  });
  assert.equal(added.status, 202);
  await router.untilEligible([plain, worker]);
  const own = { authorization: 'Bearer client', 'x-api-key': 'client' };
  for (const headers of [own, own, {}, {}]) await ask(router.port, { body: '{}', headers });
  assert.deepEqual(
    worker.calls.map((call) => call.message.all('authorization')),
    [['Bearer worker-key'], ['Bearer worker-key']],
  );
  assert.deepEqual(plain.calls.map((call) => call.message.all('authorization')).sort(), [[], ['Bearer client']].sort());
  assert.deepEqual(
    [worker, plain].map(({ calls }) => calls.flatMap((call) => call.message.all('x-api-key'))),
    [[], ['client']],
  );
});

test('a worker below a base path is asked there', async (t) => {
  const worker = await ScriptedWorker.start(t);
  worker.probe = (path) => ({ status: path.startsWith('/engine/') ? 200 : 404 });
  const router = await startTestRouter(t, ['--worker-urls', `${worker.url}/engine/`], []);
  await router.untilEligible([{ url: `${worker.url}/engine` }]);
  const client = await router.connect();
  await client.send(requestBytes({ path: '/generate?a', body: '{}' }));
  assert.equal((await client.response()).status, 200);
  assert.equal((await worker.next()).target, '/engine/generate?a');
});
