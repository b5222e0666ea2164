/** A client that leaves: whatever it was doing, the worker is let go at once and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { type Call, jsonAnswer, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { Stopwatch } from './support/stopwatch.ts';
import { gate, until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';

const WAYS: Readonly<Record<string, (client: RawClient) => void>> = {
  'with FIN on both sides': (client) => client.destroy(),
  'with RST': (client) => client.reset(),
  'with FIN of its sending side': (client) => client.finish(),
};

/** Longer would mean that something else than the client's leaving has let the worker go. */
const PROMPT_MS = 1500;

async function assertPrompt(call: Call, leave: () => void): Promise<void> {
  const watch = new Stopwatch();
  leave();
  await call.closed;
  assert.ok(watch.ms < PROMPT_MS, `${watch.ms} ms`);
}

for (const [how, go] of Object.entries(WAYS)) {
  test(`a client that leaves ${how} before the head of the answer`, async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    await assertPrompt(await worker.next(), () => go(client));
    await router.assertQuiet();
  });

  test(`a client that leaves ${how} in the middle of a stream`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write(sseHead());
      while (call.connection.isOpen) {
        await call.chunk('data: 1\n\n');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    await client.untilText('data: 1');
    await assertPrompt(await worker.next(), () => go(client));
    await router.assertQuiet();
  });

  test(`a client that leaves ${how} in the middle of an answer that pauses`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
      await call.forever();
    });
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    await client.untilText('half');
    await assertPrompt(await worker.next(), () => go(client));
    await router.assertQuiet();
  });

  test(`a client that leaves ${how} while its body is on the way to the worker`, async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
    for (const framing of ['content-length: 100000', 'transfer-encoding: chunked']) {
      const client = await router.connect();
      await client.send(`POST /any HTTP/1.1\r\nhost: r\r\n${framing}\r\n\r\n1000\r\n${'x'.repeat(4096)}\r\n`);
      const call = await worker.next();
      await until(() => call.bodyBytes > 0, 'some of the body');
      await assertPrompt(call, () => go(client));
    }
    await router.assertQuiet();
  });

  test(`a client that leaves ${how} before its body is whole troubles no worker`, async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send('POST /any HTTP/1.1\r\nhost: r\r\nexpect: 100-continue\r\ncontent-length: 100000\r\n\r\n');
    await client.untilText('100 Continue');
    await client.send('x'.repeat(50_000));
    go(client);
    await router.assertQuiet();
    assert.equal(worker.calls.length, 0);
  });

  test(`a client that leaves ${how} while pipelined requests wait: none of them is begun`, async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => call.forever());
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    await client.send(Buffer.concat(Array.from({ length: 5 }, () => requestBytes({ body: BODY }))));
    await assertPrompt(await worker.next(), () => go(client));
    await router.assertQuiet();
    assert.equal(worker.calls.length, 1);
  });

  test(`a client that leaves ${how} while it does not read a large answer`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n');
      await Promise.race([call.write(Buffer.alloc(100_000_000)), call.connection.closed]);
    });
    const router = await startTestRouter(t, [], [worker]);
    const client = await router.connect();
    client.socket.pause();
    await client.send(requestBytes({ body: BODY }));
    const call = await worker.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await assertPrompt(call, () => go(client));
    // A client that only stopped sending may still take what was written for it.
    client.destroy();
    await router.assertQuiet();
  });
}

test('a client that leaves during an upload that the worker does not take is noticed when the router next reads', async (t) => {
  const resumed = gate();
  const worker = await ScriptedWorker.start(t, async (call) => {
    call.connection.socket.pause();
    await resumed.promise;
    call.connection.socket.resume();
    await call.forever();
  });
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
  const client = await router.connect();
  await client.send('POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 100000000\r\n\r\n');
  void client.send(Buffer.alloc(50_000_000));
  const call = await worker.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  client.reset();
  resumed.open();
  await call.closed;
  await router.assertQuiet();
});

