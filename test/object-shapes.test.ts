/** What the first requests of a router leave behind: objects of later ones must not be dictionaries (src/router/proxy/client/socket-shape.ts). */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Program, ROOT } from './support/program.ts';
import { type Ask, ask, RawClient, requestBytes } from './support/raw-client.ts';
import { ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { gate, until, within } from './support/until.ts';

type Shapes = Readonly<Record<string, { fast: number; slow: number }>>;

const PRELOADED = fileURLToPath(new URL('./support/shapes.main.js', import.meta.url));
/** By default dead shapes outlive two full collections, each of which takes 40 ms. */
const FLAGS = ['--expose-gc', '--allow-natives-syntax', '--retain-maps-for-n-gc=0', '--import', PRELOADED];
/** V8 decides when the seventh object of a class is made. */
const DECIDED = 8;
/** After a request, until its connections are closed: then its objects are dead. */
const PAUSE_MS = 50;
const BODY = { method: 'POST', path: '/generate', headers: { 'content-type': 'application/json' }, body: '{"text":"a","stream":true}' };

interface Watched {
  readonly port: number;
  /** Collects all garbage, as a router does that idles between its first requests. */
  collect(): Promise<void>;
  shapes(): Promise<Shapes>;
}

async function startWatched(t: TestContext, args: readonly string[]): Promise<Watched> {
  const directory = mkdtempSync(path.join(tmpdir(), 'shapes-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const output = path.join(directory, 'output');
  const says = async (pattern: RegExp): Promise<string> => {
    let found: RegExpExecArray | null = null;
    const look = () => {
      found = pattern.exec(existsSync(output) ? readFileSync(output, 'utf8') : '');
      return found !== null;
    };
    await until(look, () => `the router to say ${pattern}`, 60_000);
    return found![1]!;
  };
  const router = [`${ROOT}dist/bin/router.js`, '--port', '0', '--prometheus-port', '0', '--log-format', 'json', ...args];
  // Into a file: what is written to a pipe needs a socket, which lives and keeps the shape of sockets for ever.
  const command = ['-c', 'exec "$@" >"$0" 2>&1', output, process.execPath, ...FLAGS, ...router];
  const program = Program.run(t, 'sh', command, { env: { SHAPES_OF: `${ROOT}dist/` } });
  const port = Number(await says(/"port":(\d+).*"router listens"/));
  let collections = 0;
  return {
    port,
    collect: async () => {
      program.child.kill('SIGUSR1');
      await says(new RegExp(`^(collected ${++collections})\n`, 'm'));
    },
    shapes: async () => {
      program.child.kill('SIGUSR2');
      return JSON.parse(await says(/^shapes (.*)\n/m)) as Shapes;
    },
  };
}

/** Questions and requests, one after the other with collections between them, then one that streams: what is alive in the router then. */
async function shapesAfterSlowStart(
  t: TestContext,
  workers: readonly ScriptedWorker[],
  args: readonly string[],
  added: readonly object[],
): Promise<Shapes> {
  const { port, collect, shapes } = await startWatched(t, args);
  const slowly = async (request: Ask) => {
    await ask(port, request);
    await sleep(PAUSE_MS);
    await collect();
  };
  for (let i = 0; i < DECIDED; i++) await slowly({ path: '/readiness' });
  for (const worker of added) await slowly({ method: 'POST', path: '/workers', body: JSON.stringify(worker) });
  for (let isReady = false; !isReady; ) isReady = (await ask(port, { path: '/readiness' })).status === 200;
  for (const worker of workers) {
    worker.script = async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}');
    };
  }
  for (let i = 0; i < DECIDED; i++) await slowly(BODY);
  const answered = workers.map((worker) => {
    const begun = gate();
    worker.script = async (call) => {
      await call.body();
      await call.write(sseHead());
      begun.open();
    };
    return begun.promise;
  });
  const client = await RawClient.connect(port);
  t.after(() => client.socket.destroy());
  client.socket.write(requestBytes(BODY));
  await within(Promise.all(answered), 'the answers to begin', 60_000);
  await sleep(PAUSE_MS);
  return shapes();
}

function assertFast(shapes: Shapes, names: readonly string[]): void {
  for (const name of names) {
    assert.ok(shapes[name]!.fast > 0, `${name} is alive: ${JSON.stringify(shapes)}`);
    assert.equal(shapes[name]!.slow, 0, `${name}: ${JSON.stringify(shapes)}`);
  }
}

const OF_CLIENTS = ['ClientConnection', 'ClientReader', 'ClientWriter', 'BodyFraming'];
const OF_WORKERS = ['Http1Connection', 'AnswerReader', 'RequestWriter'];
const CONNECTIONS = ['Socket', ...OF_CLIENTS, ...OF_WORKERS];

suite('objects of requests keep their fields in place after a slow start', () => {
  test('with regular workers', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const shapes = await shapesAfterSlowStart(t, [worker], [], [{ url: worker.url }]);
    assertFast(shapes, ['SingleExchange', 'ClientSide', 'AnswerWriter', ...CONNECTIONS]);
  });

  test('with pairs', async (t) => {
    const prefill = await ScriptedWorker.start(t);
    const decode = await ScriptedWorker.start(t);
    const pair = [
      { url: prefill.url, worker_type: 'prefill' },
      { url: decode.url, worker_type: 'decode' },
    ];
    const shapes = await shapesAfterSlowStart(t, [prefill, decode], ['--pd-disaggregation'], pair);
    assertFast(shapes, ['PairExchange', 'PairLeg', 'Pair', 'ClientSide', ...CONNECTIONS]);
  });
});
