// The programs together, as a launcher starts them: simulated prefill and decode engines, and a router that is told of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { Program } from './support/program.ts';
import { ask } from './support/raw-client.ts';

interface Engine {
  readonly program: Program;
  readonly port: number;
  readonly url: string;
  readonly bootstrapPort: number;
}

async function startEngine(t: TestContext, mode: 'prefill' | 'decode', args: readonly string[] = []): Promise<Engine> {
  // It tells the router the port that it was given, so it is not left to choose.
  const bootstrapPort = await freePort();
  const ports = ['--port', '0', '--disaggregation-bootstrap-port', String(bootstrapPort)];
  const program = Program.start(t, 'sim', [...ports, '--disaggregation-mode', mode, '--speedup', '20', '--log-level', 'error', ...args]);
  await program.says('sglang-sim ready');
  const port = Number(/:(\d+)/.exec(program.stdout)?.[1]);
  return { program, port, url: `http://127.0.0.1:${port}`, bootstrapPort };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo; // A TCP server's address has a port.
  server.close();
  await once(server, 'close');
  return port;
}

async function startRouter(t: TestContext, args: readonly string[]): Promise<{ program: Program; port: number }> {
  const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--log-format', 'json', ...args]);
  await program.says('router listens');
  return { program, port: Number(program.logged('router listens')[0]?.['port']) };
}

/** As launchers of SLURM jobs wait: by the counts of GET /workers. */
async function untilCounted(port: number, prefill: number, decode: number): Promise<void> {
  for (const startMs = performance.now(); ; ) {
    const { stats } = (await ask(port, { path: '/workers' })).json() as { stats: { prefill_count: number; decode_count: number } };
    if (stats.prefill_count === prefill && stats.decode_count === decode) return;
    assert.ok(performance.now() - startMs < 20_000, `workers up: ${JSON.stringify(stats)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const generate = (port: number) => ask(port, { path: '/generate', body: '{"text":"hi there","sampling_params":{"max_new_tokens":4}}' });

suite('a router of pairs and simulated engines, as programs', { concurrency: 2 }, () => {
  test('answers as soon as the counts that launchers wait for are there, and says who is missing when an engine dies', async (t) => {
    const [prefill, decode] = [await startEngine(t, 'prefill'), await startEngine(t, 'decode')];
    const workers = ['--prefill', prefill.url, String(prefill.bootstrapPort), '--decode', decode.url];
    const { port, program } = await startRouter(t, ['--pd-disaggregation', ...workers, '--prefill-policy', 'bucket']);
    await untilCounted(port, 1, 1);
    const answer = await generate(port);
    assert.equal(answer.status, 200);
    assert.equal((answer.json() as { meta_info: { completion_tokens: number } }).meta_info.completion_tokens, 4);
    assert.equal((await ask(port, { path: '/health_generate' })).status, 200);
    assert.deepEqual(program.logged('worker is not what it was registered as'), []);

    prefill.program.child.kill('SIGKILL');
    await prefill.program.exit();
    const failed = await generate(port);
    assert.ok(failed.status === 502 || failed.status === 503, `${failed.status}`);
    const missing = await generate(port);
    assert.equal(missing.status, 503);
    assert.match((missing.json() as { error: { message: string } }).error.message, /^no prefill worker/);
    const readiness = await ask(port, { path: '/readiness' });
    assert.deepEqual([readiness.status, (readiness.json() as { missing: unknown }).missing], [503, ['prefill']]);
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
  });

  test('a wrong bootstrap port is named in the log, and its requests fail as the engines say', async (t) => {
    const [prefill, decode] = [
      await startEngine(t, 'prefill'),
      await startEngine(t, 'decode', ['--disaggregation-handshake-timeout-secs', '0.5']),
    ];
    const wrong = 1 + (prefill.bootstrapPort % 65_000);
    const { port, program } = await startRouter(t, [
      '--pd-disaggregation',
      '--prefill',
      prefill.url,
      String(wrong),
      '--decode',
      decode.url,
    ]);
    await untilCounted(port, 1, 1);
    await program.says('registered with the bootstrap port');
    const answer = await generate(port);
    assert.equal(answer.status, 500);
    assert.match(answer.body.toString(), /Decode handshake failed/);
    assert.deepEqual((await ask(port, { path: '/pd/pairs' })).json(), { pairs: [], total: 0 });
  });

  test('bad settings of pairs are told together, and it ends with 2', async (t) => {
    const workers = ['--prefill', 'http://a:1', 'x', '--prefill', 'ftp://b', '--decode', 'c', '--decode-policy', 'bucket'];
    const program = Program.start(t, 'router', ['--pd-disaggregation', ...workers, '--pd-bootstrap-timeout-secs', '-1']);
    assert.deepEqual(await program.exit(), { code: 2, signal: null });
    for (const part of [
      '--prefill "http://a:1 x"',
      'a bootstrap port from 1 to 65535, or none',
      '--prefill "ftp://b"',
      '--decode "c"',
      'bucket is for regular and prefill workers only',
      '--pd-bootstrap-timeout-secs "-1"',
      '5 problems',
    ]) {
      assert.ok(program.stderr.includes(part), `${part} in ${program.stderr}`);
    }
  });
});
