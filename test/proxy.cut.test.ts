/** A worker that is gone in the middle of its answer: the client sees it, and never an end that looks whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MessageReader } from './support/message-reader.ts';
import { ask, type RawClient, requestBytes } from './support/raw-client.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { type Call, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { parseEvents } from './support/sse-events.ts';
import { until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';
const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n';

/** How a worker goes. */
const WAYS: Readonly<Record<string, (call: Call) => void>> = {
  'with FIN': (call) => call.finish(),
  'with RST': (call) => call.reset(),
};

interface Cut {
  /** All payload, de-chunked, as far as it came. */
  readonly body: string;
  /** The answer was whole by its own framing. */
  readonly isWhole: boolean;
  readonly status: number;
  readonly end: 'fin' | 'reset' | 'local';
}

/** Sends `request`, waits until the connection has ended, and reads what came. */
async function askToTheEnd(router: TestRouter, request: string | Buffer): Promise<Cut> {
  const client: RawClient = await router.connect();
  await client.send(request);
  const end = await client.closed();
  const reader = new MessageReader('response', 'POST');
  reader.feed(client.received);
  return { body: reader.body.toString('latin1'), isWhole: reader.done, status: reader.status, end };
}

/** The error event of the router at the end of `body`; everything before it as text. */
function splitErrorEvent(body: string): { before: string; event: string; error: { message: string; code: string; type: string } } {
  const at = body.lastIndexOf('data: {"error"');
  assert.ok(at >= 0, `no error event in ${JSON.stringify(body)}`);
  const event = body.slice(at);
  assert.ok(event.endsWith('\n\n'));
  const { error } = JSON.parse(event.slice('data: '.length)) as { error: { message: string; code: string; type: string } };
  assert.doesNotMatch(event, /127\.0\.0\.1|:\d{4,5}|ECONN/);
  return { before: body.slice(0, at), event, error };
}

for (const [how, go] of Object.entries(WAYS)) {
  test(`a stream whose worker goes ${how} ends with an error event, no [DONE] and an aborted connection`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(sseHead());
      await call.chunk('data: {"a":1}\n\n');
      await call.chunk('data: {"a":2}\n\n');
      await until(() => router.inflight() === 1, 'the exchange');
      setTimeout(() => go(call), 50);
      await call.forever();
    });
    const router = await startTestRouter(t, [], [worker]);
    const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
    const { before, error } = splitErrorEvent(cut.body);
    assert.equal(before, 'data: {"a":1}\n\ndata: {"a":2}\n\n');
    assert.equal(error.code, 'call_upstream_cut');
    assert.equal(error.type, 'upstream_error');
    assert.equal(cut.status, 200);
    assert.equal(cut.isWhole, false);
    assert.doesNotMatch(cut.body, /\[DONE\]/);
    await router.assertQuiet();
  });
}

test('an event that was cut in the middle is not passed on, wherever the cut is', async (t) => {
  const stream = 'data: {"first":1}\n\nevent: x\r\ndata: {"second":2}\r\n\r\n: comment\ndata: {"third":3}\n\n';
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (let at = 1; at < stream.length; at += 3) {
    worker.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      await call.chunk(stream.slice(0, at));
      call.finish();
    };
    const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
    const { before, event } = splitErrorEvent(cut.body);
    assert.ok(stream.startsWith(before));
    const ends = [0, ...[...stream.matchAll(/\r?\n\r?\n/g)].map((match) => match.index + match[0].length)];
    assert.equal(before.length, ends.filter((end) => end <= at).at(-1), `cut at ${at}`);
    // A parser sees the whole events and then exactly the error.
    const events = parseEvents(before + event);
    assert.ok('error' in JSON.parse(events.at(-1)!.data));
    assert.equal(cut.isWhole, false);
  }
});

test('a chunk that was cut in the middle passes as far as its events are whole', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(`${sseHead()}40\r\ndata: {"a":1}\n\ndata: {"a":`);
    call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
  assert.equal(splitErrorEvent(cut.body).before, 'data: {"a":1}\n\n');
  assert.equal(cut.isWhole, false);
});

test('an event that is too long to hold, cut in the middle, is ended before the error event', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseHead());
    await call.chunk(`data: ${'x'.repeat(200_000)}`);
    call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
  const events = parseEvents(cut.body);
  assert.equal(events.length, 2);
  assert.match(events[0]!.data, /^x{100000,}$/);
  assert.ok('error' in JSON.parse(events[1]!.data));
});

test('each endpoint gets the error event that its clients understand', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseHead());
    await call.chunk('event: ping\ndata: {"type":"ping"}\n\n');
    call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  const last = async (path: string) => parseEvents((await askToTheEnd(router, requestBytes({ path, body: BODY }))).body).at(-1)!;
  const messages = await last('/v1/messages');
  assert.equal(messages.event, 'error');
  assert.deepEqual(Object.keys(JSON.parse(messages.data)), ['type', 'error']);
  assert.equal(JSON.parse(messages.data).error.type, 'api_error');
  const responses = await last('/v1/responses');
  assert.equal(responses.event, 'error');
  assert.equal(JSON.parse(responses.data).type, 'error');
  assert.equal(JSON.parse(responses.data).code, 'call_upstream_cut');
  for (const path of ['/generate', '/v1/completions', '/any']) {
    const event = await last(path);
    assert.equal(event.event, 'message');
    assert.equal(JSON.parse(event.data).error.code, 'call_upstream_cut');
  }
});

