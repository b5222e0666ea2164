import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PASSED_ROUTES, REFUSED_ROUTES } from '../src/router/proxy/routing/engine-routes.ts';
import { ask, type RawResponse } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { type Call, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';

const POLICY_ROUTES: readonly (readonly [string, string])[] = [
  ['POST', '/generate'],
  ['PUT', '/generate'],
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/completions'],
  ['POST', '/v1/embeddings'],
  ['POST', '/v1/classify'],
  ['POST', '/v1/rerank'],
  ['POST', '/v1/responses'],
  ['POST', '/v1/messages'],
  ['POST', '/v1/tokenize'],
  ['POST', '/v1/detokenize'],
];
const INFO_ROUTES = [
  '/v1/models',
  '/v1/models/org/name',
  '/get_model_info',
  '/model_info',
  '/get_server_info',
  '/server_info',
  '/health_generate',
];
const RESPONSE_ROUTES: readonly (readonly [string, string])[] = [
  ['GET', '/v1/responses/resp_1'],
  ['DELETE', '/v1/responses/resp_1'],
  ['POST', '/v1/responses/resp_1/cancel'],
  ['GET', '/v1/responses/resp_1/input_items'],
];

/** The error object and its code field, as every answer of the router itself has them. */
function assertError(answer: RawResponse, status: number, code: string): string {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.get('x-smg-error-code'), code);
  assert.equal(answer.get('content-type'), 'application/json');
  assert.ok((answer.get('x-request-id') ?? '') !== '');
  const { error } = answer.json() as { error: Record<string, unknown> };
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(error['code'], code);
  return String(error['message']);
}

async function routed(t: Parameters<typeof startTestRouter>[0], count: number, flags: readonly string[] = [], forwardsAll = true) {
  const workers: ScriptedWorker[] = [];
  for (let i = 0; i < count; i++) workers.push(await ScriptedWorker.start(t));
  const router = await startTestRouter(t, flags, workers, { forwardsAll });
  return { workers, router };
}

/** A router as it comes: no further paths. */
const strict = (t: Parameters<typeof startTestRouter>[0], flags: readonly string[] = []) => routed(t, 1, flags, false);

test('every route reaches a worker with method, path and query as they were sent', async (t) => {
  const { workers, router } = await routed(t, 1);
  const [worker] = workers;
  assert.ok(worker !== undefined);
  for (const [method, path] of [...POLICY_ROUTES, ...INFO_ROUTES.map((info) => ['GET', info] as const), ...RESPONSE_ROUTES]) {
    for (const query of ['', '?', '?a=1&b=%2Fx%zz&a=2', '??//..']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
      const answer = await ask(router.port, { method, path: path + query, ...(body === undefined ? {} : { body }) });
      assert.equal(answer.status, 200, `${method} ${path}${query}: ${answer.text}`);
      const call = await worker.next();
      assert.equal(call.message.firstLine, `${method} ${path}${query} HTTP/1.1`);
      assert.equal((await call.body()).toString(), body ?? '');
    }
  }
});

test('the short path for rerank is a path of the router: an engine is asked under the name that it has', async (t) => {
  for (const policy of ['round_robin', 'cache_aware']) {
    const { workers, router } = await routed(t, 1, ['--policy', policy]);
    for (const [target, sent] of [
      ['/rerank', '/v1/rerank'],
      ['/rerank?a=1&b=?', '/v1/rerank?a=1&b=?'],
      ['http://router/rerank?', '/v1/rerank?'],
    ] as const) {
      assert.equal((await ask(router.port, { path: target, body: '{"query":"q","documents":["d"]}' })).status, 200);
      const call = await workers[0]!.next();
      assert.equal(call.message.firstLine, `POST ${sent} HTTP/1.1`);
      assert.equal((await call.body()).toString(), '{"query":"q","documents":["d"]}');
    }
  }
});

test('policy routes take turns, and routes that only ask go to the first worker', async (t) => {
  const { workers, router } = await routed(t, 2);
  for (let i = 0; i < 4; i++) await ask(router.port, { body: '{}' });
  assert.deepEqual(
    workers.map((worker) => worker.calls.length),
    [2, 2],
  );
  for (const path of INFO_ROUTES) await ask(router.port, { path });
  assert.deepEqual(
    workers.map((worker) => worker.calls.length),
    [2 + INFO_ROUTES.length, 2],
  );
  await router.assertQuiet();
});

