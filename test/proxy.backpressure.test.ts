/** Sides that do not read: memory stays bounded, seen from outside of the process, and every byte arrives when they read again. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import { Program } from './support/program.ts';
import { ask } from './support/raw-client.ts';
import { type Call, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const MIB = 1024 * 1024;
const STREAMS = 40;
const ANSWER_BYTES = 100 * MIB;
const UPLOAD_BYTES = 50 * MIB;

interface Spawned {
  readonly port: number;
  /** Resident memory of its process now (Linux). */
  residentBytes(): number;
  connections(): Promise<number>;
}

async function startRouter(t: TestContext, worker: ScriptedWorker, flags: readonly string[] = []): Promise<Spawned> {
  const args = [
    '--port',
    '0',
    '--prometheus-port',
    '0',
    '--log-json',
    '--access-log',
    'off',
    '--metrics-path',
    '/metrics',
    '--forward-paths',
    '/*',
  ];
  const program = Program.start(t, 'router', [...args, '--worker-urls', worker.url, ...flags]);
  await program.says('router listens');
  const port = Number(program.logged('router listens')[0]?.['port']);
  const pid = program.child.pid ?? -1;
  let isReady = false;
  while (!isReady) isReady = (await ask(port, { path: '/readiness' })).status === 200;
  // Its code is compiled, and its heap has the size that moving much data gives it.
  for (let i = 0; i < 100; i++) await ask(port, { path: '/warm' });
  for (let i = 0; i < 3; i++) {
    const response = await exchange(port, '/warm', pattern(20 * MIB));
    for await (const _ of response);
  }
  return {
    port,
    residentBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
    connections: async () => {
      const { text } = await ask(port, { path: '/metrics' });
      return Number(/^smg_http_connections_active(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1]);
    },
  };
}

const UNIT = Buffer.from(Array.from({ length: 89 }, (_, i) => 32 + i));

/** Bytes that repeat with no period that any buffer has. */
function pattern(bytes: number): Buffer {
  return Buffer.alloc(bytes, UNIT);
}

const BLOCK = pattern(89 * 2000);
const EVENTS = Buffer.from(Array.from({ length: 300 }, (_, i) => `data: {"i":${i},"text":"${'y'.repeat(i % 97)}"}\n\n`).join(''));

const KINDS: Readonly<Record<string, { readonly head: string; readonly payload: Buffer; readonly isChunked: boolean }>> = {
  'an answer with a length': {
    head: `content-length: ${ANSWER_BYTES - (ANSWER_BYTES % BLOCK.length)}\r\n`,
    payload: BLOCK,
    isChunked: false,
  },
  'a chunked answer': { head: 'transfer-encoding: chunked\r\n', payload: BLOCK, isChunked: true },
  'an event stream': { head: 'content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n', payload: EVENTS, isChunked: true },
};

/** Writes `payload` until ANSWER_BYTES are reached, as fast as the router takes it. */
async function pour(call: Call, kind: (typeof KINDS)[string]): Promise<void> {
  const { payload, isChunked } = kind;
  await call.write(`HTTP/1.1 200 OK\r\n${kind.head}\r\n`);
  const piece = isChunked ? Buffer.concat([Buffer.from(`${payload.length.toString(16)}\r\n`), payload, Buffer.from('\r\n')]) : payload;
  const times = Math.floor(ANSWER_BYTES / payload.length);
  const { socket } = call.connection;
  for (let i = 0; i < times && !socket.destroyed; i++) await call.write(piece);
  if (isChunked && !socket.destroyed) await call.write('0\r\n\r\n');
}

function hashOf(payload: Buffer): { hash: string; bytes: number } {
  const hash = createHash('sha1');
  const times = Math.floor(ANSWER_BYTES / payload.length);
  for (let i = 0; i < times; i++) hash.update(payload);
  return { hash: hash.digest('hex'), bytes: times * payload.length };
}

/** Resolves with the head; the body is read when somebody reads it. */
function exchange(port: number, path: string, body: Buffer | null = null): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, agent: false, method: body === null ? 'GET' : 'POST' }, (response) => {
      response.on('error', () => {});
      response.pause();
      resolve(response);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Each of the streams that stand still takes less than 1 MiB; what is only garbage is collected as other work goes on. */
async function assertCheap(t: TestContext, router: Spawned, beforeBytes: number): Promise<void> {
  let perStream = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 60 && perStream >= MIB / 2; i++) {
    perStream = (router.residentBytes() - beforeBytes) / STREAMS;
    const response = await exchange(router.port, '/warm', pattern(2 * MIB));
    for await (const _ of response);
  }
  t.diagnostic(`${(perStream / 1024).toFixed(0)} KiB per stream`);
  assert.ok(perStream < MIB, `${perStream} bytes per stream`);
}