test('a client that leaves with more pipelined than is kept is noticed when the request under way ends, in any case', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.forever());
  const router = await startTestRouter(t, ['--request-timeout-secs', '1'], [worker]);
  const client = await router.connect();
  // Beyond 64 KiB the router reads no further, and who does not read does not see the end.
  const body = JSON.stringify({ text: 'x'.repeat(100_000) });
  await client.send(Buffer.concat([requestBytes({ body: BODY }), requestBytes({ body }), requestBytes({ body })]));
  const call = await worker.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.reset();
  await call.closed;
  await router.assertQuiet();
});

test('a client that leaves while the connection to its worker is not made yet', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (let i = 0; i < 30; i++) {
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    client.reset();
  }
  await router.assertQuiet();
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  assert.equal((await client.response()).status, 200);
});

test('a client that closes its sending side behind its request gets what the router itself answers at once, and no answer of a worker', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.forever());
  const router = await startTestRouter(t, [], [worker]);
  const probe = await router.connect();
  await probe.send(requestBytes({ path: '/liveness' }));
  probe.finish();
  assert.equal((await probe.response()).text, 'OK');
  assert.equal(await probe.closed(), 'fin');
  const client = await router.connect();
  await client.send(requestBytes({ path: '/v1/models' }));
  client.finish();
  assert.equal(await client.closed(), 'fin');
  assert.equal(client.receivedBytes, 0);
  await router.assertQuiet();
});

test('a client that closes after its answer has been written is no failure, and the worker is used again', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (let i = 0; i < 5; i++) {
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    await client.response();
    client.finish();
    assert.equal(await client.closed(), 'fin');
  }
  await router.assertQuiet();
  assert.equal(new Set(worker.calls.map((call) => call.connection)).size, 1);
});

test('a client that asks much and reads nothing gets no more answers than it has room for', async (t) => {
  // Small enough to come in one read: its exchange is over at once, and cannot hold the worker back.
  const whole = jsonAnswer({ text: 'x'.repeat(30_000) });
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(whole);
  });
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  client.socket.pause();
  const request = requestBytes({ path: '/any' });
  await client.send(Buffer.concat(Array.from({ length: 1000 }, () => request)));
  let before = -1;
  while (before !== worker.calls.length) {
    before = worker.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(worker.calls.length < 600, `${worker.calls.length} answers that nobody reads`);
  client.socket.resume();
  await until(() => worker.calls.length === 1000, 'the other requests', 30_000);
  await until(() => client.receivedBytes > 1000 * whole.length, 'all answers');
});

test('the same holds for answers of the router itself', async (t) => {
  const router = await startTestRouter(t, [], []);
  const client = await router.connect();
  client.socket.pause();
  const request = requestBytes({ path: '/workers' });
  const isStuck = await Promise.race([
    (async () => {
      // Far more than the sockets between them hold.
      for (let i = 0; i < 3000; i++) await client.send(Buffer.concat(Array.from({ length: 100 }, () => request)));
      return false;
    })(),
    new Promise<boolean>((resolve) => setTimeout(resolve, 3000, true)),
  ]);
  assert.ok(isStuck, 'the router reads requests whose answers nobody takes');
});

test('a client that has sent FIN and does not read its answers does not keep its connection for ever', async (t) => {
  const whole = jsonAnswer({ text: 'x'.repeat(30_000) });
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(whole);
  });
  const router = await startTestRouter(t, ['--keep-alive-timeout-secs', '0.3'], [worker]);
  const client = await router.connect();
  client.socket.pause();
  const request = requestBytes({ path: '/any' });
  await client.send(Buffer.concat(Array.from({ length: 1000 }, () => request)));
  let before = -1;
  while (before !== worker.calls.length) {
    before = worker.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  client.finish();
  await until(() => router.running.connections() === 0, 'the connection to be given up');
  // Given up means closed: what the router still had for the client is gone.
  client.socket.resume();
  await client.closed();
  const answers = client.received.toString('latin1').split('x"}').length - 1;
  assert.ok(answers < worker.calls.length, `${answers} of ${worker.calls.length} answers`);
});
