/** `sglang-sim` as a program: its first line, its signals, its exit codes, its log, its nodes. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ROOT } from './support/program.ts';
import { postJson, sendRaw } from './support/send-raw.ts';

const PROGRAM = fileURLToPath(new URL('../src/bin/sim.js', import.meta.url));

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  readonly firstLine: string;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

function spawnSim(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function exitOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

async function textOf(child: ChildProcess, name: 'stdout' | 'stderr'): Promise<string> {
  let text = '';
  for await (const piece of child[name] ?? []) text += String(piece);
  return text;
}

async function firstLineOf(child: ChildProcess): Promise<string> {
  let line = '';
  for await (const piece of child.stdout ?? []) {
    line += String(piece);
    if (line.includes('\n')) break;
  }
  return line;
}

/** Waits for the first line. */
async function portIn(child: ChildProcess): Promise<number> {
  const line = await firstLineOf(child);
  const port = Number(/:(\d+)/.exec(line)?.[1]);
  assert.ok(port > 0, line);
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

/** Starts the program and waits for its first line. */
async function start(t: TestContext, args: readonly string[] = []): Promise<Program> {
  const child = spawnSim(t, ['--port', '0', ...args]);
  const exit = exitOf(child);
  const firstLine = await firstLineOf(child);
  const port = Number(/:(\d+)/.exec(firstLine)?.[1]);
  assert.ok(port > 0, firstLine);
  return { child, port, firstLine, exit };
}

const run = (port: number, tokens: number, stream = false): ReturnType<typeof postJson> =>
  postJson(port, '/generate', { text: 'x', stream, sampling_params: { max_new_tokens: tokens, ignore_eos: true } });

async function untilRunning(port: number): Promise<void> {
  const start = performance.now();
  while (!(await sendRaw(port, 'GET', '/v1/loads')).body.includes('"num_running_reqs":1')) assert.ok(performance.now() - start < 5000);
}

/** Flags without which another one is refused. */
describe('the first line', () => {
  it('names its URL, its model and its process id', async (t) => {
    const { child, port, firstLine } = await start(t, ['--served-model-name', 'mini']);
    assert.equal(firstLine, `sglang-sim ready http://127.0.0.1:${port} model=mini pid=${child.pid}\n`);
  });

  it('is JSON with --json', async (t) => {
    const { child, port, firstLine } = await start(t, ['--json']);
    assert.deepEqual(JSON.parse(firstLine), { ready: `http://127.0.0.1:${port}`, port, model: 'tiny', pid: child.pid });
  });
});

describe('signals', () => {
  it('SIGTERM: health 503, new requests served, exit 0 after the last one', async (t) => {
    const { child, port, exit } = await start(t, ['--speedup', '2']);
    const long = run(port, 150);
    await untilRunning(port);
    child.kill('SIGTERM');
    while ((await sendRaw(port, 'GET', '/ping')).status === 200);
    assert.equal((await sendRaw(port, 'GET', '/health')).status, 503);
    assert.equal((await run(port, 2)).status, 200);
    assert.equal(JSON.parse((await long).body).meta_info.completion_tokens, 150);
    assert.deepEqual(await exit, { code: 0, signal: null });
  });

  it('SIGINT: ends now, open streams break off', async (t) => {
    const { child, port, exit } = await start(t);
    const long = run(port, 100_000, true);
    await untilRunning(port);
    child.kill('SIGINT');
    assert.ok((await long).isCut);
    assert.deepEqual(await exit, { code: 0, signal: null });
  });

  it('a second signal does not wait for requests', async (t) => {
    const { child, port, exit } = await start(t);
    const long = run(port, 100_000);
    const failed = long.then(
      () => 'answered',
      (error: NodeJS.ErrnoException) => error.code,
    );
    await untilRunning(port);
    child.kill('SIGTERM');
    while ((await sendRaw(port, 'GET', '/ping')).status === 200);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, { code: 143, signal: null });
    assert.notEqual(await failed, 'answered');
  });

  it('a deadly request kills the process as the watchdog of the real one does', async (t) => {
    const { port, exit } = await start(t, ['--deadly', '--deadly-secs', '0.1']);
    const failed = postJson(port, '/generate', { input_ids: [999_999] }).catch((error: NodeJS.ErrnoException) => error.code);
    assert.deepEqual(await exit, { code: null, signal: 'SIGKILL' });
    assert.equal(await failed, 'ECONNRESET');
  });
});