test('routes that only ask go to the next worker when the first is gone', async (t) => {
  const { workers, router } = await routed(t, 3);
  await workers[0]?.kill();
  const answer = await ask(router.port, { path: '/v1/models' });
  assert.equal(answer.status, 200);
  assert.equal((await workers[1]!.next()).target, '/v1/models');
  assert.equal(workers[2]?.calls.length, 0);
});

test('routes of engines that change nothing go to a worker, with a slash at the end or without', async (t) => {
  const { workers, router } = await strict(t);
  for (const { methods, path } of PASSED_ROUTES) {
    for (const method of methods) {
      for (const end of path === '/' ? [''] : ['', '/']) {
        const answer = await ask(router.port, {
          method,
          path: `${path}${end}?a=1&b=%20`,
          ...(method === 'GET' ? {} : { body: 'not json' }),
        });
        assert.equal(answer.status, 200, `${method} ${path}`);
        assert.equal((await workers[0]!.next()).message.firstLine, `${method} ${path}?a=1&b=%20 HTTP/1.1`);
      }
    }
    assertError(await ask(router.port, { method: 'DELETE', path }), 405, 'unsupported_method');
  }
});

test('what changes an engine, and every path that the router does not know, is 404 and names the flag', async (t) => {
  const { workers, router } = await strict(t);
  for (const path of ['/no/such/path', '/v1', '/Generate', '//generate', '/v1/score/x', '/my/v1/score']) {
    const message = assertError(await ask(router.port, { method: 'POST', path, body: '{}' }), 404, 'not_found');
    assert.match(message, /no route .*--forward-paths/, path);
  }
  for (const path of REFUSED_ROUTES.filter((one) => one !== '/flush_cache')) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const message = assertError(await ask(router.port, { method, path: path.replace(/\{\w+\}/g, 'x') }), 404, 'not_found');
      assert.match(message, /changes an engine or concerns one alone.*--forward-paths/, path);
    }
  }
  assert.equal((await ask(router.port, { path: '/flush_cache' })).status, 405);
  assert.equal(workers[0]?.calls.length, 0);
});

test('--forward-paths lets named paths through as they are, and below /* what does not change an engine', async (t) => {
  const { workers, router } = await strict(t, ['--forward-paths', '/pause_generation', '/my/*,/v2/tool']);
  for (const [method, target] of [
    ['POST', '/pause_generation?x'],
    ['GET', '/v2/tool'],
    ['PATCH', '/my//double/./dots/'],
    ['DELETE', '/my/a%2Fb%00'],
    ['PROPFIND', '/my/'],
  ] as const) {
    const answer = await ask(router.port, { method, path: target, ...(method === 'POST' ? { body: 'not json' } : {}) });
    assert.equal(answer.status, 200, `${method} ${target}`);
    assert.equal((await workers[0]!.next()).message.firstLine, `${method} ${target} HTTP/1.1`);
  }
  for (const path of ['/my', '/v2/tool/', '/pause_generation/', '/my/../continue_generation', '/my/..%2fcontinue_generation', '/myself']) {
    assertError(await ask(router.port, { path }), 404, 'not_found');
  }
  assert.equal(workers[0]?.calls.length, 5);
});

test('every known route takes a slash at its end, and the engine is asked without it', async (t) => {
  const { workers, router } = await strict(t);
  for (const [method, path] of [...POLICY_ROUTES, ...INFO_ROUTES.map((info) => ['GET', info] as const), ...RESPONSE_ROUTES]) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
    const answer = await ask(router.port, { method, path: `${path}/?a=/`, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, 200, path);
    // The name of a model may end with a slash: the engine takes all that follows.
    const asked = path === '/v1/models/org/name' ? `${path}/` : path;
    assert.equal((await workers[0]!.next()).message.firstLine, `${method} ${asked}?a=/ HTTP/1.1`);
  }
  assert.equal((await ask(router.port, { path: '/rerank/', body: '{}' })).status, 200);
  assert.equal((await workers[0]!.next()).target, '/v1/rerank');
  assert.equal((await ask(router.port, { path: '/liveness/' })).text, 'OK');
  assert.equal((await ask(router.port, { method: 'GET', path: '/generate/' })).status, 405);
  assertError(await ask(router.port, { method: 'POST', path: '/generate//', body: '{}' }), 404, 'not_found');
});

test('what is asked of the server as a whole, and metrics of a worker, stay with the router', async (t) => {
  const { workers, router } = await routed(t, 1);
  assertError(await ask(router.port, { method: 'OPTIONS', path: '*' }), 404, 'not_found');
  assertError(await ask(router.port, { path: '/metrics' }), 404, 'not_found');
  assert.equal(workers[0]?.calls.length, 0);
});

