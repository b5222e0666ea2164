/** The connections to a worker: reuse, idle limits, stale ones, connecting, limits and queues. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { ask, RawClient, type RawResponse, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, answerJson, type Call, jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { type Gate, gate, until } from './support/until.ts';

const BODY = '{"model":"m","messages":[{"role":"user","content":"hello"}]}';

/** Connections on which a request (no probe) has been seen. */
function carriers(worker: ScriptedWorker): Set<unknown> {
  return new Set(worker.calls.map((call) => call.connection));
}

/** The `error` object of an answer of the router, which must not name any address. */
function errorOf(response: RawResponse): { code: string; message: string; type: string } {
  assert.equal(response.get('content-type'), 'application/json');
  assert.doesNotMatch(response.text, /127\.0\.0\.1|localhost|:\d{2,5}|ECONN|\/tmp|at .*\.js/);
  const { error } = response.json() as { error: { code: string; message: string; type: string } };
  assert.equal(response.get('x-smg-error-code'), error.code);
  return error;
}

/** Every request waits for its gate before it is answered. */
function gated(worker: ScriptedWorker): Gate[] {
  const gates: Gate[] = [];
  worker.script = async (call) => {
    const mine = gate();
    gates.push(mine);
    await call.body();
    await Promise.race([mine.promise, call.forever()]);
    if (call.connection.isOpen) await call.write(jsonAnswer({ served: worker.calls.indexOf(call) }));
  };
  return gates;
}

test('one connection serves requests that follow each other, from whatever client', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (let i = 0; i < 5; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal((await ask(router.port, { path: '/v1/models' })).status, 200);
  assert.equal(worker.calls.length, 6);
  assert.equal(carriers(worker).size, 1);
});

test('an idle connection is closed by the router before the worker would do it', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--upstream-keep-alive-secs', '0.3'], [worker]);
  await ask(router.port, { body: BODY });
  const { connection } = await worker.next();
  assert.ok(connection.isOpen);
  assert.equal(await connection.closed, 'fin');
  assert.equal(router.running.workerConnections(), 0);
  await ask(router.port, { body: BODY });
  assert.equal(carriers(worker).size, 2);
});

test('the default idle limit lies below the five seconds of an engine', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  await ask(router.port, { body: BODY });
  const startMs = performance.now();
  const { connection } = await worker.next();
  assert.equal(await connection.closed, 'fin');
  const idleMs = performance.now() - startMs;
  assert.ok(idleMs > 3000 && idleMs < 4950, `${idleMs} ms`);
});

test('the Keep-Alive field of a worker shortens the idle limit, and is not passed on', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(answer(200, { 'keep-alive': 'timeout=1', connection: 'keep-alive' }, 'ok'));
  });
  const router = await startTestRouter(t, [], [worker]);
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.get('keep-alive'), undefined);
  const startMs = performance.now();
  const { connection } = await worker.next();
  assert.equal(await connection.closed, 'fin');
  assert.ok(performance.now() - startMs < 1000);
});

test('a connection whose answer says close, is HTTP/1.0 or announces no idle time is not used again', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const heads = [
    'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok',
    'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nkeep-alive: timeout=0\r\ncontent-length: 2\r\n\r\nok',
  ];
  for (const [i, head] of heads.entries()) {
    worker.script = async (call) => {
      await call.body();
      await call.write(head);
    };
    assert.equal((await ask(router.port, { body: BODY })).text, 'ok');
    await ask(router.port, { body: BODY });
    assert.equal(carriers(worker).size, 2 * i + 2, head);
  }
});

// ---- stale connections

for (const how of ['finish', 'reset'] as const) {
  for (const { name, request } of [
    { name: 'GET', request: { path: '/v1/models' } },
    { name: 'HEAD', request: { method: 'HEAD', path: '/v1/models' } },
    { name: 'POST with a body', request: { body: BODY } },
    { name: 'POST with a body of 400 KB', request: { body: JSON.stringify({ text: 'x'.repeat(400_000) }) } },
  ]) {
    test(`a reused connection that ends (${how}) before any byte of the answer is replaced: ${name}`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      const router = await startTestRouter(t, [], [worker]);
      await ask(router.port, { body: BODY });
      worker.script = async (call) => {
        if (call.connection.requests > 1) {
          // The worker closed just when the request was on its way.
          call[how]();
          return;
        }
        await answerJson(call);
      };
      const response = await ask(router.port, request);
      assert.equal(response.status, 200);
      assert.equal(worker.calls.length, 3);
      assert.equal(worker.calls[2]!.header('x-request-id'), worker.calls[1]!.header('x-request-id'));
      const body = 'body' in request ? request.body : '';
      assert.equal((await worker.calls[2]!.body()).toString(), body);
      assert.equal(carriers(worker).size, 2);
    });
  }
}

