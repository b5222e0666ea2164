/** What is ambiguous is answered and the connection closed; nothing of it, and nothing behind it, reaches a worker. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { createRng } from '../src/base/runtime/rng.ts';
import { CHUNK_CASES } from './support/chunk-cases.ts';
import { readRequestHead } from './support/heads.ts';
import { RawClient, type RawResponse } from './support/raw-client.ts';
import { REQUEST_RULES } from './support/request-rules.ts';
import { startTestRouter } from './support/router.ts';
import { ScriptedWorker } from './support/scripted-worker.ts';

const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  405: 'unsupported_method',
  408: 'request_timeout',
  413: 'payload_too_large',
  414: 'uri_too_long',
  417: 'expectation_failed',
  431: 'header_fields_too_large',
  505: 'http_version_not_supported',
};
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n';

/** The refusal, whole, and the end of the connection behind it. */
async function refusal(client: RawClient, status: number, method: string): Promise<RawResponse> {
  const answer = await client.response(method);
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.get('x-smg-error-code'), CODES[status]);
  assert.equal(answer.get('connection'), 'close');
  if (method !== 'HEAD') assert.equal((answer.json() as { error: { code: string } }).error.code, CODES[status]);
  assert.notEqual(await client.closed(), 'local');
  assert.equal(client.rest.length, 0, 'nothing follows a refusal');
  return answer;
}

/** The rest of a message whose head is `head`: a body of the length that it gives. */
function bodyFor(head: string): string {
  const read = readRequestHead(head);
  if (read === 'bad bytes' || !('target' in read)) throw new Error(`not a neighbour: ${head}`);
  if (read.chunked) return '0\r\n\r\n';
  return read.contentLength > 0 && read.contentLength < 1000 ? 'x'.repeat(read.contentLength) : '';
}

