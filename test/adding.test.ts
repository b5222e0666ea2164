/**
 * docs/internals/adding.md says how to add a part. Here all its changes are made in one copy of the repository, which is built once; then
 * each part is used over a socket. For a further section of the page, add its use to USES.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, suite, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createRng } from '../src/base/runtime/rng.ts';
import type { Policy } from '../src/router/policy/contract.ts';
import { readSections, type Section } from './support/page-changes.ts';
import { testConformance } from './support/policy-conformance.ts';
import { Program, ROOT } from './support/program.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { jsonAnswer, ScriptedWorker } from './support/scripted-worker.ts';
import { type Gate, gate, until } from './support/until.ts';

const PAGE = 'docs/internals/adding.md';
const MOST_FILES = 3;
/** All that parts are added to, and what building and linting takes. */
const COPIED = ['src', 'tools', 'docs', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'biome.json'];
/** The gate check of the page asks for it. */
const TENANT = { headers: { 'content-type': 'application/json', 'x-tenant': 'tests' } };
const run = promisify(execFile);

const sections = readSections(readFileSync(join(ROOT, PAGE), 'utf8'));
const copy = mkdtempSync(join(tmpdir(), 'adding-'));
after(() => rmSync(copy, { recursive: true }));
for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
for (const { changes } of sections) {
  for (const { path, apply } of changes) {
    const file = join(copy, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, apply(existsSync(file) ? readFileSync(file, 'utf8') : null));
  }
}
await run(process.execPath, ['tools/build.mjs'], { cwd: copy });

/** A router of the copy, before it listens. */
function startRouter(t: TestContext, args: readonly string[]): Program {
  const common = ['--port', '0', '--prometheus-port', '0', '--log-format', 'json'];
  return Program.run(t, process.execPath, [join(copy, 'dist/bin/router.js'), ...common, ...args]);
}

async function portOf(program: Program): Promise<number> {
  await program.says('router listens');
  return Number(program.logged('router listens')[0]?.['port']);
}

async function ready(port: number): Promise<void> {
  for (let isReady = false; !isReady; ) isReady = (await ask(port, { path: '/readiness' })).status === 200;
}

async function usePolicy(t: TestContext): Promise<void> {
  const answers = gate();
  const script: ScriptedWorker['script'] = async (call) => {
    await call.body();
    await answers.promise;
    await call.write(jsonAnswer({ ok: true }));
  };
  const workers = [await ScriptedWorker.start(t, script), await ScriptedWorker.start(t, script)];
  const urls = workers.map(({ url }) => url).join(',');
  // So many draws that both workers are among them, and the least loaded one gets each request.
  const router = startRouter(t, ['--policy', 'power_of_n', '--sample-size', '64', '--worker-urls', urls]);
  const port = await portOf(router);
  await until(() => workers.every(({ probes }) => probes > 0), 'both workers to be probed');
  await ready(port);
  const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
  for (const [sent, client] of clients.entries()) {
    await client.send(requestBytes({ ...TENANT, body: '{"messages":[]}' }));
    const calls = () => workers.map((worker) => worker.calls.length);
    await until(() => calls().reduce((sum, count) => sum + count) === sent + 1, 'the request to arrive');
    assert.ok(Math.abs(calls()[0]! - calls()[1]!) <= 1, `${calls()}`);
  }
  answers.open();
  for (const client of clients) {
    assert.equal((await client.response()).status, 200);
    client.destroy();
  }
  const refused = startRouter(t, ['--policy', 'power_of_n', '--sample-size', '0']);
  await refused.exit();
  assert.match(refused.stderr, /--sample-size "0".*an integer from 1 to 1024/);
}

async function useFlag(t: TestContext): Promise<void> {
  const answers = gate();
  let asked = 0;
  const worker = http.createServer(async (_, response) => {
    asked++;
    await answers.promise;
    response.end('{}');
  });
  worker.listen(0, '127.0.0.1');
  await once(worker, 'listening');
  t.after(() => worker.close());
  const { port: workerPort } = worker.address() as AddressInfo; // A TCP server's address has a port.
  const router = startRouter(t, ['--first-look-secs', '30', '--worker-urls', `http://127.0.0.1:${workerPort}`]);
  await until(() => asked > 0, 'the first probe');
  // Without the flag the router would listen after one second.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(router.logged('router listens').length, 0);
  answers.open();
  const port = await portOf(router);
  assert.equal((await ask(port, { ...TENANT, body: '{"messages":[]}' })).status, 200);
}

/** A router in front of one worker that holds back its answers until the gate opens. */
async function behindRouter(t: TestContext): Promise<{ port: number; worker: ScriptedWorker; answers: Gate }> {
  const answers = gate();
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await answers.promise;
    await call.write(jsonAnswer({ ok: true }));
  });
  const port = await portOf(startRouter(t, ['--metrics-path', '/metrics', '--worker-urls', worker.url]));
  await ready(port);
  return { port, worker, answers };
}

