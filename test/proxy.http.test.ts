/** The rules of HTTP/1.1 towards clients: order, versions, framing, and the end of connections. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { type Call, jsonAnswer, LAST_CHUNK, type Script, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { gate } from './support/until.ts';

type Test = Parameters<typeof startTestRouter>[0];

async function rig(
  t: Test,
  flags: readonly string[] = [],
  script?: Script,
): Promise<{ worker: ScriptedWorker; router: TestRouter; client: RawClient }> {
  const worker = await ScriptedWorker.start(t, script);
  const router = await startTestRouter(t, flags, [worker]);
  return { worker, router, client: await router.connect() };
}

/** Answers with the target, so that answers can be told apart. */
const echoTarget: Script = async (call) => {
  await call.body();
  await call.write(jsonAnswer({ target: call.target, body: (await call.body()).toString() }));
};
const target = (answer: { json(): unknown }): string => (answer.json() as { target: string }).target;

suite('pipelining', () => {
  test('ten requests in one write are answered in order, plain, chunked and refused ones mixed', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    const parts: string[] = [];
    for (let i = 0; i < 10; i++) {
      if (i % 5 === 1) parts.push(`POST /n/${i} HTTP/1.1\r\nhost: r\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab${i}\r\n0\r\n\r\n`);
      else if (i % 5 === 2) parts.push(`POST /n/${i} HTTP/1.1\r\nhost: r\r\ncontent-length: 3\r\n\r\nab${i}`);
      else if (i % 5 === 3) parts.push(`POST /pause_generation HTTP/1.1\r\nhost: r\r\ncontent-length: 0\r\n\r\n`);
      else if (i % 5 === 4) parts.push('GET /liveness HTTP/1.1\r\nhost: r\r\n\r\n');
      else parts.push(`GET /n/${i} HTTP/1.1\r\nhost: r\r\n\r\n`);
    }
    await client.send(parts.join(''));
    for (let i = 0; i < 10; i++) {
      const answer = await client.response();
      if (i % 5 === 3) assert.equal(answer.status, 404);
      else if (i % 5 === 4) assert.equal(answer.text, 'OK');
      else assert.deepEqual(answer.json(), { target: `/n/${i}`, body: i % 5 === 0 ? '' : `ab${i}` });
    }
    assert.equal(client.rest.length, 0);
  });

  test('a request that waits is not begun before the one in front of it has ended', async (t) => {
    const { worker, client } = await rig(t);
    const first = gate();
    worker.script = async (call) => {
      if (call.target === '/1') await first.promise;
      await call.write(jsonAnswer({ target: call.target }));
    };
    await client.send('GET /1 HTTP/1.1\r\nhost: r\r\n\r\nGET /2 HTTP/1.1\r\nhost: r\r\n\r\nGET /3 HTTP/1.1\r\nhost: r\r\n\r\n');
    await worker.next();
    await client.send('GET /4 HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.deepEqual(
      worker.calls.map((call) => call.target),
      ['/1'],
    );
    first.open();
    for (const wanted of ['/1', '/2', '/3', '/4']) assert.equal(target(await client.response()), wanted);
  });

  test('more than a head of waiting bytes stays in the socket, and all of it is answered', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    const count = 400;
    const pad = 'p'.repeat(600);
    const all = Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: r\r\nx-pad: ${pad}\r\n\r\n`).join('');
    void client.send(all);
    for (let i = 0; i < count; i++) assert.equal(target(await client.response()), `/${i}`);
  });

  test('a client that sends without end while it waits is not read without end, however often', async (t) => {
    const { worker, client } = await rig(t);
    const request = `GET /more HTTP/1.1\r\nhost: r\r\nx-pad: ${'p'.repeat(8000)}\r\n\r\n`;
    const flood = Buffer.from(request.repeat(10));
    const floods = 260;
    let go = gate();
    worker.script = async (call) => {
      if (call.target === '/wait') await go.promise;
      await call.write(jsonAnswer({ target: call.target }));
    };
    for (let round = 0; round < 2; round++) {
      go = gate();
      await client.send('GET /wait HTTP/1.1\r\nhost: r\r\n\r\n');
      let taken = 0;
      const pump = async (): Promise<void> => {
        for (; taken < floods; taken++) await client.send(flood);
      };
      const pumped = pump();
      // Until nothing moves any more.
      let before = -1;
      while (before !== taken) {
        before = taken;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      assert.ok(taken * flood.length < 12_000_000, `${taken * flood.length} bytes were taken`);
      go.open();
      assert.equal(target(await client.response()), '/wait');
      for (let i = 0; i < 10 * floods; i++) assert.equal(target(await client.response()), '/more');
      await pumped;
    }
  });

  test('what follows a request with Connection: close is not answered', async (t) => {
    const { worker, client } = await rig(t);
    await client.send('GET /1 HTTP/1.1\r\nhost: r\r\nconnection: close\r\n\r\nGET /2 HTTP/1.1\r\nhost: r\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer.get('connection'), 'close');
    assert.equal(await client.closed(), 'fin');
    assert.equal(client.rest.length, 0);
    assert.deepEqual(
      worker.calls.map((call) => call.target),
      ['/1'],
    );
  });
});

suite('HTTP/1.0', () => {
  test('without keep-alive the connection ends with the answer', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    await client.send('GET /a HTTP/1.0\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer.version, 'HTTP/1.1');
    assert.equal(answer.get('connection'), 'close');
    assert.equal(target(answer), '/a');
    assert.equal(await client.closed(), 'fin');
  });

  test('with keep-alive the connection goes on', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    for (let i = 0; i < 3; i++) {
      await client.send(`POST /${i} HTTP/1.0\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx`);
      const answer = await client.response();
      assert.equal(answer.get('connection'), 'keep-alive');
      assert.equal(target(answer), `/${i}`);
    }
  });

  test('a streamed answer comes without chunks, piece by piece, and ends with the connection', async (t) => {
    const { worker, client } = await rig(t);
    worker.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      for (let i = 0; i < 5; i++) {
        await call.chunk(`data: ${i}\n\n`);
        await client.untilText(`data: ${i}\n\n`);
      }
      await call.write(LAST_CHUNK);
    };
    await client.send('POST /generate HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}');
    const answer = await client.response();
    assert.equal(answer.get('transfer-encoding'), undefined);
    assert.equal(answer.get('connection'), 'close');
    assert.equal(answer.text, 'data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n');
    assert.equal(await client.closed(), 'fin');
  });

  test('an error of the router keeps the connection that wants to be kept', async (t) => {
    const router = await startTestRouter(t, [], []);
    const client = await router.connect();
    await client.send('GET /v1/models HTTP/1.0\r\nconnection: keep-alive\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer.status, 503);
    assert.equal(answer.get('connection'), 'keep-alive');
    await client.send('GET /liveness HTTP/1.0\r\n\r\n');
    assert.equal((await client.response()).text, 'OK');
    assert.equal(await client.closed(), 'fin');
  });
});

suite('HEAD', () => {
  test('has the head of GET and no body, from a worker, from the router and from its errors', async (t) => {
    const { worker, client } = await rig(t, [], async (call) => {
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n');
    });
    await client.send('HEAD /v1/models HTTP/1.1\r\nhost: r\r\n\r\n');
    const relayed = await client.response('HEAD');
    assert.equal(relayed.get('content-length'), '33');
    assert.equal((await worker.next()).method, 'HEAD');
    await client.send('GET /liveness HTTP/1.1\r\nhost: r\r\n\r\nHEAD /liveness HTTP/1.1\r\nhost: r\r\n\r\n');
    const whole = await client.response();
    const head = await client.response('HEAD');
    assert.equal(head.get('content-length'), whole.get('content-length'));
    assert.equal(head.get('content-type'), whole.get('content-type'));
    await client.send('HEAD /pause_generation HTTP/1.1\r\nhost: r\r\n\r\nHEAD /generate HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal((await client.response('HEAD')).status, 404);
    assert.equal((await client.response('HEAD')).status, 405);
    assert.equal(client.rest.length, 0);
  });

  test('that no worker can answer is an error without a body', async (t) => {
    const router = await startTestRouter(t, [], []);
    const client = await router.connect();
    for (const path of ['/v1/models', '/anything']) {
      await client.send(`HEAD ${path} HTTP/1.1\r\nhost: r\r\n\r\n`);
      const answer = await client.response('HEAD');
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.get('content-length')) > 0);
    }
    await client.send('GET /liveness HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal((await client.response()).text, 'OK');
  });
});

suite('Expect: 100-continue', () => {
  test('is answered before the body, once, and the final answer follows', async (t) => {
    const { worker, client } = await rig(t, [], echoTarget);
    await client.send('POST /x HTTP/1.1\r\nhost: r\r\nexpect: 100-Continue\r\ncontent-length: 4\r\n\r\n');
    assert.equal((await client.response()).status, 100);
    await client.send('body');
    const answer = await client.response();
    assert.deepEqual(answer.json(), { target: '/x', body: 'body' });
    assert.equal((await worker.next()).header('expect'), undefined);
    await client.send('GET /y HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal(target(await client.response()), '/y');
  });

  test('gets no interim answer when the body comes with the head, when there is none, and in HTTP/1.0', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    await client.send('POST /1 HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nx');
    assert.equal((await client.response()).status, 200);
    await client.send('POST /2 HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n');
    assert.equal((await client.response()).status, 200);
    await client.send('POST /3 HTTP/1.0\r\nconnection: keep-alive\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n');
    await client.send('x');
    assert.equal((await client.response()).status, 200);
  });

  test('a body that will be refused is not asked for', async (t) => {
    const { worker, client } = await rig(t, ['--max-payload-size', '10']);
    await client.send('POST /x HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n');
    assert.equal((await client.response()).status, 413);
    assert.equal(await client.closed(), 'fin');
    assert.equal(worker.calls.length, 0);
  });

  test('a body that no worker could take is not asked for', async (t) => {
    const none = await startTestRouter(t, [], []);
    const down = await startTestRouter(t, ['--worker-urls', 'http://127.0.0.1:9'], [], { wait: false });
    const pairs = await startTestRouter(
      t,
      ['--pd-disaggregation', '--prefill', 'http://127.0.0.1:9', '--decode', 'http://127.0.0.1:10'],
      [],
      { wait: false },
    );
    const head = (path: string): string => `POST ${path} HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`;
    for (const [router, path, code, message] of [
      [none, '/generate', 'no_workers', 'no worker is registered'],
      [down, '/v1/responses/x/cancel', 'no_available_workers', 'no worker can take'],
      [pairs, '/generate', 'no_available_workers', 'no prefill worker can take'],
    ] as const) {
      const client = await router.connect();
      await client.send(head(path));
      const answer = await client.response();
      assert.deepEqual([answer.status, answer.get('x-smg-error-code')], [503, code], path);
      assert.match(answer.text, new RegExp(message));
      assert.equal(await client.closed(), 'fin', 'the body may follow or not: nobody can tell where the next request begins');
    }
    const client = await none.connect();
    await client.send('POST /workers HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
    assert.equal((await client.response()).status, 100, 'what the router answers itself needs no worker');
  });

  test('anything else that is expected is 417', async (t) => {
    const { worker, client } = await rig(t);
    await client.send('POST /x HTTP/1.1\r\nhost: r\r\nexpect: 200-ok\r\ncontent-length: 1\r\n\r\n');
    assert.equal((await client.response()).status, 417);
    assert.equal(await client.closed(), 'fin');
    assert.equal(worker.calls.length, 0);
  });
});

suite('bodies', () => {
  test('a chunked body with extensions and trailers becomes one with a length, without the trailers', async (t) => {
    const { worker, client } = await rig(t, [], echoTarget);
    await client.send(
      'POST /x HTTP/1.1\r\nhost: r\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n' +
        '4;a=b\r\nwith\r\n00005;c="d;"\r\n more\r\n0;e\r\nX-Sum: 9\r\nX-Other: z\r\n\r\nGET /y HTTP/1.1\r\nhost: r\r\n\r\n',
    );
    const answer = await client.response();
    assert.deepEqual(answer.json(), { target: '/x', body: 'with more' });
    const call = await worker.next();
    assert.equal(call.header('content-length'), '9');
    assert.equal(call.header('x-sum'), undefined);
    assert.equal(target(await client.response()), '/y');
  });

  test('CHUNKED is chunked, from clients and from workers, and leaves in lower case', async (t) => {
    const { worker, client } = await rig(t, ['--max-replay-bytes', '0'], async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n');
    });
    await client.send('POST /x HTTP/1.1\r\nhost: r\r\ntransfer-encoding: CHUNKED\r\n\r\n4\r\nwith\r\n');
    const call = await worker.next();
    await client.send('5\r\n more\r\n0\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer.text, 'ok');
    assert.equal(answer.get('transfer-encoding'), 'chunked');
    assert.equal(call.header('transfer-encoding'), 'chunked');
    assert.equal((await call.body()).toString(), 'with more');
  });

  test('a GET may have a body', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    await client.send('GET /v1/models HTTP/1.1\r\nhost: r\r\ncontent-length: 4\r\n\r\nbody');
    assert.deepEqual((await client.response()).json(), { target: '/v1/models', body: 'body' });
  });

  test('a body never becomes a request, at the router and at the worker', async (t) => {
    const { worker, client } = await rig(t, [], echoTarget);
    const smuggled = 'POST /pause_generation HTTP/1.1\r\nhost: r\r\ncontent-length: 0\r\n\r\n';
    for (const [i, head] of [
      `content-length: ${smuggled.length}`,
      'transfer-encoding: chunked',
      `content-length: ${smuggled.length}\r\nupgrade: h2c\r\nconnection: upgrade`,
      `content-length: ${smuggled.length}\r\nx-http-method-override: GET`,
      `content-length: 00000${smuggled.length}`,
    ].entries()) {
      const body = head.startsWith('transfer') ? `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n` : smuggled;
      for (const method of ['GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS']) {
        await client.send(`${method} /n/${i} HTTP/1.1\r\nhost: r\r\n${head}\r\n\r\n${body}`);
        assert.equal((await client.response(method)).status, 200, `${method} ${head}`);
        const call = await worker.next();
        assert.equal(call.target, `/n/${i}`);
        assert.equal((await call.body()).toString(), smuggled);
      }
    }
    assert.ok(worker.calls.every((call) => call.target.startsWith('/n/')));
  });
});

suite('the end of a connection', () => {
  test('Connection: close of the client is told to it and kept, also beside other options', async (t) => {
    for (const value of ['close', 'Close', 'keep-alive, close', 'x-other,close']) {
      const { client } = await rig(t, [], echoTarget);
      await client.send(`GET /a HTTP/1.1\r\nhost: r\r\nconnection: ${value}\r\n\r\n`);
      assert.equal((await client.response()).get('connection'), 'close');
      assert.equal(await client.closed(), 'fin');
    }
  });

  test('Connection: close of the worker ends only its own connection', async (t) => {
    const { worker, client } = await rig(t, [], async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx');
      call.finish();
    });
    for (let i = 0; i < 3; i++) {
      await client.send(requestBytes({ body: '{}' }));
      const answer = await client.response();
      assert.equal(answer.get('connection'), undefined);
      assert.equal(answer.text, 'x');
    }
    assert.equal(new Set(worker.calls.map((call: Call) => call.connection)).size, 3);
  });

  test('a client that has asked and ends its side gets what the router had written, and nothing stays open', async (t) => {
    const { router, client } = await rig(t);
    await client.send('GET /liveness HTTP/1.1\r\nhost: r\r\n\r\n');
    client.finish();
    assert.equal((await client.response()).text, 'OK');
    await router.assertQuiet();
  });

  test('an idle connection is closed after its time, in the middle of a series too', async (t) => {
    const { client, router } = await rig(t, ['--keep-alive-timeout-secs', '0.2'], echoTarget);
    const fresh = await router.connect();
    await client.send('GET /a HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal(target(await client.response()), '/a');
    assert.equal(await client.closed(), 'fin');
    assert.equal(client.rest.length, 0);
    fresh.destroy();
  });

  test('an absolute target is served as the path in it', async (t) => {
    const { worker, client } = await rig(t, [], echoTarget);
    for (const [sent, wanted] of [
      ['http://other:1/a?b', '/a?b'],
      ['HTTPS://other/a', '/a'],
      ['http://other', '/'],
      ['http://other?q=1', '/?q=1'],
      ['http://[::1]:9//a', '//a'],
    ] as const) {
      await client.send(`GET ${sent} HTTP/1.1\r\nhost: r\r\n\r\n`);
      assert.equal(target(await client.response()), wanted);
      assert.equal((await worker.next()).header('host'), `127.0.0.1:${worker.port}`);
    }
  });

  test('empty lines in front of a request are passed over', async (t) => {
    const { client } = await rig(t, [], echoTarget);
    await client.send('\r\n\r\nGET /a HTTP/1.1\r\nhost: r\r\n\r\n\r\nGET /b HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal(target(await client.response()), '/a');
    assert.equal(target(await client.response()), '/b');
  });
});
