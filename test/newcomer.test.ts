// What somebody sees who has just cloned the repository and types `npm start`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { isClosed, Program, ROOT } from './support/program.ts';
import { takePort } from './support/taken-port.ts';
import { until } from './support/until.ts';

const FREE_PORTS = ['--port', '0', '--prometheus-port', '0'];
const SCREEN_END = /Ctrl-C stops everything\.\n/;
/** A terminal that presses Ctrl-C twice does so at human speed; quicker repeats count as one. */
const HUMAN_PAUSE_MS = 200;

interface Demo extends Program {
  readonly router: string;
  readonly engines: readonly string[];
  readonly metrics: string;
  readonly ports: readonly number[];
}

async function startDemo(t: TestContext, args: readonly string[] = FREE_PORTS): Promise<Demo> {
  const program = Program.start(t, 'demo', args);
  await program.says(SCREEN_END);
  return readScreen(program);
}

function readScreen(program: Program): Demo {
  const router = /^ {2}router +(http:\S+)/m.exec(program.stdout)?.[1] ?? '';
  const engines = [...(/^ {2}engines((?: +http:\S+\n)+)/m.exec(program.stdout)?.[1] ?? '').matchAll(/http:\S+/g)].map(([url]) => url);
  const metrics = /^ {2}metrics +(http:\S+)/m.exec(program.stdout)?.[1] ?? '';
  const ports = [router, metrics, ...engines].map((url) => Number(new URL(url).port));
  return Object.assign(program, { router, engines, metrics, ports });
}

/** The command that the screen tells people to paste, as it stands there. */
function pastedCommand(screen: string): string {
  const found = /^ {2}(curl -sN [\s\S]*?\}')$/m.exec(screen)?.[1];
  assert.ok(found !== undefined, screen);
  return found;
}

interface Piece {
  readonly atMs: number;
  readonly text: string;
}

/** Runs the command in a shell, or, where curl is missing, asks the same with Node. */
async function paste(t: TestContext, command: string, found: Piece[] = []): Promise<readonly Piece[]> {
  const isMissing = (await Program.run(t, 'sh', ['-c', 'command -v curl']).exit()).code !== 0;
  const take = (text: string): void => {
    found.push({ atMs: performance.now(), text });
  };
  if (isMissing) {
    const [, url = ''] = /(http:\S+)/.exec(command) ?? [];
    const [, body = ''] = /-d '([\s\S]*)'$/.exec(command) ?? [];
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', connection: 'close' }, body });
    const decoder = new TextDecoder();
    for await (const piece of answer.body ?? []) take(decoder.decode(piece, { stream: true }));
    return found;
  }
  const curl = Program.run(t, 'sh', ['-c', command]);
  curl.child.stdout?.on('data', take);
  const { code } = await curl.exit();
  assert.equal(code, 0, curl.stderr);
  return found;
}

const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join('');

describe('the first screen', () => {
  it('names what runs, fits into 80 columns, and the curl line on it streams tokens one by one', async (t) => {
    const demo = await startDemo(t, [...FREE_PORTS, '--policy', 'power_of_two']);
    assert.equal(demo.stderr, '');
    assert.match(demo.stdout, /\(policy power_of_two\)/);
    assert.equal(demo.engines.length, 4);
    for (const line of demo.stdout.split('\n')) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
    const pieces = await paste(t, pastedCommand(demo.stdout));
    const events = textOf(pieces)
      .split('\n\n')
      .filter((event) => event !== '');
    assert.ok(events.length > 10, textOf(pieces));
    assert.ok(events.every((event) => event.startsWith('data: ')));
    assert.equal(events.at(-1), 'data: [DONE]');
    const content = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? '');
    assert.ok(content.join('').length > 20, content.join(''));
    // 40 tokens, 20 ms each: they must not have been gathered on the way.
    assert.ok(pieces.length > 5, `${pieces.length} pieces`);
    assert.ok(pieces.at(-1)!.atMs - pieces[0]!.atMs > 200, 'the tokens came all at once');
  });

  it('leads to the workers and the metrics', async (t) => {
    const demo = await startDemo(t);
    const url = /^ {2}curl -s (http:\S+\/workers)$/m.exec(demo.stdout)?.[1] ?? assert.fail(demo.stdout);
    const listed = (await (await fetch(url, { headers: { connection: 'close' } })).json()) as {
      workers: { url: string; is_healthy: boolean }[];
    };
    assert.deepEqual(listed.workers.map(({ url }) => url).sort(), [...demo.engines].sort());
    assert.ok(listed.workers.every((worker) => worker.is_healthy));
    const metrics = await (await fetch(demo.metrics, { headers: { connection: 'close' } })).text();
    assert.match(metrics, /^smg_worker_pool_size\{.*\} 4$/m);
  });

  it('says so when the usual port of the metrics is taken, and everything else runs', async (t) => {
    await takePort(t, 29000);
    const program = Program.start(t, 'demo', ['--port', '0']);
    await program.says(SCREEN_END);
    assert.match(program.stdout, /^ {2}metrics +not served: port 29000 is taken; choose one with --prometheus-port$/m);
    program.child.kill('SIGINT');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
  });
});

