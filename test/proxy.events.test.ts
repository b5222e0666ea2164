/** Event streams: every byte, whole events only, and each as soon as it is there. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import type { Rng } from '../src/base/core/rng.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { startMemoryRouter } from './support/memory-router.ts';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';

const ENDS = ['\n\n', '\r\n\r\n', '\r\r', '\n\n\n', '\r\n\n'];
const STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';

function randomEvents(rng: Rng, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) {
    const kind = rng.below(8);
    if (kind === 0) text += `: comment ${i}`;
    else if (kind === 1) text += `event: e${i}\ndata: {"i":${i}}\r\ndata: more`;
    else if (kind === 2) text += `data: ${'x'.repeat(rng.below(5000))}`;
    else text += `data: {"choices":[{"delta":{"content":"token ${i} \u00e9"}}]}`;
    text += ENDS[rng.below(ENDS.length)]!;
  }
  return rng.below(4) === 0 ? `${text}data: the last one has no end` : `${text}data: [DONE]\n\n`;
}

function pieces(rng: Rng, bytes: Buffer, most: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + rng.below(most);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

test('a stream arrives byte for byte, however its events lie in chunks and its chunks in packets', async (t) => {
  const rng = createRng(5);
  let packets: readonly Buffer[] = [];
  let isUntilClose = false;
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    for (const packet of packets) {
      await call.write(packet);
      if (rng.below(2) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (isUntilClose) call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  for (let run = 0; run < 60; run++) {
    const body = Buffer.from(randomEvents(rng, 1 + rng.below(30)));
    isUntilClose = run % 5 === 0;
    const isLength = run % 5 === 1;
    const chunked = pieces(rng, body, run % 3 === 0 ? 40 : 3000).map((piece) =>
      Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
    );
    const message = isUntilClose
      ? Buffer.concat([Buffer.from(`${STREAM}\r\n`), body])
      : isLength
        ? Buffer.concat([Buffer.from(`${STREAM}content-length: ${body.length}\r\n\r\n`), body])
        : Buffer.concat([Buffer.from(`${STREAM}transfer-encoding: chunked\r\n\r\n`), ...chunked, Buffer.from('0\r\n\r\n')]);
    packets = pieces(rng, message, run % 2 === 0 ? 100 : 20_000);
    const version = run % 7 === 6 ? '1.0' : '1.1';
    const client = await router.connect();
    await client.send(`POST /generate HTTP/${version}\r\nhost: r\r\ncontent-length: 2\r\n\r\n{}`);
    const answer = await client.response();
    assert.ok(answer.body.equals(body), `run ${run}: ${JSON.stringify(answer.text.slice(0, 300))}`);
    client.destroy();
  }
});

test('an event larger than what is held passes, and the events around it stay whole', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const large = `data: ${'L'.repeat(300_000)}\n\n`;
  for (const chunkBytes of [1000, 65_536, 70_000, 400_000]) {
    const body = Buffer.from(`data: before\n\n${large}data: between\n\n${large}data: [DONE]\n\n`);
    worker.script = async (call) => {
      await call.body();
      await call.write(`${STREAM}transfer-encoding: chunked\r\n\r\n`);
      for (let at = 0; at < body.length; at += chunkBytes) await call.chunk(body.subarray(at, at + chunkBytes));
      await call.write('0\r\n\r\n');
    };
    const client = await router.connect();
    await client.send(requestBytes({ body: '{}' }));
    assert.ok((await client.response()).body.equals(body), `chunks of ${chunkBytes}`);
    client.destroy();
  }
});

/**
 * What is written to sockets of this process while `run` runs, and until the end of that turn of the event loop: bytes by calls of
 * write, text where it reaches the handle of the socket, for it may go past write (src/router/proxy/client/handle-writer.ts).
 */
async function writesDuring(socket: net.Socket, run: () => void): Promise<string[]> {
  const writes: string[] = [];
  const { write } = net.Socket.prototype;
  const handle = Object.getPrototypeOf((socket as unknown as { _handle: object })._handle);
  const { writeLatin1String } = handle;
  net.Socket.prototype.write = function (this: net.Socket, ...args: unknown[]): boolean {
    if (typeof args[0] !== 'string') writes.push(String(args[0]));
    return Reflect.apply(write, this, args);
  } as typeof write;
  handle.writeLatin1String = function (this: object, ...args: unknown[]): number {
    writes.push(String(args[1]));
    return Reflect.apply(writeLatin1String, this, args);
  };
  try {
    run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    net.Socket.prototype.write = write;
    handle.writeLatin1String = writeLatin1String;
  }
  return writes;
}