test('a connection is replaced once only: when the fresh one dies too, the client is told', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  await ask(router.port, { body: BODY });
  worker.script = (call) => call.finish();
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.status, 502);
  assert.equal(errorOf(response).code, 'call_upstream_reset');
  assert.equal(worker.calls.length, 3);
});

test('a request that kills its worker is given to one other worker, and to no third one', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)] as const;
  const router = await startTestRouter(t, [], workers);
  for (let i = 0; i < 6; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  for (const worker of workers) {
    worker.script = async (call) => {
      await call.body();
      await worker.kill();
    };
  }
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.status, 502);
  assert.equal(errorOf(response).code, 'request_lost_workers');
  assert.deepEqual(workers.map((worker) => worker.calls.length).sort(), [2, 3, 3]);
});

test('a reused connection that dies long after the request was sent is not replaced: the worker has had the request', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  await ask(router.port, { body: BODY });
  worker.script = async (call) => {
    await call.body();
    setTimeout(() => call.reset(), 700);
  };
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.status, 502);
  assert.equal(errorOf(response).code, 'call_upstream_reset');
  assert.equal(worker.calls.length, 2);
});

test('a fresh connection that dies before the answer is not replaced', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.reset());
  const router = await startTestRouter(t, [], [worker]);
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.status, 502);
  assert.equal(errorOf(response).code, 'call_upstream_reset');
  assert.equal(worker.calls.length, 1);
});

test('a reused connection is not replaced when bytes of an answer have come, even of an interim one', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const bytes of ['H', 'HTTP/1.1 200 OK\r\ncontent-le', 'HTTP/1.1 103 Early Hints\r\n\r\n']) {
    worker.script = answerJson;
    await ask(router.port, { body: BODY });
    worker.script = async (call) => {
      await call.body();
      await call.write(bytes);
      call.finish();
    };
    const before = worker.calls.length;
    const response = await ask(router.port, { body: BODY });
    assert.equal(response.status, 502);
    assert.equal(errorOf(response).code, 'call_upstream_reset');
    assert.equal(worker.calls.length, before + 1, bytes);
  }
});

test('a body that is streamed goes on a fresh connection, and is not sent twice', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
  await ask(router.port, { body: BODY });
  const body = Buffer.alloc(100_000, 'ab');
  assert.equal((await ask(router.port, { path: '/any', headers: { 'content-type': 'x/y' }, body })).status, 200);
  assert.equal(carriers(worker).size, 2);
  assert.ok((await worker.calls[1]!.body()).equals(body));
  worker.script = (call) => call.reset();
  const response = await ask(router.port, { path: '/any', headers: { 'content-type': 'x/y' }, body });
  assert.equal(response.status, 502);
  assert.equal(worker.calls.length, 3);
});

test('a stale connection that is replaced never takes the pool over its limit', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--max-connections-per-worker', '1'], [worker]);
  let most = 0;
  worker.script = async (call) => {
    most = Math.max(most, router.running.workerConnections());
    if (call.connection.requests > 1) call.reset();
    else await answerJson(call);
  };
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(router.port, { body: BODY })));
  assert.deepEqual(
    answers.map(({ status }) => status),
    answers.map(() => 200),
  );
  assert.equal(most, 1);
});

// ---- poisoned connections

test('a connection on which bytes come while it idles is closed', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  await ask(router.port, { body: BODY });
  const call = await worker.next();
  await until(() => call.connection.call === null, 'the connection to idle');
  await call.write(jsonAnswer({ forged: true }));
  await call.closed;
  assert.deepEqual((await ask(router.port, { body: BODY })).json(), { ok: true });
  assert.equal(carriers(worker).size, 2);
});

test('a connection on which bytes follow an answer is closed, and the answer still arrives', async (t) => {
  const extra = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged';
  const whole = [
    'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nreal\r\n0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
  ];
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const [i, text] of whole.entries()) {
    worker.script = async (call) => {
      await call.body();
      await call.write(text + extra);
    };
    const response = await ask(router.port, { body: BODY });
    assert.equal(response.text, text.includes('204') ? '' : 'real');
    await worker.calls[i]!.closed;
    assert.equal(carriers(worker).size, i + 1);
  }
});

// ---- connecting

/**
 * A worker in a process of its own that answers probes until it is told to go deaf: then it accepts no connection and
 * refuses none, because its backlog is full.
 */