describe('what keeps it from starting', () => {
  it('bad flags: all problems at once, with exit code 2', async (t) => {
    const child = spawnSim(t, ['--port', '99999', '--kv-tokens', 'many', '--itl-ms', '--kv-token', '8', '--seed=-1', 'word']);
    const [text, { code }] = await Promise.all([textOf(child, 'stderr'), exitOf(child)]);
    assert.equal(code, 2);
    for (const part of [
      '--port "99999"',
      '--kv-tokens "many"',
      '--itl-ms: expected a value',
      '--kv-token: neither',
      'did you mean --kv-tokens?',
      '--seed "-1"',
    ])
      assert.ok(text.includes(part), `${part} in ${text}`);
  });

  it('a port that is taken: exit code 1 and a message', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const child = spawnSim(t, ['--port', String(address.port)]);
    const [text, { code }] = await Promise.all([textOf(child, 'stderr'), exitOf(child)]);
    assert.equal(code, 1);
    assert.match(text, /EADDRINUSE/);
  });

  it('--version prints the version and starts nothing', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`${ROOT}dist/bin/sim.js`, '--version'], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^sglang-sim \d+\.\d+\.\d+\n$/);
  });
});

describe('an engine of several nodes', () => {
  /** Flags of both nodes; they meet at a port that was free a moment ago. */
  async function nodes(t: TestContext, ...more: readonly string[]): Promise<readonly [ChildProcess, ChildProcess]> {
    const args = ['--nnodes', '2', '--dist-init-addr', `127.0.0.1:${await freePort()}`, '--port', '0', ...more];
    return [spawnSim(t, [...args, '--node-rank', '0']), spawnSim(t, [...args, '--node-rank', '1'])];
  }

  it('the first serves when all have met, the other serves nothing and ends with it', async (t) => {
    const [first, other] = await nodes(t);
    const [port] = await Promise.all([
      portIn(first),
      firstLineOf(other).then((line) => assert.match(line, /^sglang-sim ready rank=1 first=/)),
    ]);
    assert.equal((await sendRaw(port, 'GET', '/health')).status, 200);
    const info = JSON.parse((await sendRaw(port, 'GET', '/get_server_info')).body) as Record<string, unknown>;
    assert.deepEqual([info['nnodes'], info['node_rank']], [2, 0]);
    const ends = [exitOf(first), exitOf(other)];
    first.kill('SIGTERM');
    assert.deepEqual(await Promise.all(ends), [
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });

  it('when the first is killed the other ends with 1', async (t) => {
    const [first, other] = await nodes(t);
    await Promise.all([portIn(first), firstLineOf(other)]);
    const end = exitOf(other);
    const said = textOf(other, 'stderr');
    first.kill('SIGKILL');
    assert.deepEqual(await end, { code: 1, signal: null });
    assert.match(await said, /the first node at 127\.0\.0\.1:\d+ is gone/);
  });

  it('when the other is lost the first dies as by its watchdog', async (t) => {
    const [first, other] = await nodes(t, '--deadly-secs', '0.1');
    await Promise.all([portIn(first), firstLineOf(other)]);
    const end = exitOf(first);
    other.kill('SIGKILL');
    assert.deepEqual(await end, { code: null, signal: 'SIGKILL' });
  });

  for (const [rank, message] of [
    ['0', /nodes 1 have not come to 127\.0\.0\.1:\d+ within 0\.2 s/],
    ['1', /the first node has not come to 127\.0\.0\.1:\d+ within 0\.2 s/],
  ] as const) {
    it(`node ${rank} gives up when it stays alone`, async (t) => {
      const at = ['--nnodes', '2', '--dist-init-addr', `127.0.0.1:${await freePort()}`, '--dist-timeout', '0.2', '--port', '0'];
      const child = spawnSim(t, [...at, '--node-rank', rank]);
      const [said, { code }] = await Promise.all([textOf(child, 'stderr'), exitOf(child)]);
      assert.equal(code, 1);
      assert.match(said, message);
    });
  }
});

describe('the log', () => {
  it('has the lines of the real engine for loading and readiness', async (t) => {
    const child = spawnSim(t, ['--port', '0', '--startup-delay-secs', '0.2', '--trust-remote-code']);
    const said = textOf(child, 'stderr');
    await portIn(child);
    child.kill('SIGINT');
    const lines = (await said).trim().split('\n');
    assert.equal(lines[0], 'sglang-sim: without effect here: --trust-remote-code');
    for (const [at, part] of ['ServerArgs(', 'Load weight begin', '0% Completed | 0/4'].entries())
      assert.ok(lines[at + 1]?.includes(part), lines[at + 1]);
    assert.match(lines.at(-1) ?? '', /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] The server is fired up and ready to roll!$/);
  });

  it('is silent with --log-level warning', async (t) => {
    const child = spawnSim(t, ['--port', '0', '--log-level', 'warning']);
    const said = textOf(child, 'stderr');
    await portIn(child);
    child.kill('SIGINT');
    assert.equal(await said, '');
  });

  it('has the bootstrap port of a prefill engine', async (t) => {
    const child = spawnSim(t, ['--port', '0', '--disaggregation-mode', 'prefill', '--disaggregation-bootstrap-port', '0']);
    const port = Number(/ bootstrap=(\d+) model=tiny /.exec(await firstLineOf(child))?.[1]);
    assert.equal((await sendRaw(port, 'GET', '/health')).body, 'OK');
  });
});
