/** Exchanges over an upstream that is no socket: whatever passes here does not depend on HTTP/1.1 to workers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMemoryRouter } from './support/memory-router.ts';
import { requestBytes } from './support/raw-client.ts';

const BODY = '{"model":"m","messages":[]}';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

test('an exchange runs over an upstream in memory, and its place in the load count ends with it', async (t) => {
  const router = await startMemoryRouter(t, 1);
  const [upstream] = router.upstreams;
  assert.ok(upstream !== undefined);
  const client = await router.connect();
  await client.send(requestBytes({ path: '/v1/completions?x=1', headers: { 'x-request-id': 'mine', cookie: 'a=b' }, body: BODY }));
  const flight = await upstream.next();
  assert.equal(flight.request.method, 'POST');
  assert.equal(flight.request.target, '/v1/completions?x=1');
  assert.deepEqual(flight.request.fields, ['x-request-id', 'mine', 'content-type', 'application/json']);
  assert.equal(flight.body.toString(), BODY);
  assert.ok(flight.bodyEnded);
  assert.equal(router.load.inflight[0], 1);
  flight.head('HTTP/1.1 201 Made It\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 5\r\n\r\n');
  flight.data('he');
  flight.data('llo');
  flight.end();
  const answer = await client.response();
  assert.equal(`${answer.status} ${answer.reason}`, '201 Made It');
  assert.deepEqual(answer.all('set-cookie'), ['a=1', 'b=2']);
  assert.equal(answer.text, 'hello');
  assert.equal(router.load.inflight[0], 0);
  assert.deepEqual(router.outcomes, [{ worker: 0, outcome: { kind: 'ok', status: 201 } }]);
  assert.deepEqual(
    router.records.map(({ status, outcome, bytesIn, attempts }) => ({ status, outcome, bytesIn, attempts })),
    [{ status: 201, outcome: 'ok', bytesIn: BODY.length, attempts: 1 }],
  );
});

test('chunks and bare data of a stream both arrive as events, in order', async (t) => {
  const router = await startMemoryRouter(t, 1);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const flight = await router.upstreams[0]!.next();
  flight.head(STREAM_HEAD);
  flight.chunks(['data: 1\n\n', 'data: 2\n\n']);
  await client.untilText('data: 2\n\n');
  flight.data('data: 3\n\nda');
  await client.untilText('data: 3\n\n');
  flight.data('ta: 4\n\n');
  flight.chunks(['data: [DONE]\n\n']);
  flight.end();
  const answer = await client.response();
  assert.equal(answer.text, 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: [DONE]\n\n');
  assert.equal(router.records[0]?.outcome, 'ok');
});

test('a client that leaves cancels the flight, before the head and after it', async (t) => {
  const router = await startMemoryRouter(t, 1);
  for (const isAnswered of [false, true]) {
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    const flight = await router.upstreams[0]!.next();
    if (isAnswered) {
      flight.head(STREAM_HEAD);
      flight.chunks(['data: 1\n\n']);
      await client.untilText('data: 1\n\n');
    }
    client.destroy();
    await router.quiet();
    assert.ok(flight.isCancelled);
    assert.deepEqual(router.outcomes.at(-1)?.outcome, { kind: 'client-gone', status: isAnswered ? 200 : 0 });
  }
});

test('a worker that cannot be reached is left for another one, and the request arrives there whole', async (t) => {
  const router = await startMemoryRouter(t, 2);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const [first, second] = router.upstreams;
  assert.ok(first !== undefined && second !== undefined);
  const refused = await first.next();
  refused.fail('connect-failed');
  const taken = await second.next();
  assert.equal(taken.body.toString(), BODY);
  assert.equal(taken.field('x-request-id'), refused.field('x-request-id'));
  taken.head('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  taken.end();
  assert.equal((await client.response()).status, 200);
  assert.deepEqual(router.outcomes, [
    { worker: 0, outcome: { kind: 'connect-failed', status: 0 } },
    { worker: 1, outcome: { kind: 'ok', status: 200 } },
  ]);
});

test('a route that only asks is not asked again at the worker that could not be reached', async (t) => {
  const router = await startMemoryRouter(t, 2);
  const client = await router.connect();
  await client.send('GET /v1/models HTTP/1.1\r\nhost: r\r\n\r\n');
  const [first, second] = router.upstreams;
  assert.ok(first !== undefined && second !== undefined);
  (await first.next()).fail('connect-timeout');
  const taken = await second.next();
  taken.head('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  taken.end();
  assert.equal((await client.response()).status, 200);
  assert.equal(first.flights.length, 1);
});

test('a stream that breaks within an event too large to hold ends it before the error event', async (t) => {
  const router = await startMemoryRouter(t, 1);
  const client = await router.connect();
  await client.send(requestBytes({ body: BODY }));
  const flight = await router.upstreams[0]!.next();
  flight.head(STREAM_HEAD);
  const half = `data: ${'x'.repeat(100_000)}`;
  flight.data(half);
  flight.fail('cut');
  assert.equal(await client.closed(), 'fin');
  const text = client.received.toString();
  assert.ok(!text.endsWith('0\r\n\r\n'));
  const events = text.slice(text.indexOf('\r\n\r\n') + 4).replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '');
  assert.match(events, /^data: x{100000}\n\ndata: \{"error":\{[^\n]*\}\}\n\n\r\n$/);
});

test('a body beyond the replay limit streams, and waits while the worker does not take it', async (t) => {
  const router = await startMemoryRouter(t, 1, { maxReplayBytes: 1000 });
  const client = await router.connect();
  const body = Buffer.alloc(300_000, 'abcdefghij');
  await client.send(`POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: ${body.length}\r\n\r\n`);
  void client.send(body);
  const flight = await router.upstreams[0]!.next();
  assert.equal(flight.bodyEnded, false);
  // Reading is paused until the worker's connection stands.
  const before = flight.body.length;
  assert.ok(before < body.length);
  flight.takesBody = false;
  flight.request.body?.release(false);
  let drains = 0;
  while (!flight.bodyEnded) {
    const had = flight.body.length;
    flight.drain();
    drains++;
    await client.until(() => flight.body.length > had || flight.bodyEnded, 'more of the body');
  }
  assert.ok(drains > 2, `${drains} turns`);
  assert.ok(flight.body.equals(body));
  flight.head('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
  flight.data('ok');
  flight.end();
  assert.equal((await client.response()).text, 'ok');
  assert.equal(router.records[0]?.streamedBody, true);

  // The last write asked to wait, and no drain followed it: nothing is left to wait for.
  await client.send(requestBytes({ body: BODY }));
  const next = await router.upstreams[0]!.next();
  client.destroy();
  await client.until(() => next.isCancelled, 'the flight to be cancelled', 2000);
});

test('a client that does not read pauses the flight, and goes on when it reads again', async (t) => {
  const router = await startMemoryRouter(t, 1);
  const client = await router.connect();
  client.socket.pause();
  await client.send(requestBytes({ body: BODY }));
  const flight = await router.upstreams[0]!.next();
  flight.head('HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n');
  const piece = 'x'.repeat(64 * 1024);
  let sent = 0;
  while (!flight.isPaused) {
    flight.data(piece);
    sent++;
    assert.ok(sent < 1000, 'no backpressure after 64 MB');
  }
  client.socket.resume();
  await client.until(() => !flight.isPaused, 'the flight to go on');
  flight.data('end');
  flight.end();
  assert.equal((await client.response()).body.length, sent * piece.length + 3);
});

test('what only one of many workers knows is asked of 32 at a time until one has it', async (t) => {
  const router = await startMemoryRouter(t, 40);
  const client = await router.connect();
  await client.send('GET /v1/responses/x HTTP/1.1\r\nhost: r\r\n\r\n');
  const asked = (): number => router.upstreams.filter((upstream) => upstream.flights.length > 0).length;
  await client.until(() => asked() > 0, 'the first workers to be asked');
  assert.equal(asked(), 32);
  for (const [i, upstream] of router.upstreams.slice(0, 39).entries()) {
    const flight = await upstream.next();
    flight.head('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n');
    flight.data('no');
    flight.end();
    assert.equal(asked(), Math.min(40, 33 + i));
  }
  const last = await router.upstreams[39]!.next();
  last.head('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n');
  last.data('yes');
  last.end();
  assert.equal((await client.response()).text, 'yes');
});

test('an answer too large to gather is let go, and another worker may have a smaller one', async (t) => {
  const router = await startMemoryRouter(t, 2);
  const client = await router.connect();
  await client.send('GET /v1/responses/x HTTP/1.1\r\nhost: r\r\n\r\n');
  const [large, small] = [await router.upstreams[0]!.next(), await router.upstreams[1]!.next()];
  large.head('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  const piece = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 16; i++) large.data(piece);
  assert.equal(large.isCancelled, false);
  large.data(piece);
  assert.ok(large.isCancelled);
  small.head('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
  small.data('small');
  small.end();
  assert.equal((await client.response()).text, 'small');
  assert.deepEqual(
    router.outcomes.map(({ outcome }) => outcome.kind),
    ['malformed', 'ok'],
  );
});
