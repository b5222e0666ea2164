/** Answers of the router itself that come in slices: written as the client takes them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LocalRoute } from '../src/base/core/local-route.ts';
import { type MemoryRouter, startMemoryRouter } from './support/memory-router.ts';
import { until } from './support/until.ts';

const HEADERS = { 'content-type': 'text/plain' };

interface Sliced {
  readonly router: MemoryRouter;
  /** Slices made so far. */
  made(): number;
  /** The slices have been given back: nobody asks for more. */
  isOver(): boolean;
}

/** A router with the route /slices, whose slices come from `slice`; undefined ends them. */
async function startSliced(t: TestContext, slice: (at: number) => string | undefined, requestTimeoutMs = 20_000): Promise<Sliced> {
  let made = 0;
  let isOver = false;
  async function* slices(): AsyncGenerator<string, void> {
    try {
      for (let text = slice(made); text !== undefined; text = slice(made)) {
        made++;
        yield text;
      }
    } finally {
      isOver = true;
    }
  }
  const route: LocalRoute = {
    method: 'GET',
    path: '/slices',
    access: 'public',
    handle: () => ({ status: 200, headers: HEADERS, slices: slices() }),
  };
  const router = await startMemoryRouter(t, 1, { requestTimeoutMs }, 'round_robin', undefined, [route]);
  return { router, made: () => made, isOver: () => isOver };
}

const request = (version = '1.1', method = 'GET'): string => `${method} /slices HTTP/${version}\r\nHost: a\r\n\r\n`;

test('slices are the chunks of one answer, and the connection takes the next request', async (t) => {
  const { router } = await startSliced(t, (at) => ['first\n', '', 'zweite Zeile: ä\n', undefined][at % 4]);
  const client = await router.connect();
  await client.send(request());
  const answer = await client.response();
  assert.deepEqual([answer.status, answer.get('content-type'), answer.get('content-length')], [200, 'text/plain', undefined]);
  assert.equal(answer.body.toString('utf8'), 'first\nzweite Zeile: ä\n');
  await client.send(request());
  assert.equal((await client.response()).status, 200);
  client.destroy();
  await router.quiet();
  assert.deepEqual(
    router.records.map(({ status, outcome, bytesOut }) => [status, outcome, bytesOut > 30]),
    [
      [200, 'ok', true],
      [200, 'ok', true],
    ],
  );
});

test('an answer without slices is an empty body', async (t) => {
  const { router } = await startSliced(t, () => undefined);
  const client = await router.connect();
  await client.send(request());
  assert.equal((await client.response()).text, '');
});

test('a client of HTTP/1.0 gets the slices bare, and their end is that of the connection', async (t) => {
  const { router } = await startSliced(t, (at) => ['a', 'b'][at]);
  const client = await router.connect();
  await client.send(request('1.0'));
  const answer = await client.response();
  assert.deepEqual([answer.text, answer.get('transfer-encoding'), answer.get('connection')], ['ab', undefined, 'close']);
  assert.equal(await client.ended, 'fin');
});

test('HEAD is answered without making a slice', async (t) => {
  const { router, made } = await startSliced(t, () => 'x');
  const client = await router.connect();
  await client.send(request('1.1', 'HEAD'));
  const answer = await client.response('HEAD');
  assert.deepEqual([answer.status, answer.text, made()], [200, '', 0]);
});

test('for a client that reads nothing no more is made than the kernel holds; when it reads, the rest follows', async (t) => {
  const COUNT = 600;
  const { router, made } = await startSliced(t, (at) => (at < COUNT ? `${at % 10}`.repeat(64 * 1024) : undefined));
  const client = await router.connect();
  client.socket.pause();
  await client.send(request());
  let before = -1;
  while (before !== made() || before === 0) {
    before = made();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(before < COUNT, `${before} slices`);
  client.socket.resume();
  const answer = await client.response();
  assert.equal(answer.body.length, COUNT * 64 * 1024);
  for (let at = 0; at < COUNT; at++) assert.equal(answer.body[at * 64 * 1024], 48 + (at % 10), `slice ${at}`);
});

test('a client that leaves ends the slices', async (t) => {
  const { router, isOver } = await startSliced(t, () => 'x'.repeat(64 * 1024));
  const client = await router.connect();
  await client.send(request());
  await client.untilText('xxx');
  client.destroy();
  await until(isOver, 'the end of the slices');
  await router.quiet();
  assert.deepEqual([router.records[0]?.outcome, router.records[0]?.status], ['client-gone', 200]);
});

test('a client that takes nothing until the request times out loses the connection', async (t) => {
  const { router, isOver } = await startSliced(t, () => 'x'.repeat(64 * 1024), 300);
  const client = await router.connect();
  client.socket.pause();
  await client.send(request());
  await until(isOver, 'the end of the slices');
  assert.equal(router.records[0]?.outcome, 'client-gone');
});

for (const [version, end] of [
  ['1.1', 'fin'],
  ['1.0', 'reset'],
] as const) {
  test(`slices that fail in the middle do not look whole to a client of HTTP/${version}`, async (t) => {
    const { router } = await startSliced(t, (at) => {
      if (at === 1) throw new Error('boom');
      return 'first';
    });
    const client = await router.connect();
    await client.send(request(version));
    assert.equal(await client.ended, end);
    const received = client.received.toString();
    assert.match(received, /first/);
    assert.doesNotMatch(received, /\r\n0\r\n/);
    assert.equal(router.records[0]?.errorCode, 'internal_error');
  });
}

test('slices of which the first fails are an error answer', async (t) => {
  const { router } = await startSliced(t, () => {
    throw new Error('boom');
  });
  const client = await router.connect();
  await client.send(request());
  const answer = await client.response();
  assert.deepEqual([answer.status, answer.get('x-smg-error-code')], [500, 'internal_error']);
});
