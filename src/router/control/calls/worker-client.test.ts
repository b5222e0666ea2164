import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { HTTP1, type Worker } from '../../../base/core/worker.ts';
import { parseWorkerAddress } from '../../../base/core/worker-address.ts';
import { realClock } from '../../../base/runtime/clock.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import { type CallResult, createWorkerClient } from './worker-client.ts';

function workerAt(url: string): Worker {
  const parsed = parseWorkerAddress(url);
  assert.ok(parsed.ok);
  return {
    ...DEFAULT_OPTIONS,
    ...parsed.address,
    index: 0,
    id: '',
    modelId: 'unknown',
    rank: null,
    maxRunningRequests: null,
    kvTokens: null,
    protocol: HTTP1,
  };
}

/** A server that says `reply` to whatever it gets, and then does what `then` does. Answers its port. */
async function startServer(t: TestContext, reply: string, then: (socket: Socket) => void = () => {}, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      if (reply !== '') socket.write(reply);
      then(socket);
    });
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // A TCP server's address has a port.
}

async function get(url: string, limits = { timeoutMs: 5000, bodyBytes: 1000 }, signal = new AbortController().signal): Promise<CallResult> {
  const calls = createWorkerClient(realClock).open(workerAt(url), signal);
  try {
    return await calls.get('/x', limits);
  } finally {
    await calls.close();
  }
}

function failureOf(result: CallResult): string {
  return result.ok ? `status ${result.status}` : result.failure;
}

test('an answer comes with its status and body, from names and IPv6 addresses too', async (t) => {
  const reply = 'HTTP/1.1 418 No\r\nContent-Length: 2\r\n\r\nhi';
  const port = await startServer(t, reply);
  for (const host of ['127.0.0.1', 'localhost']) {
    assert.deepEqual(await get(`http://${host}:${port}`), { ok: true, status: 418, body: Buffer.from('hi') });
  }
  const sixth = await startServer(t, reply, () => {}, '::1').catch(() => null);
  if (sixth === null) return t.diagnostic('this machine has no IPv6');
  assert.equal(failureOf(await get(`http://[::1]:${sixth}`)), 'status 418');
});

test('a port where nothing listens is no connection', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server's address has a port.
  server.close();
  await once(server, 'close');
  assert.deepEqual(await get(`http://127.0.0.1:${port}`), { ok: false, failure: 'no-connection', detail: 'ECONNREFUSED' });
  const plain = await startServer(t, 'HTTP/1.1 200 OK\r\n\r\n', (socket) => socket.end());
  assert.equal(failureOf(await get(`https://127.0.0.1:${plain}`)), 'no-connection', 'no TLS, no connection');
});

test('a connection that breaks, and an answer that is not HTTP, differ from one that is slow', async (t) => {
  const resets = await startServer(t, '', (socket) => socket.resetAndDestroy());
  const closes = await startServer(t, '', (socket) => socket.end());
  const babbles = await startServer(t, 'SSH-2.0-x\r\n');
  const cuts = await startServer(t, 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi', (socket) => socket.resetAndDestroy());
  const hangs = await startServer(t, '');
  const dribbles = await startServer(t, 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi');
  for (const port of [resets, closes, babbles, cuts]) assert.equal(failureOf(await get(`http://127.0.0.1:${port}`)), 'broken');
  for (const port of [hangs, dribbles]) {
    assert.equal(failureOf(await get(`http://127.0.0.1:${port}`, { timeoutMs: 50, bodyBytes: 1000 })), 'slow');
  }
});

test('a body is read up to its limit, and not at all when it is not wanted', async (t) => {
  const large = await startServer(t, `HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n${'x'.repeat(1001)}`);
  assert.equal(failureOf(await get(`http://127.0.0.1:${large}`)), 'too-large');
  const endless = await startServer(t, 'HTTP/1.1 200 OK\r\n\r\nhi');
  assert.equal(failureOf(await get(`http://127.0.0.1:${endless}`, { timeoutMs: 5000, bodyBytes: 0 })), 'status 200');
});

test('an abort ends a call at once, and one that comes before it too', async (t) => {
  const hangs = await startServer(t, '');
  const controller = new AbortController();
  const call = get(`http://127.0.0.1:${hangs}`, { timeoutMs: 5000, bodyBytes: 0 }, controller.signal);
  setImmediate(() => controller.abort());
  assert.equal(failureOf(await call), 'aborted');
  assert.equal(failureOf(await get(`http://127.0.0.1:${hangs}`, { timeoutMs: 5000, bodyBytes: 0 }, AbortSignal.abort())), 'aborted');
});