test('what comes in one read leaves with one write in the same turn, the head with the first of it', async (t) => {
  const router = await startMemoryRouter(t, 1);
  const client = await router.connect();
  await client.send(requestBytes({ body: '{}' }));
  const flight = await router.upstreams[0]!.next();
  const head = `${STREAM}transfer-encoding: chunked\r\n\r\n`;
  assert.deepEqual(await writesDuring(client.socket, () => flight.head(head)), []);
  const first = await writesDuring(client.socket, () => flight.chunks(['data: 1\n\n', 'data: 2\n\n']));
  assert.equal(first.length, 1);
  assert.match(first[0] ?? '', /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n$/);
  assert.deepEqual(await writesDuring(client.socket, () => flight.chunks(['data: 3\n\n'])), ['9\r\ndata: 3\n\n\r\n']);
  assert.deepEqual(await writesDuring(client.socket, () => flight.data('data: 4\n\ndata: 5\n\n')), ['12\r\ndata: 4\n\ndata: 5\n\n\r\n']);
  // Half an event waits for its end.
  assert.deepEqual(await writesDuring(client.socket, () => flight.data('data: 6\n\nda')), ['9\r\ndata: 6\n\n\r\n']);
  assert.deepEqual(await writesDuring(client.socket, () => flight.chunks(['ta: ', '7\n'])), []);
  const joined = await writesDuring(client.socket, () => flight.chunks(['\n', 'data: 8\n\n']));
  assert.equal(joined.join('').replaceAll(/[0-9a-f]+\r\n|\r\n/g, ''), 'data: 7\n\ndata: 8\n\n');
  assert.deepEqual(await writesDuring(client.socket, () => flight.end()), ['0\r\n\r\n']);
  assert.equal((await client.response()).text.match(/data: \d\n\n/g)?.length, 8);
});

test('the head of an answer whose body does not come yet does not wait for it', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const fields of [
    'content-type: text/event-stream\r\ntransfer-encoding: chunked',
    'content-length: 10',
    'transfer-encoding: chunked',
  ]) {
    const client = await router.connect();
    worker.script = async (call) => {
      await call.body();
      await call.write(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
      await client.untilText('\r\n\r\n');
      await call.write(fields.startsWith('content-length') ? '0123456789' : '0\r\n\r\n');
    };
    await client.send(requestBytes({ body: '{}' }));
    assert.equal((await client.response()).status, 200);
    client.destroy();
  }
});

test('event streams say that they must not be buffered, other answers do not', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const [fields, wanted] of [
    [{ 'content-type': 'text/event-stream' }, ['no']],
    [{ 'x-accel-buffering': 'yes', 'content-type': 'Text/Event-Stream; charset=utf-8' }, ['no']],
    [{ 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }, ['no']],
    [{ 'content-type': 'application/json' }, []],
  ] as const) {
    worker.script = async (call) => {
      await call.body();
      await call.write(answer(200, fields, 'data: 1\n\n'));
    };
    const got = await ask(router.port, { body: '{}' });
    assert.deepEqual(got.all('x-accel-buffering'), wanted);
  }
});

test('a silent stream gets comments, before the first event and between events, and none within one', async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => call.forever());
  const router = await startTestRouter(t, ['--sse-keepalive-secs', '0.1'], [worker]);
  const client = await router.connect();
  await client.send(requestBytes({ body: '{}' }));
  const call = await worker.next();
  await call.body();
  await call.write(sseHead());
  await client.until((received) => received.toString().split(': keep-alive\n\n').length > 3, 'three comments before the first event');
  await call.chunk('data: {"i":1}\n\ndata: {"i"');
  const before = client.receivedBytes;
  await client.until((received) => received.subarray(before).includes(': keep-alive'), 'a comment while half an event is held');
  await call.chunk(':2}\n\n');
  await client.untilText(':2}');
  // An event that is too long to be held leaves in pieces.
  await call.chunk(`data: ${'x'.repeat(100_000)}`);
  await client.untilText('xxx');
  const whole = client.receivedBytes;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(client.received.subarray(whole).includes('keep-alive'), false);
  await call.chunk('y\n\n');
  await call.chunk('data: [DONE]\n\n');
  await call.write(LAST_CHUNK);
  const text = (await client.response('POST')).text;
  assert.equal(
    text.replaceAll(': keep-alive\n\n', ''),
    `data: {"i":1}\n\ndata: {"i":2}\n\ndata: ${'x'.repeat(100_000)}y\n\ndata: [DONE]\n\n`,
  );
});

test('answers that are no event streams, or have a length, get no comments', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--sse-keepalive-secs', '0.05'], [worker]);
  for (const head of ['content-type: text/event-stream\r\ncontent-length: 18', 'content-type: application/json\r\ncontent-length: 18']) {
    worker.script = async (call) => {
      await call.body();
      await call.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\ndata: 1\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await call.write('data: 2\n\n');
    };
    assert.equal((await ask(router.port, { body: '{}' })).text, 'data: 1\n\ndata: 2\n\n');
  }
});
