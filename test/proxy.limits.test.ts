/** Sizes, times and counts that a client cannot exceed. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ask, type RawClient, type RawResponse, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { ScriptedWorker } from './support/scripted-worker.ts';

async function refusal(client: RawClient, status: number, code: string): Promise<RawResponse> {
  const answer = await client.response();
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.get('x-smg-error-code'), code);
  assert.equal(answer.get('connection'), 'close');
  assert.equal((answer.json() as { error: { code: string } }).error.code, code);
  return answer;
}

suite('--max-payload-size', () => {
  const LIMIT = 100_000;
  const flags = ['--max-payload-size', String(LIMIT)];

  test('refuses a larger declared body without reading it, and takes the largest one', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, flags, [worker]);
    const client = await router.connect();
    await client.send(`POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: ${LIMIT + 1}\r\n\r\n`);
    await refusal(client, 413, 'payload_too_large');
    assert.equal(await client.closed(), 'fin');
    assert.equal(worker.calls.length, 0);
    const answer = await ask(router.port, { body: Buffer.alloc(LIMIT, 32) });
    assert.equal(answer.status, 200);
    assert.equal((await (await worker.next()).body()).length, LIMIT);
  });

  test('lets the client read the refusal although its body is on the way', async (t) => {
    const router = await startTestRouter(t, flags, []);
    const client = await router.connect();
    void client.send(`POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: 30000000\r\n\r\n`);
    void client.send(Buffer.alloc(30_000_000));
    await refusal(client, 413, 'payload_too_large');
    client.destroy();
  });

  for (const replay of [524_288, 1000]) {
    test(`refuses a chunked body as soon as it exceeds it (replay limit ${replay})`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      const router = await startTestRouter(t, [...flags, '--max-replay-bytes', String(replay)], [worker]);
      const client = await router.connect();
      const chunk = Buffer.concat([Buffer.from('2710\r\n'), Buffer.alloc(10_000, 97), Buffer.from('\r\n')]);
      await client.send('POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let i = 0; i < 10; i++) await client.send(chunk);
      assert.equal(client.receivedBytes, 0);
      await client.send('1\r\nb\r\n');
      await refusal(client, 413, 'payload_too_large');
      assert.equal(await client.closed(), 'fin');
      if (replay > LIMIT) assert.equal(worker.calls.length, 0);
      else {
        const call = await worker.next();
        await call.closed;
        assert.equal(call.message.done, false);
      }

      const good = await router.connect();
      await good.send('POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let i = 0; i < 10; i++) await good.send(chunk);
      await good.send('0\r\n\r\n');
      assert.equal((await good.response()).status, 200);
      assert.equal((await (await worker.next()).body()).length, LIMIT);
    });
  }

  test('holds for each body of a connection by itself', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, flags, [worker]);
    const client = await router.connect();
    for (let i = 0; i < 4; i++) {
      const size = 60_000;
      await client.send(`POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n`);
      await client.send(Buffer.concat([Buffer.alloc(size, 97), Buffer.from('\r\n0\r\n\r\n')]));
      assert.equal((await client.response()).status, 200);
    }
  });

  test('of routes that the router answers itself is smaller', async (t) => {
    const router = await startTestRouter(t, [], []);
    const client = await router.connect();
    void client.send('POST /workers HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3000000\r\n\r\n');
    void client.send(Buffer.alloc(3_000_000, 32));
    await refusal(client, 413, 'payload_too_large');
  });
});

// Most of the time they wait, so they wait together.
suite('time', { concurrency: true }, () => {
  test('a head that does not come in time is 408', async (t) => {
    const router = await startTestRouter(t, ['--header-timeout-secs', '0.2'], []);
    const client = await router.connect();
    const startMs = performance.now();
    await client.send('GET /liveness HTTP/1.1\r\nhost:');
    await refusal(client, 408, 'request_timeout');
    assert.ok(performance.now() - startMs < 1500);
    assert.equal(await client.closed(), 'fin');
  });

  test('bytes that trickle do not give a head more time', async (t) => {
    const router = await startTestRouter(t, ['--header-timeout-secs', '0.3'], []);
    const client = await router.connect();
    await client.send('GET /liveness HTTP/1.1\r\nhost: a\r\n');
    const timer = setInterval(() => void client.send('x: y\r\n'), 20);
    t.after(() => clearInterval(timer));
    await refusal(client, 408, 'request_timeout');
    clearInterval(timer);
  });

  test('a second request that does not come in time is 408 too, and the first is answered', async (t) => {
    const router = await startTestRouter(t, ['--header-timeout-secs', '0.2'], []);
    const client = await router.connect();
    await client.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\nGET /liv');
    assert.equal((await client.response()).text, 'OK');
    await refusal(client, 408, 'request_timeout');
  });

  test('a connection on which nothing comes at all is closed without an answer', async (t) => {
    const router = await startTestRouter(t, ['--header-timeout-secs', '0.2'], []);
    const client = await router.connect();
    assert.equal(await client.closed(), 'fin');
    assert.equal(client.receivedBytes, 0);
  });

  for (const replay of [524_288, 0]) {
    test(`a body that stops coming is 408, and one that goes on slowly is served (replay limit ${replay})`, async (t) => {
      const worker = await ScriptedWorker.start(t);
      const router = await startTestRouter(t, ['--body-timeout-secs', '1', '--max-replay-bytes', String(replay)], [worker]);
      for (const head of ['content-length: 100\r\n\r\nhalf', 'transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n']) {
        const stopped = await router.connect();
        await stopped.send(`POST /v1/x HTTP/1.1\r\nhost: a\r\n${head}`);
        await refusal(stopped, 408, 'request_timeout');
        assert.equal(await stopped.closed(), 'fin');
      }
      assert.ok(worker.calls.every((call) => !call.message.done));
      await router.assertQuiet();

      const slow = await router.connect();
      await slow.send('POST /v1/slow HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n');
      for (let i = 0; i < 10; i++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await slow.send('x');
      }
      assert.equal((await slow.response()).status, 200);
      assert.equal((await worker.calls.at(-1)?.body())?.toString(), 'xxxxxxxxxx');
    });
  }

  test('an answer that takes longer than the times of requests is not cut', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await new Promise((resolve) => setTimeout(resolve, 900));
      await call.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
    const flags = ['--header-timeout-secs', '0.2', '--body-timeout-secs', '0.2', '--keep-alive-timeout-secs', '0.2'];
    const router = await startTestRouter(t, flags, [worker]);
    assert.equal((await ask(router.port, { body: '{}' })).text, 'ok');
  });

  test('an answer that never comes is 504 after the time of a request', async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, ['--request-timeout-secs', '1'], [worker]);
    const client = await router.connect();
    const startMs = performance.now();
    await client.send('POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n');
    const answer = await client.response();
    assert.equal(answer.status, 504);
    assert.equal(answer.get('x-smg-error-code'), 'call_upstream_timeout');
    assert.ok(performance.now() - startMs >= 1000 && performance.now() - startMs < 2500);
    await (await worker.next()).closed;
    await client.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal((await client.response()).status, 200);
  });
});

suite('--max-connections', () => {
  test('answers 503 to the next connection and closes it, and takes another when one has gone', async (t) => {
    const router = await startTestRouter(t, ['--max-connections', '3'], []);
    const clients = [await router.connect(), await router.connect(), await router.connect()];
    for (const client of clients) {
      await client.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
      assert.equal((await client.response()).status, 200);
    }
    for (let i = 0; i < 3; i++) {
      const extra = await router.connect();
      await refusal(extra, 503, 'too_many_connections');
      assert.notEqual(await extra.closed(), 'local');
    }
    clients[0]?.destroy();
    await clients[1]!.until(() => router.running.connections() === 2, 'the connection to be forgotten');
    const next = await router.connect();
    await next.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal((await next.response()).status, 200);
  });

  test('lets a client read the 503 that sends its request at once', async (t) => {
    const router = await startTestRouter(t, ['--max-connections', '1'], []);
    const first = await router.connect();
    await first.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
    await first.response();
    for (let i = 0; i < 30; i++) {
      const extra = await router.connect();
      void extra.send(requestBytes({ body: Buffer.alloc(200_000) }));
      await refusal(extra, 503, 'too_many_connections');
      extra.destroy();
    }
    await first.send('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal((await first.response()).status, 200);
  });
});