test('a stream that the engine itself ends with an error and [DONE] passes untouched', async (t) => {
  const events = ['data: {"error":{"message":"abort","code":500}}\n\n', 'data: [DONE]\n\n'];
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseHead());
    for (const event of events) await call.chunk(event);
    await call.write('0\r\n\r\n');
  });
  const router = await startTestRouter(t, [], [worker]);
  const response = await ask(router.port, { body: BODY });
  assert.equal(response.status, 200);
  assert.equal(response.text, events.join(''));
});

test('a compressed event stream is aborted without an event', async (t) => {
  const bytes = gzipSync('data: {"a":1}\n\n'.repeat(100));
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseHead().replace('\r\n\r\n', '\r\ncontent-encoding: gzip\r\n\r\n'));
    await call.chunk(bytes.subarray(0, 40));
    call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
  assert.equal(cut.body, bytes.subarray(0, 40).toString('latin1'));
  assert.equal(cut.isWhole, false);
});

for (const [how, go] of Object.entries(WAYS)) {
  test(`an answer with a length whose worker goes ${how} is short, and its connection ends`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"half":');
      setTimeout(() => go(call), 50);
      await call.forever();
    });
    const router = await startTestRouter(t, [], [worker]);
    const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
    assert.equal(cut.body, '{"half":');
    assert.equal(cut.isWhole, false);
  });

  test(`a chunked answer that is no event stream, whose worker goes ${how}, has no last chunk`, async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(CHUNKED);
      await call.chunk('one');
      await call.write('a\r\ntwo');
      setTimeout(() => go(call), 50);
      await call.forever();
    });
    const router = await startTestRouter(t, [], [worker]);
    const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
    assert.equal(cut.body, 'onetwo');
    assert.equal(cut.isWhole, false);
  });
}

test('an event stream with a length gets no event that its length does not count', async (t) => {
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 500\r\n\r\ndata: 1\n\ndata: ha');
    call.finish();
  });
  const router = await startTestRouter(t, [], [worker]);
  const cut = await askToTheEnd(router, requestBytes({ body: BODY }));
  assert.equal(cut.body, 'data: 1\n\n');
  assert.equal(cut.isWhole, false);
});

test('a client of HTTP/1.0, for whom the end of the connection is the end of the answer, sees a reset', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const head of [CHUNKED, sseHead()]) {
    worker.script = async (call) => {
      await call.body();
      await call.write(head);
      await call.chunk('data: 1\n\n');
      setTimeout(() => call.finish(), 50);
      await call.forever();
    };
    const request = `POST /any HTTP/1.0\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
    const cut = await askToTheEnd(router, request);
    assert.equal(cut.end, 'reset');
    if (head === CHUNKED) assert.equal(cut.body, 'data: 1\n\n');
    else assert.equal(splitErrorEvent(cut.body).before, 'data: 1\n\n');
  }
});

test('an answer that ends with its connection is whole when the worker closes, and cut when it resets', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const [how, go] of Object.entries(WAYS)) {
    worker.script = async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nall of it');
      setTimeout(() => go(call), 50);
      await call.forever();
    };
    const client = await router.connect();
    await client.send(requestBytes({ body: BODY }));
    if (how === 'with FIN') {
      const response = await client.response();
      assert.equal(response.text, 'all of it');
      assert.equal(response.get('transfer-encoding'), 'chunked');
    } else {
      await client.closed();
      assert.doesNotMatch(client.received.toString(), /\r\n0\r\n/);
    }
  }
});

test('before any byte of the answer the client gets 502 without an address, and its connection goes on', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  for (const go of Object.values(WAYS)) {
    for (const some of ['', 'HTTP/1.1 200 OK\r\ncontent-le']) {
      worker.script = async (call) => {
        await call.body();
        if (some !== '') await call.write(some);
        go(call);
      };
      // A worker that resets connections is looked after before it gets another request.
      await router.untilEligible();
      await client.send(requestBytes({ body: BODY }));
      const response = await client.response();
      assert.equal(response.status, 502);
      assert.equal(response.get('x-smg-error-code'), 'call_upstream_reset');
      assert.doesNotMatch(response.text, /127\.0\.0\.1|:\d{4,5}|ECONN/);
      assert.equal(typeof (response.json() as { error: { message: string } }).error.message, 'string');
    }
  }
  await router.untilEligible();
  await client.send(requestBytes({ method: 'HEAD', path: '/v1/models' }));
  const head = await client.response('HEAD');
  assert.equal(head.status, 502);
  assert.equal(client.rest.length, 0);
});

test('a worker that dies while the client stalls leaves the client what it had sent and then the error', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const event = `data: ${'x'.repeat(50_000)}\n\n`;
  let sent = 0;
  worker.script = async (call) => {
    await call.body();
    await call.write(sseHead());
    for (; sent < 400; sent++) {
      const isLate = await Promise.race([
        call.chunk(event).then(() => false),
        new Promise<boolean>((resolve) => setTimeout(resolve, 300, true)),
      ]);
      if (isLate) break;
    }
    call.finish();
    await call.forever();
  };
  const client = await router.connect();
  client.socket.pause();
  await client.send(requestBytes({ body: BODY }));
  await until(() => worker.calls.length === 1 && sent > 0, 'the stream');
  await new Promise((resolve) => setTimeout(resolve, 800));
  client.socket.resume();
  await client.closed();
  const reader = new MessageReader('response', 'POST');
  reader.feed(client.received);
  assert.equal(reader.done, false);
  const { before } = splitErrorEvent(reader.body.toString());
  assert.ok(before.length >= sent * event.length);
  assert.equal(before.length % event.length, 0);
});
