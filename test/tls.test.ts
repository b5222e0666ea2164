/** TLS on the port of the router and to its workers, over real sockets. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { formatProblems } from '../src/router/config/load-config.ts';
import { Authority, type Identity } from './support/certificates.ts';
import { load } from './support/given-config.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

const authority = new Authority('authority of the tests');
const BODY = '{"text":"a"}';

class Files {
  readonly #directory: string;

  constructor(t: TestContext) {
    this.#directory = mkdtempSync(join(tmpdir(), 'tls-'));
    t.after(() => rmSync(this.#directory, { recursive: true }));
  }

  write(name: string, text: string): string {
    const path = join(this.#directory, name);
    writeFileSync(path, text);
    return path;
  }

  identity(name: string, { cert, key }: Identity): { cert: string; key: string } {
    return { cert: this.write(`${name}.pem`, cert), key: this.write(`${name}.key`, key) };
  }
}

/** A TLS connection to the router, trusted or not at all. */
async function connect(t: TestContext, port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.cert });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(port: number, path: string, body: string | null = null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { 'content-type': 'application/json' };
    const request = https.request(
      { port, host: '127.0.0.1', path, ca: authority.cert, method: body === null ? 'GET' : 'POST', headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function tlsRouter(
  t: TestContext,
  worker: ScriptedWorker,
  logger = new RecordingLogger(),
): Promise<{ router: TestRouter; files: Files }> {
  const files = new Files(t);
  const { cert, key } = files.identity('router', authority.issue('router'));
  const router = await startTestRouter(t, ['--tls-cert-path', cert, '--tls-key-path', key], [worker], { logger });
  return { router, files };
}

suite('the port of the router with a certificate', { concurrency: 4 }, () => {
  test('answers whole, in streams, and large bodies byte for byte', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { router } = await tlsRouter(t, worker);
    assert.equal((await ask(router.port, '/generate', BODY)).status, 200);
    worker.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      for (let i = 0; i < 50; i++) await call.chunk(`data: ${i}\n\n`);
      await call.chunk('data: [DONE]\n\n');
      await call.write(LAST_CHUNK);
    };
    const stream = await ask(router.port, '/generate', '{"text":"a","stream":true}');
    assert.equal(stream.text, `${Array.from({ length: 50 }, (_, i) => `data: ${i}\n\n`).join('')}data: [DONE]\n\n`);
    const large = 'x'.repeat(3_000_000);
    worker.script = async (call) => {
      const body = await call.body();
      await call.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body]));
    };
    assert.equal((await ask(router.port, '/generate', JSON.stringify({ text: large }))).text, JSON.stringify({ text: large }));
    await router.assertQuiet();
  });

  test('takes no plain HTTP, and ends a handshake that does not come', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const files = new Files(t);
    const { cert, key } = files.identity('router', authority.issue('router'));
    const router = await startTestRouter(t, ['--tls-cert-path', cert, '--tls-key-path', key, '--header-timeout-secs', '0.3'], [worker]);
    await assert.rejects(fetch(router.url));
    const silent = await router.connect();
    assert.notEqual(await silent.closed(), 'local');
    assert.equal((await ask(router.port, '/liveness')).status, 200);
  });

  test('lets the worker go when the client leaves, and never shows a cut stream as whole', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { router } = await tlsRouter(t, worker);
    const client = await connect(t, router.port);
    worker.script = async (call) => {
      await call.write(sseHead());
      await call.chunk('data: 1\n\n');
      await call.forever();
    };
    client.write(`POST /generate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`);
    await once(client, 'data');
    client.destroy();
    const call = await worker.next();
    assert.notEqual(await call.closed, 'local');
    worker.script = async (cut) => {
      await cut.write(sseHead());
      await cut.chunk('data: 1\n\n');
      cut.reset();
    };
    await assert.rejects(async () => {
      const { text } = await ask(router.port, '/generate', '{"text":"a","stream":true}');
      assert.match(text, /"code"/);
      throw new Error('the answer looked whole');
    });
    await router.assertQuiet();
  });

  test('holds a slow reader back and loses nothing', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { router } = await tlsRouter(t, worker);
    const size = 20_000_000;
    worker.script = async (call) => {
      await call.body();
      await call.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      for (let at = 0; at < size; at += 1_000_000) await call.write(Buffer.alloc(1_000_000, 97));
    };
    const client = await connect(t, router.port);
    client.pause();
    client.write(
      `POST /generate HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
    );
    await worker.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    let bytes = 0;
    client.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    client.resume();
    await once(client, 'end');
    assert.ok(bytes > size && bytes < size + 1000, `${bytes}`);
  });

  test('drains: a request under way is answered, and the connection ends', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { router } = await tlsRouter(t, worker);
    let answer = (): void => {};
    worker.script = (call) =>
      new Promise((resolve) => {
        answer = () => resolve(call.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
      });
    const asked = ask(router.port, '/generate', BODY);
    await worker.next();
    const idle = await connect(t, router.port);
    const stopped = router.running.stop();
    await once(idle.resume(), 'close');
    answer();
    assert.equal((await asked).text, 'ok');
    assert.equal(await stopped, 0);
  });

  test('follows the files: new connections get the new certificate, old ones stay', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const logger = new RecordingLogger();
    const { router, files } = await tlsRouter(t, worker, logger);
    const before = await connect(t, router.port);
    const serial = (socket: tls.TLSSocket): string => new X509Certificate(socket.getPeerCertificate().raw).subject;
    assert.match(serial(before), /CN=router$/);
    files.write('router.pem', 'not a certificate');
    await until(() => logger.records.some(({ message }) => message.startsWith('certificate files are not valid')), 'the complaint', 10_000);
    files.identity('router', authority.issue('router later'));
    await until(() => logger.records.some(({ message }) => message.startsWith('certificate files have changed')), 'the new one', 10_000);
    const after = await connect(t, router.port);
    assert.match(serial(after), /CN=router later$/);
    before.write('GET /liveness HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.match(String((await once(before, 'data'))[0]), /^HTTP\/1.1 200/);
    before.destroy();
    after.destroy();
  });

  test('warns of a certificate that ends soon', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const files = new Files(t);
    const logger = new RecordingLogger();
    const { cert, key } = files.identity('router', authority.issue('router', { expiresMs: Date.now() + 3 * 24 * 3600 * 1000 }));
    await startTestRouter(t, ['--tls-cert-path', cert, '--tls-key-path', key], [worker], { logger });
    assert.equal(logger.records.find(({ message }) => message === 'certificate expires soon')?.fields['days'], 2);
  });
});

suite('https workers', { concurrency: 4 }, () => {
  /** Answers probes and requests. `ca`: whose certificates it asks of clients. */
  async function httpsWorker(t: TestContext, identity: Identity, ca: string | null): Promise<{ url: string; subjects: string[] }> {
    const subjects: string[] = [];
    const options = { ...identity, ...(ca === null ? {} : { ca, requestCert: true, rejectUnauthorized: true }) };
    const server = https.createServer(options, (request, response) => {
      const { subject } = (request.socket as tls.TLSSocket).getPeerCertificate();
      subjects.push(subject === undefined ? '' : String(subject.CN));
      request.resume().on('end', () => response.end('{"ok":true}'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, subjects };
  }
  const generate = async (router: TestRouter): Promise<number> =>
    (await fetch(`${router.url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY })).status;

  test('are used when a known authority signed their certificate, and only then', async (t) => {
    const files = new Files(t);
    const worker = await httpsWorker(t, authority.issue('worker'), null);
    const ca = files.write('ca.pem', authority.cert);
    const trusting = await startTestRouter(t, ['--worker-urls', worker.url, '--ca-cert-paths', ca], []);
    await trusting.untilEligible([worker]);
    assert.equal(await generate(trusting), 200);
    const other = files.write('other.pem', new Authority('another').cert);
    for (const flags of [[], ['--ca-cert-paths', other]]) {
      const router = await startTestRouter(t, ['--worker-urls', worker.url, ...flags], []);
      assert.equal(await generate(router), 503, flags.join(' '));
    }
  });

  test('get the certificate of the router where they ask for one', async (t) => {
    const files = new Files(t);
    const worker = await httpsWorker(t, authority.issue('worker'), authority.cert);
    const ca = files.write('ca.pem', authority.cert);
    const { cert, key } = files.identity('client', authority.issue('the router'));
    const flags = ['--worker-urls', worker.url, '--ca-cert-paths', ca];
    const known = await startTestRouter(t, [...flags, '--client-cert-path', cert, '--client-key-path', key], []);
    await known.untilEligible([worker]);
    assert.equal(await generate(known), 200);
    assert.ok(worker.subjects.length >= 2 && worker.subjects.every((subject) => subject === 'the router'), worker.subjects.join());
    const unknown = await startTestRouter(t, flags, []);
    assert.equal(await generate(unknown), 503);
  });
});

