/** What happens when time runs out: before the head of an answer, in the middle of it, and when it is the client who is slow. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answerJson, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { ownPause } from './support/stopwatch.ts';
import { gate, until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';

// Most of the time they wait, so they wait together.
suite('time limits', { concurrency: 4 }, () => {
  test('a worker that does not begin to answer within the request timeout is let go, and the client gets 504', async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, ['--request-timeout-secs', '1'], [worker]);
    const startMs = performance.now();
    const response = await ask(router.port, { body: BODY });
    const tookMs = performance.now() - startMs;
    assert.equal(response.status, 504);
    assert.equal(response.get('x-smg-error-code'), 'call_upstream_timeout');
    assert.doesNotMatch(response.text, /127\.0\.0\.1/);
    assert.ok(tookMs >= 1000 && tookMs < 4000, `${tookMs} ms`);
    await (await worker.next()).closed;
    await router.assertQuiet();
  });

  test('the connection of the client goes on after a 504', async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, ['--request-timeout-secs', '1'], [worker]);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    assert.equal((await client.response()).status, 504);
    worker.script = answerJson;
    await client.send(requestBytes({ body: BODY }));
    assert.equal((await client.response()).status, 200);
  });

  test('a stream that is not over within the request timeout ends with an error event and no [DONE]', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write(sseHead());
      while (call.connection.isOpen) {
        await call.chunk('data: {"a":1}\n\n');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const router = await startTestRouter(t, ['--request-timeout-secs', '1'], [worker]);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    assert.equal(await client.closed(), 'fin');
    const text = client.received.toString();
    assert.match(text, /call_upstream_timeout/);
    assert.doesNotMatch(text, /\[DONE\]|\r\n0\r\n/);
    await router.assertQuiet();
  });

  test('silence within a stream beyond the idle timeout ends it with an error event', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write(sseHead());
      // Slow, but never silent for too long.
      for (let i = 0; i < 6; i++) {
        await call.chunk(`data: ${i}\n\n`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await call.forever();
    });
    const router = await startTestRouter(t, ['--stream-idle-timeout-secs', '0.6'], [worker]);
    const startMs = performance.now();
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    assert.equal(await client.closed(), 'fin');
    const tookMs = performance.now() - startMs;
    assert.match(client.received.toString(), /data: 5\n\n[\s\S]*call_upstream_timeout/);
    assert.ok(tookMs > 1600 && tookMs < 5000, `${tookMs} ms`);
    await router.assertQuiet();
  });

  test('the idle timeout of a stream says nothing about the time before its head', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      await call.write(sseHead());
      await call.chunk('data: 1\n\n');
      await call.write(LAST_CHUNK);
    });
    const router = await startTestRouter(t, ['--stream-idle-timeout-secs', '0.3'], [worker]);
    assert.equal((await ask(router.port, { body: BODY })).text, 'data: 1\n\n');
  });

  test('time in which the client does not read is not the silence of the worker', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--stream-idle-timeout-secs', '2'], [worker]);
    const client = await router.connect();
    const blocked = gate();
    const resumed = gate();
    const event = `data: ${'x'.repeat(60_000)}\n\n`;
    let sent = 0;
    worker.script = async (call) => {
      await call.write(sseHead());
      let isBlocked = false;
      while (!isBlocked) {
        sent++;
        const written = call.chunk(event).then(() => 'written');
        isBlocked = (await Promise.race([written, ownPause(200, written)])) !== 'written';
      }
      blocked.open();
      await resumed.promise;
      // The client reads again; the worker takes a moment.
      await new Promise((resolve) => setTimeout(resolve, 350));
      await call.chunk('data: [DONE]\n\n');
      await call.write(LAST_CHUNK);
    };
    client.socket.pause();
    await client.send(requestBytes({ body: BODY }));
    await blocked.promise;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    client.socket.resume();
    resumed.open();
    await until(() => client.receivedBytes >= sent * event.length, 'what the worker sent before');
    await client.untilText('\r\n0\r\n\r\n');
    assert.equal((await client.response()).body.length, sent * event.length + 'data: [DONE]\n\n'.length);
  });

  test('a worker that falls silent after the client has stalled and read again is let go', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--stream-idle-timeout-secs', '0.5'], [worker]);
    const client = await router.connect();
    const piece = 'x'.repeat(1_000_000);
    worker.script = async (call) => {
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: x/y\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let i = 0; i < 20; i++) await call.chunk(piece);
      await call.forever();
    };
    client.socket.pause();
    await client.send(requestBytes({ body: BODY }));
    // Longer than the idle timeout, so that its check finds the client stalled.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    client.socket.resume();
    await until(() => client.receivedBytes >= 20_000_000, 'all that the worker has sent');
    const startMs = performance.now();
    assert.equal(await client.closed(), 'fin');
    assert.ok(performance.now() - startMs < 4000);
    await router.assertQuiet();
  });

  test('an upload that ends after the answer has begun leaves the idle timeout in force', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write(sseHead());
      await call.body();
      await call.chunk('data: 1\n\n');
      // Over the idle timeout since the request began, but never silent for that long.
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        await call.chunk('data: more\n\n');
      }
      await call.forever();
    });
    const router = await startTestRouter(t, ['--stream-idle-timeout-secs', '0.7', '--max-replay-bytes', '1000'], [worker]);
    const client = await router.connect();
    await client.send(`POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 6000\r\n\r\n${'x'.repeat(3000)}`);
    await client.untilText('text/event-stream');
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await client.send('y'.repeat(1000));
    }
    const startMs = performance.now();
    assert.equal(await client.closed(), 'fin');
    const tookMs = performance.now() - startMs;
    assert.equal(client.received.toString().match(/data: more/g)?.length, 4);
    assert.ok(tookMs > 1200 && tookMs < 5000, `${tookMs} ms`);
  });

  test('a client that stops sending its body gets 408; one that the worker holds up does not', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--body-timeout-secs', '0.4', '--max-replay-bytes', '1000'], [worker]);
    const client = await router.connect();
    await client.send('POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 6000\r\n\r\nabc');
    assert.equal((await client.response()).status, 408);
    assert.equal(await client.closed(), 'fin');

    const slow = await router.connect();
    worker.script = async (call) => {
      call.connection.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 1200));
      call.connection.socket.resume();
      await answerJson(call);
    };
    const body = Buffer.alloc(30_000_000);
    await slow.send(`POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: ${body.length}\r\n\r\n`);
    void slow.send(body);
    assert.equal((await slow.response()).status, 200);
  });

  test('a streamed body that stops in the middle lets the worker go', async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, ['--body-timeout-secs', '0.4', '--max-replay-bytes', '1000'], [worker]);
    const client = await router.connect();
    await client.send(`POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 6000\r\n\r\n${'x'.repeat(3000)}`);
    const call = await worker.next();
    assert.equal((await client.response()).status, 408);
    await call.closed;
    await router.assertQuiet();
  });

  test('a worker that takes no more of a streamed body is let go after the request timeout', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      call.connection.socket.pause();
      await call.forever();
    });
    const router = await startTestRouter(t, ['--request-timeout-secs', '1', '--max-replay-bytes', '1000'], [worker]);
    const client = await router.connect();
    await client.send('POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 50000000\r\n\r\n');
    void client.send(Buffer.alloc(50_000_000));
    assert.equal((await client.response()).status, 504);
    await until(() => router.inflight() === 0, 'the attempt to end');
  });
});
