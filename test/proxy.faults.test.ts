/**
 * Clients and workers that misbehave at random, all at once: whatever they do, every exchange is settled exactly once, every
 * count returns to zero, no socket is left, and what a client takes for a whole answer is one.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Rng } from '../src/base/core/rng.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { MessageReader } from './support/message-reader.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter } from './support/router.ts';
import { type Call, ScriptedWorker } from './support/scripted-worker.ts';
import { ownPause } from './support/stopwatch.ts';
import { until } from './support/until.ts';

const WORKERS = 3;
const CLIENTS = 16;
const ROUNDS = 8;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Text that proves where it came from and that nothing of it is missing. */
function payload(rng: Rng, isEvents: boolean): Buffer {
  const size = [0, 10, 1000, 20_000, 200_000, 2_000_000][rng.below(6)]!;
  if (!isEvents) return Buffer.alloc(size, `${rng.below(1_000_000)} `);
  let text = '';
  while (text.length < Math.min(size, 200_000)) text += `data: {"n":${rng.below(1000)},"t":"${'z'.repeat(rng.below(300))}"}\n\n`;
  return Buffer.from(`${text}data: [DONE]\n\n`);
}

function pieces(rng: Rng, bytes: Buffer): Buffer[] {
  const most = [100, 5000, 100_000, 10_000_000][rng.below(4)]!;
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length && parts.length < 200; ) {
    const size = parts.length === 199 ? bytes.length : 1 + rng.below(most);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

type Going = 'whole' | 'cut' | 'reset' | 'hang' | 'malformed' | 'poison' | 'close' | 'close-after' | 'early';
const GOINGS: readonly Going[] = [
  'whole',
  'whole',
  'whole',
  'whole',
  'cut',
  'reset',
  'hang',
  'malformed',
  'poison',
  'close',
  'close-after',
  'early',
];

const FORGED = 'HTTP/1.1 200 OK\r\nx-digest: forged\r\ncontent-length: 6\r\n\r\nforged';

/** What a worker does with one request. `x-digest` lets the client check what it takes for a whole answer. */
function misbehave(rng: Rng, seen: Map<string, number>): (call: Call) => Promise<void> {
  return async (call) => {
    const how = GOINGS[rng.below(GOINGS.length)]!;
    seen.set(how, (seen.get(how) ?? 0) + 1);
    const before = rng.below(3);
    if (before === 0 && how === 'reset') return call.reset();
    if (how === 'early') {
      await call.write('HTTP/1.1 413 Too Large\r\nx-digest: none\r\ncontent-length: 5\r\n\r\nlarge');
      return;
    }
    if (before < 2) await Promise.race([call.body(), call.forever()]);
    if (!call.connection.isOpen) return;
    if (rng.below(3) === 0) await pause(rng.below(30));
    if (how === 'hang' && before === 1) return call.forever();
    const isEvents = rng.below(2) === 0;
    const body = payload(rng, isEvents);
    const framing = how === 'close' ? 'close' : rng.below(2) === 0 ? 'chunked' : 'length';
    const fields = `x-digest: ${createHash('sha1').update(body).digest('hex')}\r\ncontent-type: ${isEvents ? 'text/event-stream' : 'text/plain'}\r\n`;
    const frame = { close: '', chunked: 'transfer-encoding: chunked\r\n', length: `content-length: ${body.length}\r\n` }[framing];
    const head = how === 'malformed' && before === 0 ? 'HTTP/1.1 2OO OK\r\n' : 'HTTP/1.1 200 OK\r\n';
    await call.write(`${rng.below(5) === 0 ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : ''}${head}${fields}${frame}\r\n`);
    const parts = pieces(rng, body);
    const stopAt = how === 'whole' || how === 'poison' || how === 'close' || how === 'close-after' ? -1 : rng.below(parts.length + 1);
    for (const [i, part] of parts.entries()) {
      if (!call.connection.isOpen) return;
      if (i === stopAt) break;
      if (framing === 'chunked') await Promise.race([call.chunk(part), call.forever()]);
      else await Promise.race([call.write(part), call.forever()]);
      if (rng.below(20) === 0) await pause(rng.below(5));
    }
    if (!call.connection.isOpen) return;
    switch (how) {
      case 'cut':
        if (framing === 'chunked') await call.write('1000\r\nhalf a chu');
        return call.finish();
      case 'reset':
        return call.reset();
      case 'hang':
        return call.forever();
      case 'malformed':
        if (framing === 'chunked') await call.write('no size\r\n');
        else call.finish();
        return;
      case 'close':
        return call.finish();
    }
    // In one write with the end: what comes later cannot be told from the answer to the next request.
    if (framing === 'chunked') await call.write(`0\r\n\r\n${how === 'poison' ? FORGED : ''}`);
    if (how === 'close-after') call.finish();
  };
}

function request(rng: Rng): { bytes: Buffer; method: string } {
  const headers = { 'content-type': 'x/y' };
  switch (rng.below(5)) {
    case 0:
      // One worker, any worker, all workers.
      return { bytes: requestBytes({ path: ['/any', '/v1/models', '/v1/responses/r1'][rng.below(3)]! }), method: 'GET' };
    case 1:
      return { bytes: requestBytes({ method: 'HEAD', path: '/any' }), method: 'HEAD' };
    case 2: {
      const parts = pieces(rng, payload(rng, false)).map((part) =>
        Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
      );
      const head = 'POST /any HTTP/1.1\r\nhost: r\r\ntransfer-encoding: chunked\r\n\r\n';
      return { bytes: Buffer.concat([Buffer.from(head), ...parts, Buffer.from('0\r\n\r\n')]), method: 'POST' };
    }
    default:
      return { bytes: requestBytes({ path: '/any', headers, body: payload(rng, false) }), method: 'POST' };
  }
}

/** One connection with one or several requests, and some way to end it. */
async function behave(rng: Rng, port: number, whole: { count: number }): Promise<void> {
  const client = await RawClient.connect(port);
  const count = 1 + (rng.below(3) === 0 ? rng.below(5) : 0);
  const requests = Array.from({ length: count }, () => request(rng));
  const methods = requests.map(({ method }) => method);
  const bytes = Buffer.concat(requests.map(({ bytes: one }) => one));
  const leave = rng.below(6);
  if (leave === 0) {
    // In the middle of the request.
    await Promise.race([client.send(bytes.subarray(0, rng.below(bytes.length))), pause(50)]);
    await pause(rng.below(20));
    if (rng.below(2) === 0) client.destroy();
    else client.reset();
    return;
  }
  const isStalled = leave === 1;
  if (isStalled) client.socket.pause();
  void client.send(bytes);
  if (isStalled) await pause(100 + rng.below(200));
  if (leave === 2) {
    await pause(rng.below(60));
    if (rng.below(2) === 0) client.destroy();
    else client.reset();
    return;
  }
  if (isStalled) client.socket.resume();
  // To the end: until all answers have come, the router closes, or nothing happens for 250 ms (a worker hangs).
  let before = -1;
  while (client.end === null && client.receivedBytes !== before) {
    before = client.receivedBytes;
    await ownPause(250, client.ended);
  }
  check(client, methods, whole);
  client.destroy();
}

/** What looks whole is whole, belongs to a worker or to the router itself, and is not more than was asked for. */
function check(client: RawClient, methods: readonly string[], whole: { count: number }): void {
  let rest = client.received;
  let answers = 0;
  while (rest.length > 0) {
    assert.ok(answers < methods.length, `more answers than requests: ${rest.toString('latin1', 0, 200)}`);
    const reader = new MessageReader('response', methods[answers]!);
    rest = rest.subarray(reader.feed(rest));
    if (!reader.done) break;
    answers++;
    whole.count++;
    const digest = reader.get('x-digest');
    if (digest === undefined) {
      assert.ok(reader.get('x-smg-error-code') !== undefined, reader.headText);
      assert.ok(methods[answers - 1] === 'HEAD' || 'error' in JSON.parse(reader.body.toString()));
    } else if (digest !== 'none' && methods[answers - 1] !== 'HEAD') {
      assert.equal(createHash('sha1').update(reader.body).digest('hex'), digest, 'an answer that looks whole is not');
    }
  }
}

async function storm(t: TestContext, seed: number, flags: readonly string[]): Promise<void> {
  const rng = createRng(seed);
  const seen = new Map<string, number>();
  const workers: ScriptedWorker[] = [];
  for (let i = 0; i < WORKERS; i++) workers.push(await ScriptedWorker.start(t, misbehave(rng, seen)));
  const logger = new RecordingLogger();
  const router = await startTestRouter(t, ['--access-log', 'on', '--metrics-path', '/metrics', ...flags], workers, { logger });
  const whole = { count: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: CLIENTS }, () => behave(rng, router.port, whole)));
    if (round % 5 === 4) for (const worker of workers) worker.closeIdle();
  }
  await router.assertQuiet();
  // A hanging or slow worker is the only reason for a connection to outlive its request, and none is left.
  await until(() => workers.every((worker) => worker.busySockets === 0), 'the workers to be let go');
  const records = logger.records.filter(({ message }) => message === 'request');
  const ids = records.map(({ fields }) => fields['request_id']);
  assert.equal(new Set(ids).size, ids.length, 'a request was settled twice');
  const metrics = await ask(router.port, { path: '/metrics' });
  const sum = (name: string): number =>
    [...metrics.text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].reduce((total, match) => total + Number(match[1]), 0);
  // The question for the metrics is a request that has no answer yet.
  assert.equal(records.length, sum('smg_http_requests_total') - 1);
  assert.equal(sum('smg_http_responses_total'), records.length);
  assert.deepEqual(
    logger.records.filter(({ level }) => level === 'error'),
    [],
  );
  const hows = [...seen].map(([how, n]) => `${how} ${n}`).join(', ');
  t.diagnostic(`seed ${seed}: ${records.length} requests, ${whole.count} whole answers; workers: ${hows}`);
  assert.ok(records.length >= CLIENTS * ROUNDS * 0.6 && whole.count >= records.length * 0.3, 'most of it was no traffic');
  await router.stop();
}

const SEED = Number(process.env['FAULTS_SEED'] ?? 1);

test('random faults leave nothing behind, with small limits', { timeout: 120_000 }, (t) =>
  storm(t, SEED, [
    '--max-replay-bytes',
    '30000',
    '--max-connections-per-worker',
    '3',
    '--upstream-queue-timeout-secs',
    '0.5',
    '--request-timeout-secs',
    '2',
  ]),
);

test('random faults leave nothing behind, with idle connections that die', { timeout: 120_000 }, (t) =>
  storm(t, SEED + 1000, [
    '--upstream-keep-alive-secs',
    '0.2',
    '--stream-idle-timeout-secs',
    '0.5',
    '--request-timeout-secs',
    '2',
    '--policy',
    'power_of_two',
  ]),
);
