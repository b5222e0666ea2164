/** The program `router` as a process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { Program, ROOT } from './support/program.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { takePort } from './support/taken-port.ts';
import { gate, until } from './support/until.ts';

const PACKAGE = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

async function running(t: TestContext, args: readonly string[]): Promise<{ program: Program; port: number }> {
  const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--log-format', 'json', ...args]);
  await program.says('router listens');
  return { program, port: Number(program.logged('router listens')[0]?.['port']) };
}

async function ready(port: number): Promise<void> {
  let isReady = false;
  while (!isReady) isReady = (await ask(port, { path: '/readiness' })).status === 200;
}

suite('the program router', { concurrency: 2 }, () => {
  test('tells its options with their defaults and values, and its version', async (t) => {
    for (const flag of ['--help', '-h']) {
      const help = Program.start(t, 'router', [flag]);
      assert.deepEqual(await help.exit(), { code: 0, signal: null });
      assert.equal(help.stderr, '');
      for (const part of [
        '--worker-urls',
        '[default: 127.0.0.1]',
        '[default: 3001]',
        '[default: round_robin]',
        'cache_aware',
        '[possible values:',
      ]) {
        assert.ok(help.stdout.includes(part), `${part} in ${help.stdout}`);
      }
    }
    for (const flag of ['--version', '-V']) {
      const version = Program.start(t, 'router', [flag]);
      assert.equal((await version.exit()).code, 0);
      assert.equal(version.stdout, `sglang-router ${PACKAGE.version}\n`);
    }
  });

  test('outlives workers that are not there yet, having nothing else to do before it listens', async (t) => {
    const workers = ['--worker-urls', 'http://127.0.0.1:1'];
    await Promise.all(Array.from({ length: 4 }, () => running(t, workers)));
  });

  test('ends with 0 on a signal that comes while it first looks at its workers', async (t) => {
    const worker = await silentWorker(t);
    const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--worker-urls', worker.url]);
    await worker.asked;
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
  });

  test('lists all problems at once, with flag, value and what was expected, and ends with 2', async (t) => {
    const program = Program.start(t, 'router', [
      '--port',
      '99999',
      '--policy',
      'fastest',
      '--worker-urls',
      'ftp://x',
      '--no-such-flag',
      '1',
    ]);
    assert.deepEqual(await program.exit(), { code: 2, signal: null });
    assert.equal(program.stdout, '');
    for (const part of ['--port', '99999', '--policy', 'fastest', 'round_robin', '--worker-urls', 'ftp://x', '--no-such-flag']) {
      assert.ok(program.stderr.includes(part), `${part} in ${program.stderr}`);
    }
  });

  test('says that its port is taken, and ends with 1', async (t) => {
    const port = await takePort(t);
    const program = Program.start(t, 'router', ['--port', String(port), '--prometheus-port', '0']);
    assert.deepEqual(await program.exit(), { code: 1, signal: null });
    assert.match(program.stderr, new RegExp(`127\\.0\\.0\\.1.*${port}.*(taken|in use)`, 'i'));
    assert.doesNotMatch(program.stderr.split('\n').at(-2) ?? '', /^\s+at /);
  });

  test('says that a host is not of this machine, and ends with 1', async (t) => {
    const program = Program.start(t, 'router', [
      '--host',
      '192.0.2.1',
      '--port',
      '0',
      '--prometheus-host',
      '127.0.0.1',
      '--prometheus-port',
      '0',
    ]);
    assert.deepEqual(await program.exit(), { code: 1, signal: null });
    assert.match(program.stderr, /192\.0\.2\.1/);
  });

  test('goes on without metrics when the default port is taken, and ends with 1 when a chosen one is', async (t) => {
    await takePort(t, 29000);
    const program = Program.start(t, 'router', ['--port', '0', '--log-format', 'json']);
    await program.says('router listens');
    assert.equal(program.logged('router listens')[0]?.['metrics'], null);
    assert.equal(program.logged('metrics port cannot be listened on, going on without it')[0]?.['port'], 29000);
    const port = Number(program.logged('router listens')[0]?.['port']);
    assert.equal((await ask(port, { path: '/liveness' })).status, 200);
    program.child.kill('SIGTERM');
    assert.equal((await program.exit()).code, 0);

    const taken = await takePort(t);
    const chosen = Program.start(t, 'router', ['--port', '0', '--prometheus-port', String(taken)]);
    assert.deepEqual(await chosen.exit(), { code: 1, signal: null });
    assert.match(chosen.stderr, new RegExp(`--prometheus-port ${taken}`));
  });

  test('serves with the usage of the manual: URLs by commas, spaces and repetition', async (t) => {
    const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
    const [a, b, c] = workers.map((worker) => worker.url);
    const { port, program } = await running(t, ['--worker-urls', `${a}/,${b}`, '--worker-urls', String(c)]);
    await until(() => workers.every((worker) => worker.probes > 0), 'all workers to be probed');
    await ready(port);
    const listed = (await ask(port, { path: '/list_workers' })).json();
    assert.deepEqual(listed, { urls: [a, b, c] });
    assert.equal((await ask(port, { body: '{}' })).status, 200);
    program.child.kill('SIGINT');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    await until(() => workers.every((worker) => worker.openSockets === 0), 'no socket to be left');
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`lets a stream end after ${signal}, takes no new connection, and ends with 0`, async (t) => {
      const go = gate();
      const worker = await ScriptedWorker.start(t, async (call) => {
        await call.body();
        await call.write(sseHead());
        await call.chunk('data: 1\n\n');
        await go.promise;
        await call.chunk('data: 2\n\n');
        await call.chunk('data: [DONE]\n\n');
        await call.write(LAST_CHUNK);
      });
      const { program, port } = await running(t, ['--worker-urls', worker.url]);
      await ready(port);
      const idle = await RawClient.connect(port);
      const client = await RawClient.connect(port);
      await client.send(requestBytes({ path: '/generate', body: '{"stream":true}' }));
      await client.untilText('data: 1\n\n');
      program.child.kill(signal);
      await program.says('router stops when');
      assert.equal(await idle.closed(), 'fin');
      await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
      assert.equal(program.exited, null);
      go.open();
      const answer = await client.response();
      assert.equal(answer.text, 'data: 1\n\ndata: 2\n\ndata: [DONE]\n\n');
      assert.equal(await client.closed(), 'fin');
      assert.deepEqual(await program.exit(), { code: 0, signal: null });
      assert.equal(program.logged('router stopped')[0]?.['connections_cut'], 0);
      await until(() => worker.openSockets === 0, 'no socket to be left');
    });
  }

  test('ends at once on the second signal: the stream is cut, and nobody takes it for whole', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(sseHead());
      await call.chunk('data: 1\n\n');
      await call.forever();
    });
    const { program, port } = await running(t, ['--worker-urls', worker.url]);
    await ready(port);
    const client = await RawClient.connect(port);
    await client.send(requestBytes({ path: '/generate', body: '{"stream":true}' }));
    await client.untilText('data: 1\n\n');
    program.child.kill('SIGTERM');
    await program.says('router stops when');
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.ok(performance.now() - startMs < 2000);
    await client.closed();
    const received = client.received.toString();
    assert.ok(!received.endsWith(LAST_CHUNK), received);
    assert.ok(!received.includes('[DONE]'));
    assert.equal(program.logged('router stopped')[0]?.['connections_cut'], 1);
    await until(() => worker.openSockets === 0, 'no socket to be left');
  });

  test('ends after the grace period although a stream goes on', async (t) => {
    const worker = await ScriptedWorker.start(t, async (call) => {
      await call.body();
      await call.write(sseHead());
      await call.chunk('data: 1\n\n');
      await call.forever();
    });
    const { program, port } = await running(t, ['--worker-urls', worker.url, '--shutdown-grace-period-secs', '1']);
    await ready(port);
    const client = await RawClient.connect(port);
    await client.send(requestBytes({ path: '/generate', body: '{"stream":true}' }));
    await client.untilText('data: 1\n\n');
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 950 && tookMs < 4000, `${tookMs} ms`);
    assert.ok(!client.received.toString().endsWith(LAST_CHUNK));
  });
});

/** Takes connections and never answers; `asked` when the first has come. */
async function silentWorker(t: TestContext): Promise<{ url: string; asked: Promise<void> }> {
  const asked = gate();
  const server = createServer(() => asked.open());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: asked.promise };
}