test('--disable-transparent-proxy leaves the routes of the table, and the paths that are named', async (t) => {
  const { workers, router } = await strict(t, ['--disable-transparent-proxy', '--forward-paths', '/v1/score']);
  for (const path of ['/no/such/path', '/v1/systemone', '/', '//generate', '/Generate']) {
    assertError(await ask(router.port, { method: 'POST', path, body: '{}' }), 404, 'not_found');
  }
  assert.equal(workers[0]?.calls.length, 0);
  for (const path of ['/generate', '/v1/score']) assert.equal((await ask(router.port, { path, body: '{}' })).status, 200, path);
});

suite('paths that change an engine', () => {
  const CONTROL = [
    'update_weights_from_disk',
    'update_weights_from_tensor',
    'update_weights_from_distributed',
    'init_weights_update_group',
    'get_weights_by_name',
    'release_memory_occupation',
    'resume_memory_occupation',
    'start_profile',
    'stop_profile',
    'abort_request',
    'set_internal_state',
    'load_lora_adapter',
    'unload_lora_adapter',
    'open_session',
    'close_session',
    'slow_down',
    'pause_generation',
    'continue_generation',
    'configure_logging',
    'freeze_gc',
    'start_expert_distribution_record',
    'clear_hicache_storage_backend',
    'begin_weight_update',
    'pd_role_switch',
  ];
  const spellings = (name: string): string[] => {
    const hex = name.charCodeAt(0).toString(16);
    return [
      `/${name}`,
      `/${name}/`,
      `/${name}?a=b`,
      `/${name};v=1`,
      `/${name}/;x`,
      `//${name}`,
      `/./${name}`,
      `/.//${name}`,
      `/v1/../${name}`,
      `/v1/%2e%2e/${name}`,
      `/v1/.%2E/${name}`,
      `/%${hex}${name.slice(1)}`,
      `/%25${hex}${name.slice(1)}`,
      `/%2f${name}`,
      `/%5c${name}`,
      `/\\${name}`,
      `/x\\..\\${name}`,
      `/${name.toUpperCase()}`,
      `/${name[0]!.toUpperCase()}${name.slice(1)}`,
      `/${name}%20`,
      `/${name}%00`,
      `/%20${name}`,
      `/;x/${name}`,
      `/v1/${name}`,
      `/v1//${name}`,
      `http://router/${name}`,
      `http://router//${name}`,
      // Routes with a variable part must not carry it either.
      `/v1/models/../../${name}`,
      `/v1/models/..%2f..%2f${name}`,
      `/v1/models/%2e%2e/%2e%2e/${name}`,
      `/v1/models/x/..\\..\\..\\..\\${name}`,
      `/v1/responses/..%2f..%2f${name}`,
      `/v1/responses/..%5c..%5c${name}`,
      `/v1/responses/..;%2f..;%2f${name}`,
    ];
  };

  test('are not reachable in any spelling', async (t) => {
    const { workers, router } = await routed(t, 1);
    const open: string[] = [];
    for (const name of CONTROL) {
      for (const path of spellings(name)) {
        for (const method of ['GET', 'POST']) {
          const answer = await ask(router.port, { method, path, ...(method === 'POST' ? { body: '{}' } : {}) });
          if (answer.status !== 404 && answer.status !== 400 && answer.status !== 405) open.push(`${method} ${path}: ${answer.status}`);
        }
      }
    }
    assert.deepEqual(open, []);
    assert.equal(workers[0]?.calls.length, 0);
  });

  test('are not opened by the one that the router asks of all workers itself', async (t) => {
    const { workers, router } = await routed(t, 1);
    const own = ['/flush_cache', '/flush_cache/', '/flush_cache?a=b', 'http://router/flush_cache'];
    for (const path of spellings('flush_cache').filter((spelling) => !own.includes(spelling))) {
      const { status } = await ask(router.port, { method: 'POST', path, body: '{}' });
      assert.ok(status === 404 || status === 400 || status === 405, `${path}: ${status}`);
    }
    assert.equal((await ask(router.port, { path: '/flush_cache' })).status, 405, 'a GET changes nothing');
    assert.equal(workers[0]?.calls.length, 0);
    for (const path of own) assert.equal((await ask(router.port, { method: 'POST', path, body: '{}' })).status, 200, path);
    const asked = (workers[0]?.calls ?? []).map(({ message }) => message.firstLine);
    assert.deepEqual(
      asked,
      ['', '', '?a=b', ''].map((query) => `POST /flush_cache${query} HTTP/1.1`),
    );
  });

  test('are refused with a reason', async (t) => {
    const { router } = await routed(t, 1);
    const message = assertError(await ask(router.port, { method: 'POST', path: '/pause_generation' }), 404, 'not_found');
    assert.match(message, /changes an engine/);
  });

  test('leave paths alone that only look a little like them', async (t) => {
    const { workers, router } = await routed(t, 1);
    for (const path of ['/v1/models/flush_cache', '/my/flush_cache', '/cache', '/v1/models/org/..name', '/v1/responses/flush_cache']) {
      assert.equal((await ask(router.port, { path })).status, 200, path);
    }
    assert.equal(workers[0]?.calls.length, 5);
  });
});