async function useRoute(t: TestContext): Promise<void> {
  const { port, worker, answers } = await behindRouter(t);
  answers.open();
  const path = '/v1/score';
  assert.equal((await ask(port, { ...TENANT, path, body: '{"query":"a","items":["b"]}' })).status, 200);
  assert.deepEqual(
    worker.calls.map(({ target }) => target),
    [path],
  );
  // The table says that it takes JSON, by POST.
  assert.equal((await ask(port, { ...TENANT, method: 'GET', path })).status, 405);
  const metrics = await ask(port, { method: 'GET', path: '/metrics' });
  assert.match(metrics.text, /smg_router_requests_total\{[^}]*endpoint="score"[^}]*\} 1/);
}

async function useCheck(t: TestContext): Promise<void> {
  const { port, worker, answers } = await behindRouter(t);
  answers.open();
  const refused = await ask(port, { path: '/generate', body: '{"text":"a"}' });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /x-tenant is missing/);
  assert.equal((await ask(port, { method: 'GET', path: '/health' })).status, 200);
  assert.equal((await ask(port, { ...TENANT, path: '/generate', body: '{"text":"a"}' })).status, 200);
  assert.equal(worker.calls.length, 1);
}

async function useMetric(t: TestContext): Promise<void> {
  const { port, worker, answers } = await behindRouter(t);
  const held = async (): Promise<number> => {
    const { text } = await ask(port, { method: 'GET', path: '/metrics' });
    return Number(/^smg_body_bytes_held (\d+)$/m.exec(text)?.[1]);
  };
  assert.equal(await held(), 0);
  const client = await RawClient.connect(port);
  await client.send(requestBytes({ ...TENANT, path: '/generate', body: JSON.stringify({ text: 'x'.repeat(50_000) }) }));
  await until(() => worker.calls.length === 1, 'the request to arrive');
  assert.ok((await held()) > 50_000);
  answers.open();
  assert.equal((await client.response()).status, 200);
  client.destroy();
  assert.equal(await held(), 0);
}

async function useSource(t: TestContext): Promise<void> {
  const { worker, answers } = await behindRouter(t);
  answers.open();
  const port = await portOf(startRouter(t, ['--worker-urls', worker.url, '--worker-ports-above', '2']));
  const listed = JSON.parse((await ask(port, { method: 'GET', path: '/workers' })).text) as { workers: { url: string }[] };
  const urls = listed.workers.map(({ url }) => url);
  const { port: first } = new URL(worker.url);
  assert.deepEqual(
    urls.map((url) => Number(new URL(url).port) - Number(first)),
    [0, 1, 2],
  );
  const remove = (url: string) => ask(port, { method: 'DELETE', path: `/workers/${encodeURIComponent(url)}`, body: '' });
  const refused = await remove(urls[1]!);
  assert.equal(refused.status, 409);
  assert.match(refused.text, /is a worker of --worker-ports-above/);
  assert.equal((await remove(urls[0]!)).status, 202);
}

/** What each section of the page adds, in use. */
const USES: Readonly<Record<string, (t: TestContext) => Promise<void>>> = {
  'A policy': usePolicy,
  'A flag': useFlag,
  'A route': useRoute,
  'A gate check': useCheck,
  'A metric': useMetric,
  'A worker source': useSource,
};

function assertFiles({ files, changes }: Section): void {
  assert.ok(files.length >= 1 && files.length <= MOST_FILES, `${files}`);
  const touched = new Set(changes.map(({ path }) => path));
  for (const path of touched) assert.ok(files.includes(path), `${path} is not in the table`);
}

suite('a part that is added as the page says', { concurrency: 4 }, () => {
  test('the page has a section for each part that is used here, and no other', () => {
    assert.deepEqual(
      sections.map(({ title }) => title),
      Object.keys(USES),
    );
  });

  for (const section of sections) {
    test(`${section.title} touches ${MOST_FILES} files at most, those that its table names`, () => assertFiles(section));
    test(`${section.title} added as the page says works over a socket`, { timeout: 60_000 }, (t) => USES[section.title]!(t));
  }

  test('the code of the page passes the linter and the import table', async () => {
    const touched = new Set(sections.flatMap(({ changes }) => changes.map(({ path }) => path)));
    await run(join(ROOT, 'node_modules/.bin/biome'), ['check', '--vcs-enabled=false', ...touched], { cwd: copy });
  });

  test('the help has the new settings', async (t) => {
    const help = startRouter(t, ['--help']);
    await help.exit();
    for (const text of ['--sample-size <COUNT>', '--first-look-secs <SECONDS>', '--worker-ports-above <COUNT>', 'power_of_n'])
      assert.ok(help.stdout.includes(text), text);
  });
});

const added = (await import(pathToFileURL(join(copy, 'dist/router/policy/power-of-n.js')).href)) as { readonly powerOfN: Policy };
testConformance(added.powerOfN, createRng);
