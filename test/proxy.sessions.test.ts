/** Whole conversations drawn at random: requests of every kind on connections that split, wait and pipeline as they like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rng } from '../src/base/core/rng.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { RawClient as Raw, type RawClient } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { type Call, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

interface Planned {
  readonly bytes: Buffer;
  readonly method: string;
  readonly status: number;
  /** Null: not compared. */
  readonly body: Buffer | null;
  readonly closes: boolean;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Content that tells its request, `bytes` long. */
function contentOf(tag: string, bytes: number): Buffer {
  return Buffer.from(`${tag}|`.repeat(Math.ceil((bytes + 1) / (tag.length + 1)))).subarray(0, bytes);
}

function cut(rng: Rng, bytes: Buffer, most: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + rng.below(most);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

function chunked(pieces: readonly Buffer[], end: string): Buffer {
  const parts = pieces.map((piece) => Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
  return Buffer.concat([...parts, Buffer.from(end)]);
}

const ANSWER_SIZES = [0, 1, 20, 3000, 70_000, 200_000];
const BODY_SIZES = [0, 1, 50, 2000, 40_000, 150_000, 400_000];

/** The worker does what the query says: framing, size of the answer, its cuts, and when it answers. */
function workerScript(rng: Rng): (call: Call) => Promise<void> {
  return async (call) => {
    const query = new URLSearchParams(call.target.split('?')[1]);
    const isEarly = query.get('early') === '1';
    if (!isEarly) await call.body();
    for (let i = Number(query.get('turns')); i > 0; i--) await turn();
    const body = contentOf(query.get('tag') ?? '', Number(query.get('size')));
    const type = query.get('events') === '1' ? 'text/event-stream' : 'application/json';
    const head = `HTTP/1.1 ${query.get('status')} Fine\r\ncontent-type: ${type}\r\nx-tag: ${query.get('tag')}\r\n`;
    const isHead = call.method === 'HEAD';
    let message: Buffer;
    let ends = false;
    if (query.get('framing') === 'length') {
      message = Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), isHead ? Buffer.alloc(0) : body]);
    } else if (query.get('framing') === 'close') {
      ends = true;
      message = Buffer.concat([Buffer.from(`${head}connection: close\r\n\r\n`), isHead ? Buffer.alloc(0) : body]);
    } else {
      const framed = isHead ? Buffer.alloc(0) : chunked(cut(rng, body, 20_000), rng.below(2) === 0 ? '0\r\n\r\n' : '0;x\r\nt: 1\r\n\r\n');
      message = Buffer.concat([Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`), framed]);
    }
    for (const piece of cut(rng, message, rng.below(2) === 0 ? 60_000 : 5000)) {
      await call.write(piece);
      if (rng.below(4) === 0) await turn();
    }
    if (ends) call.finish();
  };
}

function plan(rng: Rng, tag: string): Planned {
  const kind = rng.below(12);
  const closes = rng.below(15) === 0;
  const connection = closes ? 'connection: close\r\n' : '';
  const local = (line: string, status: number, body: Buffer | null): Planned => {
    const method = line.split(' ')[0]!;
    return { bytes: Buffer.from(`${line} HTTP/1.1\r\nhost: r\r\n${connection}\r\n`), method, status, body, closes };
  };
  if (kind === 0) return local('GET /liveness', 200, Buffer.from('OK'));
  if (kind === 1) return local('HEAD /liveness', 200, Buffer.alloc(0));
  if (kind === 2) return local('POST /pause_generation', 404, null);
  if (kind === 3) return local('GET /v1/completions', 405, null);
  const size = ANSWER_SIZES[rng.below(ANSWER_SIZES.length)]!;
  const framing = ['length', 'chunked', 'chunked', 'close'][rng.below(4)]!;
  const status = [200, 200, 200, 201, 400, 500][rng.below(6)]!;
  const query = new URLSearchParams({
    tag,
    size: String(size),
    framing,
    status: String(status),
    turns: String(rng.below(4)),
    events: String(rng.below(2)),
  });
  const body = contentOf(tag, size);
  if (kind <= 5) {
    const method = kind === 4 ? 'GET' : 'HEAD';
    const bytes = Buffer.from(`${method} /v1/models?${query} HTTP/1.1\r\nhost: r\r\n${connection}\r\n`);
    return { bytes, method, status, body: method === 'HEAD' ? Buffer.alloc(0) : body, closes };
  }
  const payload = contentOf(`up-${tag}`, BODY_SIZES[rng.below(BODY_SIZES.length)]!);
  const path = ['/v1/any', '/generate', '/v1/chat/completions', '/v1/audio/transcriptions'][rng.below(4)]!;
  const head = `POST ${path}?${query} HTTP/1.1\r\nhost: r\r\n${connection}`;
  const bytes =
    kind % 2 === 0
      ? Buffer.concat([Buffer.from(`${head}content-length: ${payload.length}\r\n\r\n`), payload])
      : Buffer.concat([Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`), chunked(cut(rng, payload, 30_000), '0\r\n\r\n')]);
  return { bytes, method: 'POST', status, body, closes };
}