suite('request heads', () => {
  test('that break a rule are refused, and the neighbour that does not is served', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (const [rule, status, refused, neighbour] of REQUEST_RULES) {
      const bad = await router.connect();
      await bad.send(refused + SMUGGLED);
      await refusal(bad, status, 'GET').catch((error: unknown) => {
        throw new Error(`${rule}: ${String(error)}`, { cause: error });
      });
      const before = worker.calls.length;
      assert.ok(
        worker.calls.every((call) => call.target !== '/smuggled'),
        rule,
      );

      const good = await router.connect();
      await good.send(neighbour + bodyFor(neighbour));
      let answer = await good.response();
      if (answer.status === 100) answer = await good.response();
      assert.ok([200, 404, 405, 413].includes(answer.status), `${rule}: its neighbour got ${answer.status} ${answer.text}`);
      assert.ok(worker.calls.length <= before + 1);
      good.destroy();
    }
    // A few neighbours are 404, 405 or 413: the rest has been forwarded, and only that.
    assert.ok(worker.calls.length >= REQUEST_RULES.length - 8, `${worker.calls.length} of ${REQUEST_RULES.length}`);
    await router.assertQuiet();
  });

  test('are refused in the same way when they come byte by byte', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (const [, status, refused] of REQUEST_RULES.filter(([, , text]) => text.length < 200)) {
      const client = await router.connect();
      await client.sendPieces(Array.from(Buffer.from(refused, 'latin1'), (byte) => Buffer.from([byte])));
      await refusal(client, status, 'GET');
    }
    assert.equal(worker.calls.length, 0);
  });

  test('are refused behind good requests, whose answers come first', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (const [, status, refused] of REQUEST_RULES.filter(([, , text]) => text.length < 2000)) {
      const client = await router.connect();
      await client.send(
        `GET /first HTTP/1.1\r\nhost: a\r\n\r\nPOST /second HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}${refused}${SMUGGLED}`,
      );
      assert.equal((await client.response()).status, 200);
      assert.equal((await client.response()).status, 200);
      await refusal(client, status, 'GET');
    }
    assert.deepEqual([...new Set(worker.calls.map((call) => call.target))], ['/first', '/second']);
  });

  test('are the last thing that is read of their connection', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (const [first, status] of [
      ['GET / HTTP/1.1\r\n\r\n', 400],
      ['GET /liveness HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 200],
      ['POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 400],
    ] as const) {
      const client = await router.connect();
      client.endsInTurn = false;
      await client.send(first);
      assert.equal((await client.response()).status, status);
      assert.equal(await client.closed(), 'fin');
      for (let i = 0; i < 5; i++) {
        await client.send(SMUGGLED);
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.finish();
      await router.assertQuiet();
      assert.equal(client.rest.length, 0);
    }
    assert.equal(worker.calls.length, 0);
  });

  test('without an end are refused when they are too large, without reading on', async (t) => {
    const router = await startTestRouter(t, [], []);
    for (const [text, status] of [
      [`GET /${'a'.repeat(70_000)}`, 414],
      [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(70_000)}`, 431],
      [`GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(12_000)}`, 431],
    ] as const) {
      const client = await router.connect();
      void client.send(text);
      await refusal(client, status, 'GET');
    }
  });
});

suite('chunked request bodies', () => {
  const HEAD = 'POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';

  test('that break a rule are refused, and good ones arrive and let the next request through', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, [], [worker]);
    for (const [name, text, verdict, payload] of CHUNK_CASES) {
      const client = await router.connect();
      const before = worker.calls.length;
      if (verdict === 'bad') {
        void client.send(HEAD + text + SMUGGLED);
        await refusal(client, 400, 'POST').catch((error: unknown) => {
          throw new Error(`${name}: ${String(error)}`, { cause: error });
        });
        assert.equal(worker.calls.length, before, name);
      } else if (verdict === 'done') {
        await client.send(`${HEAD}${text}GET /next HTTP/1.1\r\nhost: a\r\n\r\n`);
        assert.equal((await client.response()).status, 200, name);
        assert.equal((await client.response()).status, 200, name);
        assert.equal((await worker.calls[before]!.body()).toString('latin1'), payload);
        assert.equal(worker.calls[before + 1]?.target, '/next');
      }
      client.destroy();
    }
    await router.assertQuiet();
  });

  test('that break off while they stream never look whole to the worker', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--max-replay-bytes', '0'], [worker]);
    worker.script = (call) => call.forever();
    let count = 0;
    for (const [, text, verdict] of CHUNK_CASES) {
      if (verdict !== 'bad' || text.length > 1000) continue;
      const client = await router.connect();
      await client.send(`${HEAD}5\r\nfirst\r\n`);
      const call = await worker.next();
      await client.send(text + SMUGGLED);
      await refusal(client, 400, 'POST');
      await call.closed;
      assert.equal(call.message.done, false);
      assert.equal(call.header('transfer-encoding'), 'chunked');
      count++;
    }
    assert.ok(count > 30);
    await router.assertQuiet();
  });

  test('with a length that break off end the request at the worker too', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const router = await startTestRouter(t, ['--max-replay-bytes', '0'], [worker]);
    worker.script = (call) => call.forever();
    for (const how of ['fin', 'reset'] as const) {
      const client = await router.connect();
      await client.send('POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf');
      const call = await worker.next();
      if (how === 'fin') client.finish();
      else client.reset();
      await call.closed;
      assert.equal(call.message.done, false);
    }
    await router.assertQuiet();
  });
});

test('random damage to the fields of a request never makes a worker see a request that Node would not see', async (t) => {
  const worker = await ScriptedWorker.start(t);
  const flags = ['--header-timeout-secs', '0.1', '--body-timeout-secs', '0.1', '--keep-alive-timeout-secs', '0.1'];
  const router = await startTestRouter(t, flags, [worker]);
  const seenByNode: string[] = [];
  const node = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      seenByNode.push(`${request.method} ${request.url} ${Buffer.concat(parts).toString('latin1')}`);
      response.end();
    });
  });
  node.listen(0, '127.0.0.1');
  await once(node, 'listening');
  t.after(() => node.close());
  const nodePort = (node.address() as AddressInfo).port; // A TCP server's address has a port.

  const rng = createRng(2026);
  const damages = [
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    '\0',
    ':',
    '0',
    '5',
    '\r\n\r\n',
    'Content-Length: 7\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\x7f',
  ];
  const one = async (i: number): Promise<void> => {
    const inner = `POST /inner-${i} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n`;
    const fields = i % 2 === 0 ? `content-length: ${inner.length}` : 'transfer-encoding: chunked';
    const body = i % 2 === 0 ? inner : `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
    const line = `POST /outer-${i} HTTP/1.1\r\n`;
    const rest = `host: a\r\nx-a: b\r\n${fields}\r\n\r\n${body}`;
    const at = rng.below(rest.indexOf('\r\n\r\n') + 3);
    const cut = rng.below(3) === 0 ? 1 + rng.below(3) : 0;
    const bytes = Buffer.from(line + rest.slice(0, at) + damages[rng.below(damages.length)]! + rest.slice(at + cut), 'latin1');
    for (const port of [router.port, nodePort]) {
      const client = await RawClient.connect(port);
      void client.send(bytes);
      if (port === nodePort) client.finish();
      await client.closed();
    }
  };
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 60 }, (_, i) => one(60 * round + i)));

  const wholeCalls = worker.calls.filter((call) => call.message.done);
  assert.ok(wholeCalls.length > 100, `only ${wholeCalls.length} got through`);
  assert.ok(wholeCalls.length < 500, `as many as ${wholeCalls.length} got through`);
  const known = new Set(seenByNode);
  const strangers = wholeCalls
    .map((call) => `${call.method} ${call.target} ${call.message.body.toString('latin1')}`)
    .filter((one) => !known.has(one));
  assert.deepEqual(strangers, []);
});