suite('a Node.js that is too old', () => {
  for (const program of ['router', 'launch-router', 'sim', 'srtctl', 'demo']) {
    test(`is named in one line by ${program}, whatever the arguments`, async (t) => {
      const pretend = "Object.defineProperty(process.versions, 'node', { value: '18.20.4' })";
      const old = Program.run(t, process.execPath, [`--import=data:text/javascript,${pretend}`, `dist/bin/${program}.js`, '--help']);
      assert.deepEqual(await old.exit(), { code: 1, signal: null });
      assert.equal(old.stderr, `error: needs Node.js >= 20.19, this is 18.20.4 (${process.execPath})\n`);
      assert.equal(old.stdout, '');
    });
  }

  test('reads no file of the router before', () => {
    for (const program of ['router', 'launch-router', 'sim', 'srtctl', 'demo']) {
      const source = readFileSync(`${ROOT}src/bin/${program}.ts`, 'utf8');
      assert.deepEqual(
        [...source.matchAll(/^import '(.*)';$/gm)].map(([, path]) => path),
        ['./node-version.ts'],
      );
      assert.doesNotMatch(source, /^import .* from/m);
    }
    assert.doesNotMatch(readFileSync(`${ROOT}src/bin/node-version.ts`, 'utf8'), /^import /m);
  });
});