async function converse(client: RawClient, rng: Rng, name: string): Promise<number> {
  const planned = Array.from({ length: 1 + rng.below(12) }, (_, i) => plan(rng, `${name}-${i}`));
  const last = planned.findIndex((one) => one.closes);
  const wanted = last < 0 ? planned : planned.slice(0, last + 1);
  const send = async (bytes: Buffer): Promise<void> => {
    const most = Math.max([200_000, 3000, 70][rng.below(3)]!, Math.ceil(bytes.length / 300));
    for (const piece of cut(rng, bytes, most)) {
      if (client.end !== null) return;
      void client.send(piece);
      if (rng.below(5) === 0) await turn();
    }
  };
  const isPipelined = rng.below(2) === 0;
  if (isPipelined) void send(Buffer.concat(planned.map((one) => one.bytes)));
  for (const one of wanted) {
    if (!isPipelined) void send(one.bytes);
    const answer = await client.response(one.method);
    assert.equal(answer.status, one.status, `${name} ${one.method}`);
    if (one.body !== null)
      assert.ok(answer.body.equals(one.body), `${name} ${one.method}: ${answer.body.length} of ${one.body.length} bytes`);
    assert.equal(answer.get('connection'), one.closes ? 'close' : undefined);
  }
  if (last >= 0) await client.closed();
  assert.equal(client.rest.length, 0, `${name}: nothing is left over`);
  client.destroy();
  return wanted.length;
}

/** What arrived whole is what was sent, and nothing of another request. */
async function assertUploads(workers: readonly ScriptedWorker[]): Promise<number> {
  let whole = 0;
  for (const call of workers.flatMap((worker) => worker.calls).filter((one) => one.method === 'POST' && one.message.done)) {
    const tag = new URLSearchParams(call.target.split('?')[1]).get('tag');
    const body = await call.body();
    assert.ok(body.equals(contentOf(`up-${tag}`, body.length)), `the body of ${tag}`);
    whole++;
  }
  return whole;
}

test('conversations drawn at random are answered in order, to the byte, and leave nothing behind', async (t) => {
  const rng = createRng(20_260);
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  for (const worker of workers) worker.script = workerScript(createRng(rng.nextUint32()));
  const router = await startTestRouter(t, ['--max-replay-bytes', '60000'], workers);
  let requests = 0;
  for (let round = 0; round < 12; round++) {
    const all = Array.from({ length: 8 }, async (_, i) =>
      converse(await Raw.connect(router.port), createRng(rng.nextUint32()), `c${round}-${i}`),
    );
    for (const count of await Promise.all(all)) requests += count;
    await router.assertQuiet();
  }
  assert.ok(requests > 300, `${requests} requests`);
  await assertUploads(workers);
});

test('clients that leave at any moment leave nothing behind, in memory that others use neither', async (t) => {
  const rng = createRng(77);
  const worker = await ScriptedWorker.start(t);
  worker.script = workerScript(createRng(78));
  const router = await startTestRouter(t, [], [worker]);
  for (let round = 0; round < 15; round++) {
    const all = Array.from({ length: 10 }, async (_, i) => {
      const client = await router.connect();
      for (let n = 0; n < 4; n++) void client.send(plan(rng, `g${round}-${i}-${n}`).bytes);
      const patience = rng.below(40_000);
      const turns = rng.below(60);
      for (let n = 0; n < turns && client.receivedBytes < patience && client.end === null; n++) await turn();
      const how = rng.below(3);
      if (how === 0) client.reset();
      else if (how === 1) client.destroy();
      else client.finish();
      if (how === 2) await until(() => client.end !== null, 'the end of a connection whose client has ended');
    });
    await Promise.all(all);
    await router.assertQuiet();
  }
  assert.ok((await assertUploads([worker])) > 20);
});
