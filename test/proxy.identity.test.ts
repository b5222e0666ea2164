/** What a client sent reaches the worker byte for byte, and the worker's answer the client. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createRng } from '../src/base/runtime/rng.ts';
import { ask, RawClient } from './support/raw-client.ts';
import { startTestRouter } from './support/router.ts';
import { answer, type Call, ScriptedWorker } from './support/scripted-worker.ts';

/** Everything that parsing and writing again would change. */
const TRICKY = Buffer.concat([
  Buffer.from('{ "z" : 1 ,\t"a":12345678901234567890,"b":1.0e+02,"c":-0,"__proto__":{"x":1},"a":"twice", "unknown":[ ],'),
  Buffer.from('"esc":"\\u0041\\/\\ud83d\\ude00\\n","text":"caf\u00e9 \u{1f600}","raw":"'),
  Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28]),
  Buffer.from('","messages":[{"content":"hi","role":"user"}],"stream":false}\r\n'),
]);

/** A JSON body of exactly `bytes` bytes (any bytes if it is too short for that), different at every place. */
function bodyOf(bytes: number, seed: number): Buffer {
  const front = Buffer.from('{"model":"m","messages":[{"role":"user","content":"');
  const back = Buffer.from('"}]}');
  if (bytes < front.length + back.length) return Buffer.from('{"a":1}       '.slice(0, bytes).padEnd(bytes, ' '));
  const rng = createRng(seed);
  const middle = Buffer.alloc(bytes - front.length - back.length);
  for (let i = 0; i < middle.length; i++) middle[i] = 97 + rng.below(26);
  return Buffer.concat([front, middle, back]);
}

const REPLAY_LIMIT = 524_288;
const SIZES = [
  0,
  1,
  2,
  100,
  1023,
  1024,
  1025,
  4096,
  65_535,
  65_536,
  65_537,
  131_072,
  REPLAY_LIMIT - 1,
  REPLAY_LIMIT,
  REPLAY_LIMIT + 1,
  REPLAY_LIMIT + 65_536,
  1_048_576,
  2_097_152,
];

