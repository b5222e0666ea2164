/** Events that come one by one for a client that reads now and then: the kernel takes a part of one, and the rest must follow it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { type Call, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

/** More than the kernel holds for one connection, on both sides of the router. */
const ENOUGH = 40_000;

interface Stalled {
  readonly router: TestRouter;
  readonly client: RawClient;
  readonly call: Call;
  /** Events that the worker has sent so far. */
  sent(): number;
  /** The worker sends no more, but ends. */
  stop(): void;
}

function event(i: number): string {
  return `data: {"i":${i},"text":"${'y'.repeat(900 + (i % 97))}"}\n\n`;
}

/** A stream whose client has not read until the worker could send no more. */
async function stalled(t: TestContext): Promise<Stalled> {
  let sent = 0;
  let isStopped = false;
  let calls: Call[] = [];
  const worker = await ScriptedWorker.start(t, async (call) => {
    calls = [call];
    await call.body();
    await call.write(sseHead());
    while (sent < ENOUGH && !isStopped && call.connection.isOpen) {
      await Promise.race([call.chunk(event(sent)), call.connection.closed]);
      sent++;
      // One event for each read of the router.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (call.connection.isOpen) await call.write(LAST_CHUNK);
  });
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  t.after(() => client.destroy());
  await client.send(requestBytes({ body: '{"stream":true}' }));
  client.socket.pause();
  let last = -1;
  await until(() => sent > 0, 'the first event');
  while (sent !== last) {
    last = sent;
    await sleep(300);
  }
  assert.ok(sent < ENOUGH, 'the worker was held up');
  return {
    router,
    client,
    call: calls[0]!,
    sent: () => sent,
    stop: () => {
      isStopped = true;
    },
  };
}

/** Payload without its framing, which no event has a part of, and whether the last chunk came. */
function bodyOf(client: RawClient): { text: string; isWhole: boolean } {
  const received = client.received.toString('latin1');
  const pieces = received.slice(received.indexOf('\r\n\r\n') + 4).split('\r\n');
  return { text: pieces.filter((_, i) => i % 2 === 1).join(''), isWhole: received.endsWith(LAST_CHUNK) };
}

function events(count: number): string {
  return Array.from({ length: count }, (_, i) => event(i)).join('');
}

test('a client that stops and goes gets every event, in order', async (t) => {
  const { client, stop, sent, router } = await stalled(t);
  for (let i = 0; i < 5; i++) {
    const before = client.receivedBytes;
    client.socket.resume();
    await until(() => client.receivedBytes > before, 'more bytes');
    await sleep(5);
    client.socket.pause();
    await sleep(100);
  }
  stop();
  let isOver = false;
  client.socket.on('data', (data: Buffer) => {
    isOver = data.subarray(-LAST_CHUNK.length).toString('latin1') === LAST_CHUNK;
  });
  client.socket.resume();
  await until(() => isOver, 'the end of the answer');
  const { text, isWhole } = bodyOf(client);
  assert.ok(text === events(sent()), 'the events as the worker sent them');
  assert.equal(isWhole, true);
  await until(() => router.inflight() === 0, 'the end of the exchange');
});

test('the worker of a client that leaves without reading is let go', async (t) => {
  const { client, call, router } = await stalled(t);
  client.reset();
  await call.connection.closed;
  await until(() => router.inflight() === 0, 'the end of the exchange');
});

test('a worker that dies meanwhile leaves whole events and an error', async (t) => {
  const { client, call, router } = await stalled(t);
  call.reset();
  // The router does not read from the worker now, and sees it when it does.
  client.socket.resume();
  await client.closed();
  await until(() => router.inflight() === 0, 'the end of the exchange');
  const { text, isWhole } = bodyOf(client);
  const at = text.lastIndexOf('data: {"error"');
  assert.ok(at > 0, 'an error event');
  const count = text.slice(0, at).split('\n\n').length - 1;
  assert.ok(text.slice(0, at) === events(count), 'whole events in front of it');
  assert.equal(isWhole, false);
});

test('what a stopped client has not read yet still reaches it after the end of the answer', async (t) => {
  const { client, stop, sent, router } = await stalled(t);
  stop();
  const before = client.receivedBytes;
  client.socket.resume();
  await until(() => client.receivedBytes > before, 'more bytes');
  client.finish();
  await sleep(50);
  client.socket.pause();
  await sleep(200);
  client.socket.resume();
  await client.closed();
  assert.ok(events(sent()).startsWith(bodyOf(client).text), 'nothing but what the worker sent');
  await until(() => router.inflight() === 0, 'the end of the exchange');
});