/** Waits until nothing has moved for a while. */
async function untilStill(value: () => number): Promise<void> {
  let before = -1;
  while (before !== value()) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name} of 100 MiB that the client does not read costs less than 1 MiB, and goes on when it reads`, {
    timeout: 120_000,
  }, async (t) => {
    const worker = await ScriptedWorker.start(t, (call) => (call.target === '/warm' ? warm(call) : pour(call, kind)));
    const router = await startRouter(t, worker);
    const sent = (): number => worker.connections.reduce((sum, { socket }) => sum + socket.bytesWritten, 0);
    const before = router.residentBytes();
    const answers: http.IncomingMessage[] = [];
    for (let i = 0; i < STREAMS; i++) answers.push(await exchange(router.port, '/stream'));
    await untilStill(sent);
    await assertCheap(t, router, before);

    // One reads again; the others leave.
    const [first, ...others] = answers;
    for (const other of others) other.destroy();
    const seen = createHash('sha1');
    let bytes = 0;
    let most = 0;
    for await (const data of first!) {
      seen.update(data as Buffer);
      bytes += (data as Buffer).length;
      most = Math.max(most, router.residentBytes());
    }
    assert.deepEqual({ hash: seen.digest('hex'), bytes }, hashOf(kind.payload));
    assert.ok(most - before < STREAMS * MIB, `${most - before} bytes at most while it was read`);
    await until(() => worker.busySockets === 0, 'the worker to be let go');
    assert.equal(await router.connections(), 1);
  });
}

/** Answers with as much as it was sent. */
async function warm(call: Call): Promise<void> {
  const body = await call.body();
  await call.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
  await call.write(body);
}

for (const isChunked of [false, true]) {
  const how = isChunked ? 'chunked' : 'with a length';
  test(`an upload of 50 MiB (${how}) that the worker does not read costs less than 1 MiB, and goes on when it reads`, {
    timeout: 120_000,
  }, async (t) => {
    const calls: Call[] = [];
    const worker = await ScriptedWorker.start(t, async (call) => {
      if (call.target === '/warm') return warm(call);
      calls.push(call);
      call.connection.socket.pause();
      const body = await Promise.race([call.message.done ? call.body() : whole(call), call.connection.closed]);
      if (body instanceof Buffer)
        await call.write(`HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n${createHash('sha1').update(body).digest('hex')}`);
    });
    const router = await startRouter(t, worker, ['--max-replay-bytes', String(MIB / 2)]);
    const before = router.residentBytes();
    const piece = pattern(89 * 1000);
    const total = Math.floor(UPLOAD_BYTES / piece.length) * piece.length;
    const uploads: { readonly request: http.ClientRequest; readonly done: Promise<http.IncomingMessage | null>; sent: number }[] = [];
    for (let i = 0; i < STREAMS; i++) {
      const headers = isChunked ? {} : { 'content-length': total };
      const request = http.request({ host: '127.0.0.1', port: router.port, method: 'POST', path: '/up', agent: false, headers });
      const done = new Promise<http.IncomingMessage | null>((resolve) => {
        request.on('response', resolve);
        request.on('error', () => resolve(null));
      });
      const upload = { request, done, sent: 0 };
      uploads.push(upload);
      const more = (): void => {
        while (upload.sent < total) {
          upload.sent += piece.length;
          if (!request.write(piece)) return void request.once('drain', more);
        }
        request.end();
      };
      more();
    }
    await until(() => calls.length === STREAMS, 'all uploads at the worker', 30_000);
    await untilStill(() => uploads.reduce((sum, { sent }) => sum + sent, 0));
    assert.ok(
      uploads.every(({ sent }) => sent < total),
      'somebody took a whole upload',
    );
    await assertCheap(t, router, before);

    for (const { request } of uploads.slice(2)) request.destroy();
    for (const { connection } of calls) connection.socket.resume();
    const expected = createHash('sha1');
    for (let i = 0; i < total; i += piece.length) expected.update(piece);
    const hex = expected.digest('hex');
    for (const { done } of uploads.slice(0, 2)) {
      const response = await done;
      assert.equal(response?.statusCode, 200);
      let text = '';
      for await (const data of response!) text += data;
      assert.equal(text, hex);
    }
    await until(() => worker.busySockets === 0, 'the worker to be let go');
    await until(() => worker.openSockets <= 3, 'the connections of the others to be closed');
    assert.equal(await router.connections(), 1);
  });
}

/** Like call.body(), without its limit of time. */
async function whole(call: Call): Promise<Buffer> {
  await until(() => call.message.done || !call.connection.isOpen, 'the whole body', 60_000);
  return call.message.body;
}

test('bodies that wait for a slow worker hold no more memory than the budget of all bodies', { timeout: 60_000 }, async (t) => {
  const worker = await ScriptedWorker.start(t, (call) => (call.target === '/warm' ? warm(call) : call.forever()));
  const router = await startRouter(t, worker);
  const before = router.residentBytes();
  const body = Buffer.alloc(400_000, 'x');
  const requests: http.ClientRequest[] = [];
  for (let i = 0; i < 100; i++) {
    const request = http.request({
      host: '127.0.0.1',
      port: router.port,
      method: 'POST',
      path: '/hold',
      agent: false,
      headers: { 'content-length': body.length },
    });
    request.on('error', () => {});
    request.end(body);
    requests.push(request);
  }
  await until(() => worker.calls.filter(({ target }) => target === '/hold').length === 100, 'all requests at the worker', 20_000);
  const perRequest = (router.residentBytes() - before) / 100;
  t.diagnostic(`${(perRequest / 1024).toFixed(0)} KiB per request`);
  assert.ok(perRequest < 2 * body.length, `${perRequest} bytes per request of ${body.length}`);
  for (const request of requests) request.destroy();
  await until(() => worker.busySockets === 0, 'the worker to be let go');
});

test('variables that name a proxy do not concern workers', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const nobody = 'http://127.0.0.1:9';
  const env = {
    HTTP_PROXY: nobody,
    http_proxy: nobody,
    HTTPS_PROXY: nobody,
    https_proxy: nobody,
    ALL_PROXY: nobody,
    all_proxy: nobody,
    NO_PROXY: '',
    no_proxy: '',
    NODE_USE_ENV_PROXY: '1',
  };
  const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--log-json', '--worker-urls', worker.url], env);
  await program.says('router listens');
  const port = Number(program.logged('router listens')[0]?.['port']);
  let status = 0;
  await until(() => worker.probes > 0, 'a probe');
  while (status !== 200) ({ status } = await ask(port, { path: '/readiness' }));
  const response = await ask(port, { body: '{"model":"m","messages":[]}' });
  assert.deepEqual(response.json(), { ok: true });
  assert.equal(worker.calls.length, 1);
});