test('a known path with another method is 405 with the methods that it takes', async (t) => {
  const { workers, router } = await routed(t, 1);
  for (const [method, path, allow] of [
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/generate', 'POST, PUT'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['PUT', '/v1/responses/x', 'GET, DELETE'],
    ['GET', '/v1/responses/x/cancel', 'POST'],
    ['POST', '/liveness', 'GET, HEAD'],
  ] as const) {
    const answer = await ask(router.port, { method, path });
    assertError(answer, 405, 'unsupported_method');
    assert.equal(answer.get('allow'), allow, path);
  }
  assert.equal(workers[0]?.calls.length, 0);
});

test('a route that takes JSON only answers 415 to other types, and takes its relatives', async (t) => {
  const { workers, router } = await routed(t, 1);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'json']) {
    const answer = await ask(router.port, { body: '{}', headers: { 'content-type': type } });
    assertError(answer, 415, 'unsupported_media_type');
  }
  assert.equal(workers[0]?.calls.length, 0);
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.x+json', ' application/json ;a=b']) {
    assert.equal((await ask(router.port, { body: '{}', headers: { 'content-type': type } })).status, 200, type);
  }
  const untyped = await router.connect();
  await untyped.send('POST /generate HTTP/1.1\r\nhost: r\r\ncontent-length: 2\r\n\r\n{}');
  assert.equal((await untyped.response()).status, 200);
});

test('the connection goes on after 404, 405 and 415', async (t) => {
  const { router } = await routed(t, 1);
  const client = await router.connect();
  await client.send('POST /pause_generation HTTP/1.1\r\nhost: r\r\n\r\nGET /generate HTTP/1.1\r\nhost: r\r\n\r\n');
  await client.send('POST /generate HTTP/1.1\r\nhost: r\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n');
  await client.send('POST /generate HTTP/1.1\r\nhost: r\r\ncontent-length: 0\r\n\r\n');
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await client.response()).status);
  assert.deepEqual(statuses, [404, 405, 415, 200]);
});

test("a body is the engine's to judge, also where the policy would read it", async (t) => {
  for (const policy of ['round_robin', 'random', 'power_of_two', 'cache_aware']) {
    const { workers, router } = await routed(t, 1, ['--policy', policy]);
    const worker = workers[0]!;
    worker.script = async (call) => {
      await call.body();
      await call.write(jsonAnswer({ object: 'error', message: 'the engine says no' }, 400));
    };
    for (const body of ['{"messages": [', 'nonsense', '', '{"messages":"a"}}', '[1']) {
      const answer = await ask(router.port, { body });
      assert.equal(answer.status, 400);
      assert.equal(answer.text, '{"object":"error","message":"the engine says no"}');
      assert.equal((await (await worker.next()).body()).toString(), body);
    }
    // JSON that is valid and makes no sense is the engine's to judge in either case, and so is what stands inside strings.
    const before = worker.calls.length;
    for (const body of ['[]', '"text"', '3', 'null', '{"messages":3}', '{"messages":[{"role":[]}]}', '{"messages":"\u0001\\x"}']) {
      assert.match((await ask(router.port, { body })).text, /the engine says no/, `${policy} ${body}`);
    }
    assert.equal(worker.calls.length, before + 7);
    // Nor does the router read a body that has no prompt.
    assert.match((await ask(router.port, { path: '/v1/tokenize', body: '{' })).text, /the engine says no/);
  }
});

test('a multipart upload passes through as it is', async (t) => {
  for (const policy of ['round_robin', 'cache_aware']) {
    const { workers, router } = await routed(t, 1, ['--policy', policy]);
    const audio = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255));
    const body = Buffer.concat([
      Buffer.from('--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--XX\r\n'),
      Buffer.from('Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'),
      audio,
      Buffer.from('\r\n--XX--\r\n'),
    ]);
    const headers = { 'content-type': 'multipart/form-data; boundary=XX' };
    assert.equal((await ask(router.port, { path: '/v1/audio/transcriptions', body, headers })).status, 200);
    const call = await workers[0]!.next();
    assert.equal(call.header('content-type'), 'multipart/form-data; boundary=XX');
    assert.ok((await call.body()).equals(body));
  }
});

