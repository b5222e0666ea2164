/**
 * Engines and clients of pairs that misbehave at random, all at once: every request is settled exactly once, no load, no room, no
 * socket and no body is left, and what a client takes for a whole answer is one, of one engine.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Rng } from '../src/base/core/rng.ts';
import { createRng } from '../src/base/runtime/rng.ts';
import { resetSocket } from '../src/router/proxy/client/reset-socket.ts';
import { MessageReader } from './support/message-reader.ts';
import { type PairEngine, startEngine, startPairRouter } from './support/pair-router.ts';
import { type RawClient, requestBytes } from './support/raw-client.ts';
import { type Call, jsonAnswer, sseAnswer } from './support/scripted-worker.ts';

const CLIENTS = 12;
const ROUNDS = 5;
const GOINGS = ['well', 'well', 'well', 'well', 'reset', 'cut', 'hang', 'garbage', 'refuse', 'fail', 'abort', 'late'] as const;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Asked {
  readonly stream?: boolean;
  readonly return_logprob?: boolean;
  readonly mark: string;
  readonly bootstrap_room: number;
}

/** What an engine does with a request. What it says carries the request's own mark, so that answers cannot be mixed up. */
function misbehave(rng: Rng, role: string): (call: Call) => Promise<void> {
  return async (call) => {
    const how = GOINGS[rng.below(GOINGS.length)]!;
    if (how === 'reset' && rng.below(2) === 0) return resetSocket(call.connection.socket);
    const body = JSON.parse((await Promise.race([call.body(), call.forever().then(() => Buffer.from('null'))])).toString()) as Asked | null;
    if (body === null) return;
    if (how === 'late' || rng.below(3) === 0) await pause(rng.below(how === 'late' ? 150 : 20));
    if (!call.connection.isOpen) return;
    if (how === 'hang') return call.forever();
    if (how === 'reset') return resetSocket(call.connection.socket);
    if (how === 'garbage') return call.write('HTTQ 1\r\n\r\n');
    if (how === 'refuse') return call.write(jsonAnswer({ by: role }, [400, 422, 429][rng.below(3)]!));
    if (how === 'fail') return call.write(jsonAnswer({ by: role }, [500, 503][rng.below(2)]!));
    const meta = { input_token_logprobs: role === 'prefill' ? [[-1, 1, null]] : [], finish_reason: null };
    const event = JSON.stringify({ mark: body.mark, by: role, pad: 'z'.repeat(rng.below(3000)), meta_info: meta });
    const abort = JSON.stringify({ meta_info: { finish_reason: { type: 'abort', status_code: 503 } } });
    const count = role === 'prefill' ? 1 : 1 + rng.below(20);
    const bytes =
      body.stream === true
        ? sseAnswer([...(how === 'abort' ? [abort] : Array.from({ length: count }, () => event)), '[DONE]'])
        : jsonAnswer({ mark: body.mark, by: role, text: 'y'.repeat(rng.below(100_000)), meta_info: meta });
    const stopAt = how === 'cut' ? rng.below(bytes.length) : bytes.length;
    const step = [50, 2000, 1_000_000][rng.below(3)]!;
    for (let at = 0, writes = 0; at < stopAt; writes++) {
      const to = writes === 50 ? stopAt : Math.min(at + step, stopAt);
      await Promise.race([call.write(bytes.subarray(at, to)), call.forever()]);
      if (!call.connection.isOpen) return;
      at = to;
      if (rng.below(20) === 0) await pause(rng.below(5));
    }
    if (how === 'cut') call.finish();
  };
}

