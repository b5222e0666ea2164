/** Answers of workers that break HTTP/1.1: 502, and a connection that is never used again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, requestBytes } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answerJson, ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const BODY = '{"model":"m","messages":[]}';
const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = 'content-length: 2\r\n';

/** Name of the rule: an answer that breaks it. Each would be fine without the fault. */
const HEADS: Readonly<Record<string, string>> = {
  'no status line': `${LENGTH}\r\nok`,
  'another protocol': `RTSP/1.0 200 OK\r\n${LENGTH}\r\nok`,
  'an unknown version': `HTTP/2.0 200 OK\r\n${LENGTH}\r\nok`,
  'lower case in the version': `http/1.1 200 OK\r\n${LENGTH}\r\nok`,
  'a status of two digits': `HTTP/1.1 20 OK\r\n${LENGTH}\r\nok`,
  'a status of four digits': `HTTP/1.1 2000 OK\r\n${LENGTH}\r\nok`,
  'a status below 100': `HTTP/1.1 099 OK\r\n${LENGTH}\r\nok`,
  'a status above 599': `HTTP/1.1 600 OK\r\n${LENGTH}\r\nok`,
  'two spaces before the status': `HTTP/1.1  200 OK\r\n${LENGTH}\r\nok`,
  'bare LF after the status line': `HTTP/1.1 200 OK\n${LENGTH}\r\nok`,
  'bare LF after a field': `${OK}x: y\n${LENGTH}\r\nok`,
  'bare LF as the blank line': `${OK}${LENGTH}\nok`,
  'bare CR in a value': `${OK}x: a\rb\r\n${LENGTH}\r\nok`,
  'a folded field': `${OK}x: a\r\n b\r\n${LENGTH}\r\nok`,
  'a field that starts with a tab': `${OK}\tx: a\r\n${LENGTH}\r\nok`,
  'white space before the colon': `${OK}x : a\r\n${LENGTH}\r\nok`,
  'an empty field name': `${OK}: a\r\n${LENGTH}\r\nok`,
  'a field without a colon': `${OK}nonsense\r\n${LENGTH}\r\nok`,
  'a field name that is no token': `${OK}x(y): a\r\n${LENGTH}\r\nok`,
  'a control character in a value': `${OK}x: a\u0001b\r\n${LENGTH}\r\nok`,
  'NUL in a value': `${OK}x: a\u0000b\r\n${LENGTH}\r\nok`,
  'NUL in the reason': `HTTP/1.1 200 O\u0000K\r\n${LENGTH}\r\nok`,
  'two different lengths': `${OK}${LENGTH}content-length: 3\r\n\r\nok`,
  'the same length twice': `${OK}${LENGTH}${LENGTH}\r\nok`,
  'a list of lengths': `${OK}content-length: 2, 2\r\n\r\nok`,
  'a negative length': `${OK}content-length: -2\r\n\r\nok`,
  'a signed length': `${OK}content-length: +2\r\n\r\nok`,
  'a length in hex': `${OK}content-length: 0x2\r\n\r\nok`,
  'an empty length': `${OK}content-length: \r\n\r\nok`,
  'a length that no number holds': `${OK}content-length: 99999999999999999999\r\n\r\nok`,
  'length and chunked': `${OK}${LENGTH}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked and length': `${OK}transfer-encoding: chunked\r\n${LENGTH}\r\n2\r\nok\r\n0\r\n\r\n`,
  'another transfer coding': `${OK}transfer-encoding: gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'a list of transfer codings': `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked twice': `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked twice in one field': `${OK}transfer-encoding: chunked,chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked with a parameter': `${OK}transfer-encoding: chunked;x\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'an unasked 101': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  'an interim answer in HTTP/1.0': `HTTP/1.0 100 Continue\r\n\r\n${OK}${LENGTH}\r\nok`,
  'an interim answer with a malformed one behind it': `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 2x0 OK\r\n\r\n`,
  'a head beyond 64 KiB': `${OK}x: ${'a'.repeat(70_000)}\r\n${LENGTH}\r\nok`,
  'a head beyond 64 KiB that never ends': `${OK}x: ${'a'.repeat(140_000)}`,
  'more than 128 fields': `${OK}${'x: y\r\n'.repeat(129)}${LENGTH}\r\nok`,
};

const CHUNKS: Readonly<Record<string, string>> = {
  'a chunk size that is no number': 'zz\r\nok\r\n0\r\n\r\n',
  'a chunk size of 16 digits': '0000000000000002\r\nok\r\n0\r\n\r\n',
  'an empty chunk size': '\r\nok\r\n0\r\n\r\n',
  'white space around a chunk size': ' 2\r\nok\r\n0\r\n\r\n',
  'bare LF after a chunk size': '2\nok\r\n0\r\n\r\n',
  'chunk data that is too long': '2\r\nokay\r\n0\r\n\r\n',
  'chunk data without its CRLF': '2\r\nok0\r\n\r\n',
  'an extension beyond 256 bytes': `2;x=${'y'.repeat(300)}\r\nok\r\n0\r\n\r\n`,
  'a malformed trailer': '2\r\nok\r\n0\r\nbad trailer\r\n\r\n',
  'a length in the trailers': '2\r\nok\r\n0\r\ncontent-length: 2\r\n\r\n',
};

test('a malformed head is 502 without any of its bytes, and the connection is closed', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const client = await router.connect();
  for (const [rule, bytes] of Object.entries(HEADS)) {
    worker.script = async (call) => {
      await call.body();
      await call.write(bytes);
    };
    await router.untilEligible();
    await client.send(requestBytes({ body: BODY }));
    const call = await worker.next();
    const response = await client.response();
    assert.equal(response.status, 502, rule);
    assert.equal(response.get('x-smg-error-code'), 'call_upstream_malformed', rule);
    assert.doesNotMatch(response.text, /127\.0\.0\.1|:\d{4,5}/);
    await call.closed;
  }
  worker.script = answerJson;
  await client.send(requestBytes({ body: BODY }));
  assert.equal((await client.response()).status, 200);
  await until(() => router.inflight() === 0, 'the attempts to end');
});

test('a malformed head is recognised however it is split', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const rule of ['bare LF after a field', 'the same length twice', 'a folded field', 'an unasked 101']) {
    worker.script = async (call) => {
      await call.body();
      for (const byte of HEADS[rule]!) {
        if (!call.connection.isOpen) return;
        await call.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    assert.equal((await ask(router.port, { body: BODY })).status, 502, rule);
  }
});

test('malformed chunks are 502 while nothing has left, and cut the answer later; never do they look whole', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  for (const type of ['text/event-stream', 'application/json']) {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
    for (const [rule, chunks] of Object.entries(CHUNKS)) {
      worker.script = async (call) => {
        await call.body();
        await call.write(head + chunks);
      };
      await router.untilEligible();
      const early = await ask(router.port, { body: BODY });
      assert.equal(early.status, 502, rule);
      assert.equal(early.get('x-smg-error-code'), 'call_upstream_malformed', rule);

      const client = await router.connect();
      worker.script = async (call) => {
        await call.body();
        await call.write(head);
        await call.chunk('data: 1\n\n');
        await client.untilText('data: 1');
        await call.write(chunks);
      };
      await client.send(requestBytes({ body: BODY }));
      await client.closed();
      const text = client.received.toString();
      assert.doesNotMatch(text, /\r\n0\r\n/, rule);
      if (type === 'text/event-stream') assert.match(text, /data: \{"error":\{[^\n]*"call_upstream_malformed"[^\n]*\n\n\r\n$/, rule);
    }
  }
  await router.assertQuiet();
});

test('interim answers are swallowed, one or many, in any pieces', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
  const whole = `${interim}${OK}${LENGTH}\r\nok`;
  for (const size of [whole.length, 7, 1, interim.length]) {
    worker.script = async (call) => {
      await call.body();
      for (let at = 0; at < whole.length; at += size) {
        await call.write(whole.slice(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const response = await ask(router.port, { body: BODY });
    assert.equal(response.status, 200);
    assert.equal(response.text, 'ok');
    assert.equal(response.get('link'), undefined);
  }
  assert.equal(new Set(worker.calls.map((call) => call.connection)).size, 1);
});

test('answers that have no body have none, whatever their fields say', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, [], [worker]);
  const answers: [string, string][] = [
    ['GET', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\n\r\n'],
  ];
  const client = await router.connect();
  for (const [method, head] of answers) {
    worker.script = (call) => call.write(head);
    await client.send(requestBytes({ method, path: '/any' }));
    const response = await client.response(method);
    assert.equal(response.body.length, 0);
    assert.equal(response.status, Number(head.slice(9, 12)));
  }
  worker.script = answerJson;
  await client.send(requestBytes({ body: BODY }));
  assert.deepEqual((await client.response()).json(), { ok: true });
  assert.equal(new Set(worker.calls.map((call) => call.connection)).size, 1);
});

test('an answer that comes before the request is whole is passed on, and nothing hangs', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
  const early = 'HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\ncontent-length: 17\r\n';
  for (const connection of ['', 'connection: close\r\n']) {
    for (const ends of [true, false]) {
      worker.script = async (call) => {
        call.connection.socket.pause();
        await call.write(`${early}${connection}\r\n{"error":"large"}`);
        if (ends) call.finish();
        await call.forever();
      };
      const client = await router.connect();
      await client.send('POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 30000000\r\n\r\n');
      void client.send(Buffer.alloc(3_000_000));
      const response = await client.response();
      assert.equal(response.status, 413);
      assert.equal(response.text, '{"error":"large"}');
      assert.equal(response.get('connection'), 'close');
      await client.closed();
      // A worker that reads nothing does not see the end either.
      for (const { socket } of worker.connections) socket.resume();
    }
  }
  await router.assertQuiet();
});

test('the last words of a worker that closes while the request is still written to it are passed on', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
  for (const reads of [true, false]) {
    for (const framing of ['content-length: 30000000', 'transfer-encoding: chunked']) {
      for (let i = 0; i < 5; i++) {
        worker.script = async (call) => {
          const { socket } = call.connection;
          if (!reads) socket.pause();
          await until(() => router.inflight() === 1, 'the upload');
          socket.write('HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge');
          // What it has not read by then makes this a reset.
          socket.destroySoon();
          await call.forever();
        };
        const client = await router.connect();
        await client.send(`POST /any HTTP/1.1\r\nhost: r\r\n${framing}\r\n\r\n1c9c380\r\n`);
        void client.send(Buffer.alloc(30_000_000));
        const response = await client.response();
        assert.equal(response.status, 413);
        assert.equal(response.text, 'large');
        await client.closed();
      }
    }
  }
  await router.assertQuiet();
});

test('a worker that closes without a word while the request is still written to it is 502 at once', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const router = await startTestRouter(t, ['--max-replay-bytes', '1000'], [worker]);
  for (const reads of [true, false]) {
    worker.script = async (call) => {
      if (!reads) call.connection.socket.pause();
      await until(() => router.inflight() === 1, 'the upload');
      call.destroy();
    };
    await router.untilEligible();
    const client = await router.connect();
    await client.send('POST /any HTTP/1.1\r\nhost: r\r\ncontent-length: 30000000\r\n\r\n');
    void client.send(Buffer.alloc(30_000_000));
    const startMs = performance.now();
    assert.equal((await client.response()).status, 502);
    assert.ok(performance.now() - startMs < 900);
  }
  await router.assertQuiet();
});