suite('settings of TLS', () => {
  test('need each other', () => {
    for (const [argv, expected] of [
      [['--tls-cert-path', 'a'], /--tls-cert-path.*together with --tls-key-path/],
      [['--tls-key-path', 'a'], /--tls-key-path.*together with --tls-cert-path/],
      [['--client-key-path', 'a'], /--client-key-path.*together with --client-cert-path/],
    ] as const) {
      const loaded = load({ argv });
      assert.equal(loaded.kind, 'errors');
      assert.match(formatProblems(loaded.problems), expected);
    }
  });

  test('with files that are no certificates end the start with the name of the file', async (t) => {
    const files = new Files(t);
    const { cert, key } = files.identity('router', authority.issue('router'));
    const other = files.identity('other', authority.issue('other'));
    const garbage = files.write('garbage.pem', 'nothing');
    for (const [flags, expected] of [
      [['--tls-cert-path', `${cert}.missing`, '--tls-key-path', key], /router\.pem\.missing cannot be read \(ENOENT\)/],
      [['--tls-cert-path', garbage, '--tls-key-path', key], /garbage\.pem holds no certificate in PEM form/],
      [['--tls-cert-path', cert, '--tls-key-path', other.key], /router\.pem and .*other\.key: the key is not that of the certificate/],
      [['--tls-cert-path', cert, '--tls-key-path', garbage], /router\.pem and .*garbage\.pem: no certificate with its key/],
      [['--ca-cert-paths', garbage], /garbage\.pem holds no certificate/],
    ] as const) {
      await assert.rejects(startTestRouter(t, flags, []), expected);
    }
  });
});