describe('Ctrl-C', () => {
  it('ends with 0 and leaves nothing behind', async (t) => {
    const demo = await startDemo(t);
    assert.deepEqual(await Promise.all(demo.ports.map(isClosed)), [false, false, false, false, false, false]);
    demo.child.kill('SIGINT');
    assert.deepEqual(await demo.exit(), { code: 0, signal: null });
    assert.deepEqual(await Promise.all(demo.ports.map(isClosed)), [true, true, true, true, true, true]);
    assert.match(demo.stdout, /\nstopping\n$/);
    assert.equal(demo.stderr, '');
  });

  it('lets a stream come to its end, also when npm passes the signal on a second time', async (t) => {
    const demo = await startDemo(t);
    const pieces: Piece[] = [];
    const streamed = paste(t, pastedCommand(demo.stdout), pieces);
    await until(() => pieces.length > 0, 'the first token');
    demo.child.kill('SIGINT');
    demo.child.kill('SIGINT');
    assert.match(textOf(await streamed), /data: \[DONE\]\n\n$/);
    assert.deepEqual(await demo.exit(), { code: 0, signal: null });
  });

  it('pressed twice does not wait for anything', async (t) => {
    const demo = await startDemo(t, [...FREE_PORTS, '--shutdown-grace-period-secs', '60']);
    const answer = await fetch(`${demo.router}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'x', stream: true, sampling_params: { max_new_tokens: 100_000, ignore_eos: true } }),
    });
    const cut = assert.rejects(answer.text());
    demo.child.kill('SIGINT');
    await demo.says(/\nstopping\n/);
    await new Promise((resolve) => setTimeout(resolve, HUMAN_PAUSE_MS));
    demo.child.kill('SIGINT');
    assert.deepEqual(await demo.exit(), { code: 0, signal: null });
    await cut;
  });

  it('works through npm as from a terminal, where the whole group of processes is told', async (t) => {
    const npm = Program.run(t, 'npm', ['start', '--', ...FREE_PORTS], { group: true });
    await npm.says(SCREEN_END);
    const { ports } = readScreen(npm);
    process.kill(-(npm.child.pid ?? assert.fail()), 'SIGINT');
    const { code, signal } = await npm.exit();
    // Newer versions of npm end themselves by the signal after their child has ended.
    assert.ok(code === 0 || signal === 'SIGINT', `npm ended with ${code}, ${signal}: ${npm.stderr}`);
    assert.match(npm.stdout, /\nstopping\n$/);
    assert.deepEqual(await Promise.all(ports.map(isClosed)), [true, true, true, true, true, true]);
  });
});

describe('kill', () => {
  it('of npm leaves nothing behind', async (t) => {
    const npm = Program.run(t, 'npm', ['start', '--', ...FREE_PORTS], { group: true });
    await npm.says(SCREEN_END);
    const { ports } = readScreen(npm);
    npm.child.kill('SIGTERM');
    await npm.exit();
    assert.match(npm.stdout, /\nstopping\n$/);
    assert.deepEqual(await Promise.all(ports.map(isClosed)), [true, true, true, true, true, true]);
  });
});

describe('npm start gone wrong', () => {
  it('a port that is taken is told in one line, with what to do, and exit code 1', async (t) => {
    const port = await takePort(t);
    const program = Program.start(t, 'demo', ['--port', String(port), '--prometheus-port', '0']);
    assert.deepEqual(await program.exit(), { code: 1, signal: null });
    assert.equal(
      program.stderr,
      `error: 127.0.0.1:${port} is taken by another process; choose another port (npm start -- --port ${port + 1}), or stop that process\n`,
    );
    assert.equal(program.stdout, 'starting a router and four simulated engines ...\n');
  });

  it('the router alone says it too, and its log has no stack of it', async (t) => {
    const port = await takePort(t);
    const program = Program.start(t, 'router', ['--port', String(port), '--prometheus-port', '0']);
    assert.deepEqual(await program.exit(), { code: 1, signal: null });
    assert.equal(
      program.stderr,
      `error: 127.0.0.1:${port} is taken by another process; choose another port (--port ${port + 1}), or stop that process\n`,
    );
    const record = JSON.parse(program.stdout);
    assert.equal(record.msg, 'router cannot start');
    assert.deepEqual(Object.keys(record).sort(), ['level', 'msg', 'pid', 'reason', 'time']);
  });

  it('a path for metrics that the router needs itself is told in one line, with exit code 2', async (t) => {
    for (const name of ['demo', 'router']) {
      const program = Program.start(t, name, [...FREE_PORTS, '--metrics-path', '/health']);
      assert.deepEqual(await program.exit(), { code: 2, signal: null });
      assert.equal(
        program.stderr,
        'error: --metrics-path /health: the router has another use for that path; choose another, such as /metrics\n',
      );
    }
  });

  it('bad flags are told all at once, with exit code 2', async (t) => {
    const program = Program.start(t, 'demo', ['--port', 'x', '--policy', 'best']);
    assert.deepEqual(await program.exit(), { code: 2, signal: null });
    assert.match(program.stderr, /2 problems/);
    assert.equal(program.stdout, '');
  });

  it('when nobody reads what it says it ends, without a stack', async (t) => {
    const program = Program.run(t, 'sh', [
      '-c',
      `{ "${process.execPath}" dist/bin/demo.js ${FREE_PORTS.join(' ')}; echo "code $?" >&2; } | true`,
    ]);
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.equal(program.stderr, 'code 0\n');
  });
});

describe('npm start -- --help', () => {
  it('is its own, fits into 80 columns and names only options that exist', async (t) => {
    const program = Program.start(t, 'demo', ['--help']);
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.match(program.stdout, /^Usage: npm start -- \[OPTIONS\]\n/);
    for (const line of program.stdout.split('\n')) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
  });

  it('settings from the environment and a file count as they do for the router', async (t) => {
    const program = Program.start(t, 'demo', ['--check-config'], { SGLANG_ROUTER_POLICY: 'random' });
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.equal(JSON.parse(program.stdout).policy, 'random');
  });
});

describe('package.json', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));

  it('starts the demo with `npm start`, and `npm ci` builds what that runs', () => {
    assert.equal(scripts.start, 'node dist/bin/demo.js');
    assert.equal(scripts.prepare, 'npm run build');
  });
});