async function startDeafWorker(t: TestContext): Promise<{ readonly url: string; goDeaf(): Promise<void> }> {
  const program = `
    import { writeSync } from 'node:fs';
    import http from 'node:http';
    const server = http.createServer((_, response) => response.writeHead(200, { connection: 'close' }).end());
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => writeSync(1, server.address().port + '\\n'));
    process.stdin.once('data', () => {
      writeSync(1, 'deaf\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`.replaceAll('\\\\', '\\');
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const fillers: net.Socket[] = [];
  t.after(() => {
    child.kill('SIGKILL');
    for (const socket of fillers) socket.destroy();
  });
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    said += data;
  });
  await until(() => said.includes('\n'), 'the port of the deaf worker');
  const port = Number.parseInt(said, 10);
  const goDeaf = async (): Promise<void> => {
    child.stdin.write('now');
    await until(() => said.includes('deaf'), 'the worker to go deaf');
    // More than the kernel queues: the last ones stay in the middle of connecting.
    for (let i = 0; i < 8; i++) fillers.push(net.connect(port, '127.0.0.1').on('error', () => {}));
    await until(() => fillers.some((socket) => !socket.connecting), 'the backlog to fill');
  };
  return { url: `http://127.0.0.1:${port}`, goDeaf };
}

test('a worker that refuses connections is passed over unseen, then skipped, and used again when it is back', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, [], workers);
  const [dead, alive] = workers as [ScriptedWorker, ScriptedWorker];
  await dead.kill();
  for (let i = 0; i < 6; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal(alive.calls.length, 6);
  assert.equal(router.running.fleet.current.eligible.regular.length, 1);
  await dead.listen();
  await router.untilEligible();
  for (let i = 0; i < 4; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal(dead.calls.length, 2);
  await router.assertQuiet();
});

test('when no worker can be reached the answer is 502 first, then 503, without an address', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  await worker.kill();
  const first = await ask(router.port, { body: BODY });
  assert.equal(first.status, 502);
  assert.equal(errorOf(first).code, 'call_upstream_connection_failed');
  const second = await ask(router.port, { body: BODY });
  assert.equal(second.status, 503);
  assert.equal(errorOf(second).code, 'no_available_workers');
  await router.assertQuiet();
});

test('a streamed body whose worker cannot be reached goes to another one, whole', async (t) => {
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], workers);
  await workers[0]!.kill();
  for (const framing of ['length', 'chunked']) {
    const body = Buffer.alloc(3_000_000, framing);
    const client = await router.connect();
    if (framing === 'length') await client.send(requestBytes({ path: '/any', headers: { 'content-type': 'x/y' }, body }));
    else {
      await client.send('POST /any HTTP/1.1\r\nhost: r\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let at = 0; at < body.length; at += 100_000) {
        await client.send(Buffer.concat([Buffer.from('186a0\r\n'), body.subarray(at, at + 100_000), Buffer.from('\r\n')]));
      }
      await client.send('0\r\n\r\n');
    }
    assert.equal((await client.response('POST')).status, 200);
    assert.ok((await workers[1]!.next().then((call) => call.body())).equals(body));
  }
});

test('a connection pool holds to its limit, queues, and serves the queue in order', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const gates = gated(worker);
  const router = await startTestRouter(t, ['--max-connections-per-worker', '2'], [worker]);
  const clients: RawClient[] = [];
  for (let i = 0; i < 6; i++) {
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY, headers: { 'x-request-id': `r${i}` } }));
    clients.push(client);
    await until(() => router.inflight() === i + 1, 'the request to be dispatched');
  }
  await until(() => gates.length === 2, 'two requests at the worker');
  assert.equal(router.running.workerConnections(), 2);
  for (let i = 0; i < 6; i++) {
    await until(() => gates.length > i, `request ${i}`);
    gates[i]!.open();
    assert.equal((await clients[i]!.response()).status, 200);
  }
  assert.deepEqual(
    worker.calls.map((call: Call) => call.header('x-request-id')),
    ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'],
  );
  assert.equal(carriers(worker).size, 2);
});

test('a request that finds the queue full, or waits too long in it, is answered 503', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const gates = gated(worker);
  const flags = ['--max-connections-per-worker', '1', '--upstream-queue-size', '1', '--upstream-queue-timeout-secs', '0.5'];
  const router = await startTestRouter(t, flags, [worker]);
  const first = ask(router.port, { body: BODY });
  await worker.next();
  const second = ask(router.port, { body: BODY });
  await until(() => router.inflight() === 2, 'the second request to wait');
  const third = await ask(router.port, { body: BODY });
  assert.equal(third.status, 503);
  assert.equal(errorOf(third).code, 'upstream_queue_full');
  const late = await second;
  assert.equal(late.status, 503);
  assert.equal(errorOf(late).code, 'upstream_queue_timeout');
  gates[0]!.open();
  assert.equal((await first).status, 200);
  await router.assertQuiet();
});