suite('what only one worker knows', () => {
  const notFound = (call: Call): Promise<void> => call.write(jsonAnswer({ error: 'no such response' }, 404));

  test('is asked of all, and the one that has it answers', async (t) => {
    const { workers, router } = await routed(t, 3);
    for (const [method, path] of RESPONSE_ROUTES) {
      for (const holder of workers) {
        for (const worker of workers) worker.script = notFound;
        holder.script = (call) => call.write(`HTTP/1.1 200 Here\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 2\r\n\r\n{}`);
        const answer = await ask(router.port, { method, path });
        assert.equal(`${answer.status} ${answer.reason} ${answer.text}`, '200 Here {}', `${method} ${path}`);
        assert.deepEqual(answer.all('set-cookie'), ['a', 'b']);
      }
    }
    await router.assertQuiet();
  });

  test('is 404 when none has it, as the workers say it', async (t) => {
    const { workers, router } = await routed(t, 3);
    for (const worker of workers) worker.script = notFound;
    const answer = await ask(router.port, { path: '/v1/responses/x' });
    assert.equal(answer.status, 404);
    assert.equal(answer.text, '{"error":"no such response"}');
    assert.deepEqual(
      workers.map((worker) => worker.calls.length),
      [1, 1, 1],
    );
  });

  test('comes although the others fail, and the slow ones are let go', async (t) => {
    const { workers, router } = await routed(t, 4);
    workers[0]!.script = (call) => call.reset();
    workers[1]!.script = (call) => call.write(jsonAnswer({ error: 'broken' }, 500));
    workers[2]!.script = (call) => call.forever();
    workers[3]!.script = async (call) => {
      await workers[2]!.next();
      await call.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n');
    };
    const answer = await ask(router.port, { path: '/v1/responses/x' });
    assert.deepEqual(answer.json(), { a: 1 });
    await workers[2]!.calls[0]!.closed;
    await router.assertQuiet();
  });

  test('is 502 when no worker has any answer, and 503 without workers', async (t) => {
    const { workers, router } = await routed(t, 2);
    for (const worker of workers) worker.script = (call) => call.reset();
    assertError(await ask(router.port, { path: '/v1/responses/x' }), 502, 'no_worker_response');
    const empty = await startTestRouter(t, [], []);
    assertError(await ask(empty.port, { path: '/v1/responses/x' }), 503, 'no_workers');
  });

  test('a cancel carries its body to every worker', async (t) => {
    const { workers, router } = await routed(t, 2);
    for (const worker of workers) {
      worker.script = async (call) => {
        await call.body();
        await notFound(call);
      };
    }
    await ask(router.port, { method: 'POST', path: '/v1/responses/x/cancel', body: '{"why":1}' });
    for (const worker of workers) assert.equal((await (await worker.next()).body()).toString(), '{"why":1}');
    const client = await router.connect();
    await client.send(
      'POST /v1/responses/x/cancel HTTP/1.1\r\nhost: r\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
    );
    assert.equal((await client.response()).status, 404);
    for (const worker of workers) assert.equal((await (await worker.next()).body()).toString(), '{"a":1}');
  });

  test('a client that leaves lets all workers go', async (t) => {
    const { workers, router } = await routed(t, 2);
    for (const worker of workers) worker.script = (call) => call.forever();
    const client = await router.connect();
    await client.send('GET /v1/responses/x HTTP/1.1\r\nhost: r\r\n\r\n');
    const calls = [await workers[0]!.next(), await workers[1]!.next()];
    client.destroy();
    for (const call of calls) await call.closed;
    await router.assertQuiet();
  });
});

test('without workers everything that needs one is 503 at once, and the router itself answers', async (t) => {
  const router = await startTestRouter(t, [], []);
  for (const [method, path] of POLICY_ROUTES) assertError(await ask(router.port, { method, path, body: '{}' }), 503, 'no_workers');
  for (const path of INFO_ROUTES) assertError(await ask(router.port, { path }), 503, 'no_workers');
  assert.equal((await ask(router.port, { path: '/liveness' })).status, 200);
  assert.equal((await ask(router.port, { path: '/health' })).status, 200);
  assert.equal((await ask(router.port, { path: '/readiness' })).status, 503);
});