suite('the body of a request', () => {
  for (const policy of ['round_robin', 'cache_aware']) {
    for (const coding of ['content-length', 'chunked'] as const) {
      test(`arrives as it was sent, whatever its size (${coding}, ${policy})`, async (t) => {
        const worker = await ScriptedWorker.start(t);
        const router = await startTestRouter(t, ['--policy', policy], [worker]);
        const client = await router.connect();
        for (const [i, size] of SIZES.entries()) {
          if (policy === 'cache_aware' && size < 7) continue; // Not JSON.
          const body = bodyOf(size, i);
          await client.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: r\r\ncontent-type: application/json\r\n`);
          if (coding === 'chunked') {
            await client.send('transfer-encoding: chunked\r\n\r\n');
            for (let at = 0; at < size; at += 50_001) {
              const piece = body.subarray(at, at + 50_001);
              await client.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
            }
            await client.send('0\r\n\r\n');
          } else {
            await client.send(`content-length: ${size}\r\n\r\n`);
            await client.send(body);
          }
          const response = await client.response();
          assert.equal(response.status, 200, `${size} bytes: ${response.text}`);
          const call = await worker.next();
          const arrived = await call.body();
          assert.ok(arrived.equals(body), `${size} bytes: ${arrived.length} arrived`);
          if (coding === 'content-length' || size <= REPLAY_LIMIT) assert.equal(call.header('content-length'), String(size));
        }
      });
    }
  }

  test('keeps key order, spaces, big integers, unknown and repeated fields, escapes and bytes that are no UTF-8', async (t) => {
    for (const policy of ['round_robin', 'cache_aware']) {
      const worker = await ScriptedWorker.start(t);
      const router = await startTestRouter(t, ['--policy', policy], [worker]);
      for (const path of ['/v1/chat/completions', '/generate', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/score']) {
        assert.equal((await ask(router.port, { path, body: TRICKY })).status, 200, path);
        assert.ok((await (await worker.next()).body()).equals(TRICKY), path);
      }
    }
  });

  test('arrives whole behind a head of any size', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--forward-headers', 'x-pad'], [worker]);
    const client = await router.connect();
    // Around the room that is kept in front of a body, and far beyond it.
    for (const pad of [1, 500, 700, 800, 820, 840, 860, 880, 900, 950, 1000, 1023, 1024, 1025, 2000, 16_000, 60_000]) {
      for (const size of [0, 7, 5000, 70_000, REPLAY_LIMIT + 5]) {
        const body = bodyOf(size, pad);
        await client.send(`POST /v1/any HTTP/1.1\r\nhost: r\r\nx-pad: ${'p'.repeat(pad)}\r\ncontent-length: ${size}\r\n\r\n`);
        await client.send(body);
        assert.equal((await client.response()).status, 200);
        const call = await worker.next();
        assert.equal(call.header('x-pad')?.length, pad);
        assert.ok((await call.body()).equals(body), `pad ${pad}, ${size} bytes`);
      }
    }
  });

  test('is the same however its bytes were split on the way', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--policy', 'cache_aware', '--max-replay-bytes', '300'], [worker]);
    const rng = createRng(7);
    for (const size of [60, 299, 300, 301, 700]) {
      const body = bodyOf(size, size);
      const plain = Buffer.concat([
        Buffer.from(`POST /generate?q HTTP/1.1\r\nhost: r\r\nx-request-id: id-${size}\r\ncontent-length: ${size}\r\n\r\n`),
        body,
      ]);
      const chunked = Buffer.concat([
        Buffer.from(`POST /generate?q HTTP/1.1\r\nhost: r\r\nx-request-id: id-${size}\r\ntransfer-encoding: chunked\r\n\r\n`),
        Buffer.from('00A;ext="v;\\""\r\n'),
        body.subarray(0, 10),
        Buffer.from(`\r\n${(size - 10).toString(16)}\r\n`),
        body.subarray(10),
        Buffer.from('\r\n0\r\nTrailer-One: x\r\n\r\n'),
      ]);
      for (const message of [plain, chunked]) {
        const splits = [Array.from({ length: message.length }, (_, i) => message.subarray(i, i + 1))];
        for (let n = 0; n < 15; n++) {
          const cuts = Array.from({ length: 1 + rng.below(6) }, () => rng.below(message.length)).sort((a, b) => a - b);
          splits.push([0, ...cuts].map((cut, i, all) => message.subarray(cut, all[i + 1] ?? message.length)));
        }
        const client = await router.connect();
        for (const pieces of splits) {
          await client.sendPieces(pieces);
          assert.equal((await client.response()).status, 200);
          const call = await worker.next();
          assert.equal(call.message.firstLine, 'POST /generate?q HTTP/1.1');
          assert.equal(call.header('x-request-id'), `id-${size}`);
          assert.ok((await call.body()).equals(body));
          assert.deepEqual(call.message.trailers, []);
        }
        client.destroy();
      }
    }
  });
});

suite('the answer', () => {
  /** Each way in which a worker may frame the same body, and what must come out. */
  async function relayed(t: Parameters<typeof startTestRouter>[0], script: (call: Call) => Promise<void>, flags: readonly string[] = []) {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await script(call);
    });
    const router = await startTestRouter(t, flags, [worker]);
    return { worker, router };
  }

  test('keeps status, reason and every end-to-end field, repeated and odd ones too', async (t) => {
    const head = [
      'HTTP/1.1 418 I am a  teapot!',
      'Set-Cookie: a=1; Path=/',
      'content-type: Application/Json ; charset="x"',
      'Set-Cookie: b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      'X-Empty:',
      'x-tab: a\tb',
      'x-latin1: caf\u00e9 \u00ff',
      'x-quote: "a\\"b", \'c\'',
      `x-long: ${'l'.repeat(30_000)}`,
      'date: yesterday',
      'server: uvicorn',
      'set-cookie: c=3',
      'etag: W/"x"',
      'vary: a, b',
      'vary: c',
      'x-smg-error-code: of_the_engine',
      'content-length: 2',
    ];
    const { router } = await relayed(t, (call) => call.write(`${head.join('\r\n')}\r\n\r\n{}`));
    const client = await router.connect();
    await client.send('GET /x HTTP/1.1\r\nhost: r\r\nx-request-id: mine\r\n\r\n');
    const response = await client.response();
    assert.equal(response.headText.split('\r\n', 1)[0], head[0]);
    const expected = head
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
      .filter(([name]) => name !== 'content-length');
    const got = response.fields.map(([name, value]) => [name.toLowerCase(), value]);
    assert.deepEqual(
      // The router's own, and behind the fields of the engine what it says of web pages.
      got.filter(([name], at) => name !== 'content-length' && name !== 'x-request-id' && at < expected.length),
      expected,
    );
    assert.equal(response.get('content-length'), '2');
    assert.equal(response.get('x-request-id'), 'mine');
    assert.equal(response.text, '{}');
  });

  test('may have any status and any reason', async (t) => {
    let line = '';
    const { router } = await relayed(t, (call) => call.write(`HTTP/1.1 ${line}\r\ncontent-length: 1\r\n\r\nx`));
    for (line of [
      '200 OK',
      '200 ',
      '200',
      '201 Created',
      '299 \u00e9\u00e8',
      '302 Found',
      '400 Bad',
      '429 Slow Down',
      '500 Oh',
      '503 No',
      '599 x',
    ]) {
      const response = await ask(router.port, { body: '{}' });
      assert.equal(response.status, Number(line.slice(0, 3)));
      assert.equal(response.reason, line.slice(4));
      assert.equal(response.text, 'x');
    }
  });

  test('passes compressed bytes and their content-encoding untouched', async (t) => {
    const zipped = gzipSync(Buffer.from('{"a":"compressed"}'.repeat(1000)));
    for (const type of ['application/json', 'text/event-stream']) {
      const { router } = await relayed(t, (call) => call.write(answer(200, { 'content-type': type, 'content-encoding': 'gzip' }, zipped)));
      const response = await ask(router.port, { body: '{}' });
      assert.equal(response.get('content-encoding'), 'gzip');
      assert.equal(response.get('content-length'), String(zipped.length));
      assert.ok(response.body.equals(zipped));
    }
  });

  for (const type of ['application/json', 'text/event-stream']) {
    test(`arrives as it was sent whatever its size and framing (${type})`, async (t) => {
      let script: (call: Call) => Promise<void> = async () => {};
      const { router } = await relayed(t, (call) => script(call));
      for (const [i, size] of [0, 1, 2, 1000, 65_535, 65_536, 65_537, 200_000, 2_097_152].entries()) {
        const body = bodyOf(size, i);
        const fields = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n`;
        const framings: Record<string, (call: Call) => Promise<void>> = {
          length: (call) => call.write(answer(200, { 'content-type': type }, body)),
          close: async (call) => {
            await call.write(Buffer.concat([Buffer.from(`${fields}\r\n`), body]));
            call.finish();
          },
          'close of HTTP/1.0': async (call) => {
            await call.write(Buffer.concat([Buffer.from(`${fields.replace('1.1', '1.0')}\r\n`), body]));
            call.finish();
          },
          chunked: async (call) => {
            await call.write(`${fields}transfer-encoding: chunked\r\n\r\n`);
            for (let at = 0; at < size; at += 30_011) await call.chunk(body.subarray(at, at + 30_011));
            await call.write('0\r\n\r\n');
          },
          'chunked with extensions and trailers': async (call) => {
            await call.write(`${fields}trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n`);
            if (size > 0)
              await call.write(Buffer.concat([Buffer.from(`000${size.toString(16)};a=b;c="d"\r\n`), body, Buffer.from('\r\n')]));
            await call.write('000;last\r\nX-Sum: 12\r\nx-other:\r\n\r\n');
          },
        };
        for (const [name, framing] of Object.entries(framings)) {
          script = framing;
          const response = await ask(router.port, { body: '{}' });
          assert.equal(response.status, 200);
          assert.ok(response.body.equals(body), `${name}, ${size} bytes: ${response.body.length} arrived`);
          assert.deepEqual(response.trailers, []);
          if (name === 'length') assert.equal(response.get('content-length'), String(size));
          else assert.equal(response.get('transfer-encoding'), 'chunked');
        }
      }
    });
  }

  test('is the same however the worker split it', async (t) => {
    const rng = createRng(11);
    const messages: { readonly bytes: Buffer; readonly text: string }[] = [
      { bytes: Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx-a: b\r\n\r\n{"answer":1}'), text: '{"answer":1}' },
      {
        bytes: Buffer.from(
          'HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n00a\r\n0123456789\r\n0\r\nt: 1\r\n\r\n',
        ),
        text: 'abcd0123456789',
      },
      {
        bytes: Buffer.from(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n11\r\ndata: 2\r\n\r\ndata: \r\n10\r\n3\n\ndata: [DONE]\n\r\n1\r\n\n\r\n0\r\n\r\n',
        ),
        text: 'data: 1\n\ndata: 2\r\n\r\ndata: 3\n\ndata: [DONE]\n\n',
      },
      {
        // An event that never ends with an empty line still arrives.
        bytes: Buffer.from(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: 1\r\n0\r\n\r\n',
        ),
        text: 'data: 1',
      },
    ];
    let pieces: readonly Buffer[] = [];
    const { router } = await relayed(t, async (call) => {
      for (const piece of pieces) {
        await call.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const client = await router.connect();
    for (const { bytes, text } of messages) {
      const splits = [Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1))];
      for (let n = 0; n < 25; n++) {
        const cuts = Array.from({ length: 1 + rng.below(4) }, () => rng.below(bytes.length)).sort((a, b) => a - b);
        splits.push([0, ...cuts].map((cut, i, all) => bytes.subarray(cut, all[i + 1] ?? bytes.length)));
      }
      for (pieces of splits) {
        await client.send('POST /v1/x HTTP/1.1\r\nhost: r\r\ncontent-length: 0\r\n\r\n');
        const response = await client.response();
        assert.equal(response.status, 200);
        assert.equal(response.text, text, JSON.stringify(pieces.map(String)));
      }
    }
  });

  test('has no body after HEAD, 204 and 304, and the connection goes on', async (t) => {
    let text = '';
    const { router } = await relayed(t, (call) => call.write(text));
    const client = await router.connect();
    for (const [method, head, fields] of [
      ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n', { 'content-length': '1234' }],
      ['HEAD', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-a: b\r\n\r\n', { 'x-a': 'b' }],
      ['HEAD', 'HTTP/1.1 404 Not Found\r\nx-a: b\r\n\r\n', { 'x-a': 'b' }],
      ['GET', 'HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n', { 'x-a': 'b', 'content-length': undefined }],
      ['GET', 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n', { 'content-length': undefined }],
      ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\netag: "x"\r\n\r\n', { 'content-length': '99', etag: '"x"' }],
    ] as const) {
      text = head;
      await client.send(`${method} /v1/models HTTP/1.1\r\nhost: r\r\n\r\n`);
      const response = await client.response(method);
      assert.equal(response.body.length, 0);
      for (const [name, value] of Object.entries(fields)) assert.equal(response.get(name), value, `${head}: ${name}`);
    }
    text = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlast';
    await client.send('GET /v1/models HTTP/1.1\r\nhost: r\r\n\r\n');
    assert.equal((await client.response()).text, 'last');
    assert.equal(client.rest.length, 0);
  });

  test('comes without the interim answers of the worker', async (t) => {
    const { router } = await relayed(t, async (call) => {
      await call.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nx: y\r\n\r\n');
      await call.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
    const client: RawClient = await RawClient.connect(router.port);
    await client.send('POST /v1/x HTTP/1.1\r\nhost: r\r\ncontent-length: 0\r\n\r\n');
    const response = await client.response();
    assert.equal(`${response.status} ${response.text}`, '200 ok');
    client.destroy();
  });
});