/** One connection with some requests, and some way to end it. */
async function behave(rng: Rng, client: RawClient, mark: string, whole: { count: number }): Promise<void> {
  const count = 1 + rng.below(3);
  for (let i = 0; i < count; i++) {
    const body = {
      text: 'w'.repeat([10, 1000, 200_000][rng.below(3)]!),
      mark: `${mark}.${i}`,
      stream: rng.below(2) === 0,
      ...(rng.below(3) === 0 ? { return_logprob: true } : {}),
      ...(rng.below(4) === 0 ? { rid: `mine-${mark}.${i}` } : {}),
    };
    const bytes = requestBytes({ path: '/generate', body: JSON.stringify(body) });
    const leave = rng.below(8);
    if (leave === 0) {
      void client.send(bytes.subarray(0, rng.below(bytes.length)));
      await pause(rng.below(10));
      break;
    }
    const before = client.receivedBytes;
    void client.send(bytes);
    if (leave === 1) {
      await pause(rng.below(60));
      break;
    }
    if (leave === 2) {
      client.socket.pause();
      await pause(50);
      client.socket.resume();
    }
    const reader = new MessageReader('response', 'POST');
    let fed = before;
    while (client.end === null && !reader.done) {
      await Promise.race([client.ended, pause(3)]);
      if (client.receivedBytes > fed) fed += reader.feed(client.received.subarray(fed));
    }
    if (!reader.done && client.receivedBytes > fed) reader.feed(client.received.subarray(fed));
    if (!reader.done) break;
    check(reader, body.mark, body.return_logprob === true);
    whole.count++;
  }
  if (rng.below(2) === 0) client.destroy();
  else resetSocket(client.socket);
}

/** A whole answer is the router's own error, an engine's refusal, or the answer of one decode engine to this very request. */
function check(reader: MessageReader, mark: string, hasLogprobs: boolean): void {
  const text = reader.body.toString();
  if (reader.status !== 200) {
    assert.ok(reader.get('x-smg-error-code') !== undefined || /^\{"by":"(prefill|decode)"\}$/.test(text), text.slice(0, 500));
    return;
  }
  if (text.includes('"abort"')) {
    assert.equal(text.split('data: ').length, 3, text.slice(0, 500));
    return;
  }
  const marks = [...text.matchAll(/"mark":"([^"]*)","by":"([^"]*)"/g)];
  assert.ok(marks.length > 0, text.slice(0, 500));
  for (const [, found, by] of marks) assert.deepEqual([found, by], [mark, 'decode']);
  const merged = text.split('"input_token_logprobs":[[-1,1,null]]').length - 1;
  assert.equal(merged, hasLogprobs ? marks.length : 0);
  if (reader.get('content-type')?.startsWith('text/event-stream') === true) assert.ok(text.endsWith('data: [DONE]\n\n'));
}

async function storm(t: TestContext, seed: number): Promise<void> {
  const rng = createRng(seed);
  const engines: PairEngine[] = [];
  for (const type of ['prefill', 'prefill', 'prefill', 'decode', 'decode', 'decode'] as const) {
    const engine = await startEngine(t, type);
    engine.script = misbehave(rng, type);
    engines.push(engine);
  }
  const router = await startPairRouter(t, engines, {
    policy: 'power_of_two',
    bootstrapTimeoutMs: 100,
    settings: { streamIdleTimeoutMs: 300, requestTimeoutMs: 1000, upstream: { ...UPSTREAM, maxConnections: 4, queueSize: 4 } },
  });
  const whole = { count: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => router.connect()));
    await Promise.all(clients.map((client, i) => behave(rng, client, `${round}.${i}`, whole)));
  }
  await router.quiet();
  const ids = router.records.map(({ requestId }) => requestId);
  assert.equal(new Set(ids).size, ids.length, 'a request was settled twice');
  assert.ok(
    ids.length >= CLIENTS * ROUNDS * 0.6 && whole.count >= ids.length * 0.2,
    `${ids.length} requests, ${whole.count} whole: no traffic`,
  );
  const tries = router.records.reduce((sum, { attempts }) => sum + attempts, 0);
  assert.equal(router.outcomes.length, 2 * tries, 'a leg has not ended, or more than once');
  t.diagnostic(`seed ${seed}: ${ids.length} requests, ${tries} pairs, ${whole.count} whole answers`);
}

const UPSTREAM = { connectTimeoutMs: 1000, keepAliveMs: 5000, queueTimeoutMs: 100 };
const SEED = Number(process.env['FAULTS_SEED'] ?? 1);
for (const seed of [SEED, SEED + 1000]) {
  test(`random faults leave nothing of a pair behind (${seed})`, { timeout: 120_000 }, (t) => storm(t, seed));
}