test('a request that waits in the queue with a streamed body is sent when its turn comes', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const gates = gated(worker);
  const router = await startTestRouter(t, ['--max-connections-per-worker', '1', '--max-replay-bytes', '1000'], [worker]);
  const first = ask(router.port, { body: BODY });
  await worker.next();
  const body = Buffer.alloc(2_000_000, 'abc');
  const second = ask(router.port, { path: '/any', headers: { 'content-type': 'x/y' }, body });
  await until(() => router.inflight() === 2, 'the second request to wait');
  gates[0]!.open();
  assert.equal((await first).status, 200);
  const call = await worker.next();
  assert.ok((await call.body()).equals(body));
  gates[1]!.open();
  assert.equal((await second).status, 200);
});

test('a client that leaves while its request waits in the queue gives up its place', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const gates = gated(worker);
  const router = await startTestRouter(t, ['--max-connections-per-worker', '1', '--upstream-queue-size', '1'], [worker]);
  const first = ask(router.port, { body: BODY });
  await worker.next();
  const leaver = await RawClient.connect(router.port);
  await leaver.send(requestBytes({ body: BODY }));
  await until(() => router.inflight() === 2, 'the request to wait');
  leaver.destroy();
  await until(() => router.inflight() === 1, 'the place to be free');
  const next = ask(router.port, { body: BODY, headers: { 'x-request-id': 'third' } });
  await until(() => router.inflight() === 2, 'the third to wait');
  gates[0]!.open();
  await first;
  assert.equal((await worker.next()).header('x-request-id'), 'third');
  gates[1]!.open();
  assert.equal((await next).status, 200);
  assert.equal(worker.calls.length, 2);
});

test('a worker that is removed finishes what it has, and then has no connection', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const gates = gated(worker);
  const router = await startTestRouter(t, ['--max-connections-per-worker', '1'], [worker]);
  const running = ask(router.port, { body: BODY });
  await worker.next();
  const waiting = ask(router.port, { body: BODY });
  await until(() => router.inflight() === 2, 'the second request to wait');
  const removed = await ask(router.port, { method: 'POST', path: `/remove_worker?url=${worker.url}` });
  assert.equal(removed.status, 200);
  const refused = await ask(router.port, { body: BODY });
  assert.equal(refused.status, 503);
  assert.equal(errorOf(refused).code, 'no_workers');
  gates[0]!.open();
  assert.equal((await running).status, 200);
  await until(() => gates.length === 2, 'the request that waited');
  gates[1]!.open();
  assert.equal((await waiting).status, 200);
  await until(() => worker.openSockets === 0, 'the connections to be closed');
});

test('connecting that takes too long is 504, or goes to another worker', async (t) => {
  const deaf = await startDeafWorker(t);
  const flags = ['--connect-timeout-secs', '0.3', '--health-check-interval-secs', '600', '--worker-urls', deaf.url];
  const router = await startTestRouter(t, flags, []);
  await router.untilEligible([deaf]);
  await deaf.goDeaf();
  const late = await ask(router.port, { body: BODY });
  assert.equal(late.status, 504);
  assert.equal(errorOf(late).code, 'call_upstream_timeout');
});

test('a request whose worker does not take connections goes to another one', async (t) => {
  const deaf = await startDeafWorker(t);
  const worker = await ScriptedWorker.start(t);
  const flags = ['--connect-timeout-secs', '0.3', '--health-check-interval-secs', '600', '--worker-urls', deaf.url, worker.url];
  const router = await startTestRouter(t, flags, []);
  await router.untilEligible([deaf, worker]);
  await deaf.goDeaf();
  for (let i = 0; i < 3; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal(worker.calls.length, 3);
});

test('a worker that is named by a host name is reached, and its Host field says that name', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const url = `http://localhost:${worker.port}`;
  const router = await startTestRouter(t, ['--worker-urls', url], []);
  await router.untilEligible([{ url }]);
  for (let i = 0; i < 3; i++) assert.equal((await ask(router.port, { body: BODY })).status, 200);
  assert.equal((await worker.next()).header('host'), `localhost:${worker.port}`);
  assert.equal(carriers(worker).size, 1);
});
