/** How the program ends: the settle time before the port closes, the second signal, and a bug. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isClosed, Program } from './support/program.ts';
import { ask, RawClient, requestBytes } from './support/raw-client.ts';
import { startRouterProgram, untilNotReady, untilReady } from './support/running-router.ts';
import { LAST_CHUNK, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { takePort } from './support/taken-port.ts';

const BODY = '{"stream":true}';

async function streamForever(call: {
  body(): Promise<Buffer>;
  write(text: string): Promise<void>;
  forever(): Promise<void>;
}): Promise<void> {
  await call.body();
  await call.write(`${sseHead()}9\r\ndata: 1\n\n\r\n`);
  await call.forever();
}

suite('--shutdown-settle-secs', () => {
  test('readiness is 503 at once, and new clients are served until the time is over', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { program, port } = await startRouterProgram(t, ['--worker-urls', worker.url, '--shutdown-settle-secs', '1']);
    await untilReady(port);
    const kept = await RawClient.connect(port);
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    await program.says('router stops when');
    const readiness = await ask(port, { path: '/readiness' });
    assert.equal(readiness.status, 503);
    assert.match(readiness.text, /shutting down/);
    assert.equal((await ask(port, { path: '/liveness' })).status, 200);
    assert.equal((await ask(port, { body: '{}' })).status, 200, 'a client that connects after the signal is served');
    await kept.send(requestBytes({ body: '{}' }));
    const answer = await kept.response();
    assert.deepEqual([answer.status, answer.get('connection')], [200, undefined], 'a connection that is open persists');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 950, `the port closed after ${tookMs} ms`);
    assert.equal(program.logged('router stopped')[0]?.['connections_cut'], 0);
  });

  test('a second signal ends it during the settle time, and cuts what is in flight', async (t) => {
    const worker = await ScriptedWorker.start(t, streamForever);
    const { program, port } = await startRouterProgram(t, ['--worker-urls', worker.url, '--shutdown-settle-secs', '600']);
    await untilReady(port);
    const client = await RawClient.connect(port);
    await client.send(requestBytes({ path: '/generate', body: BODY }));
    await client.untilText('data: 1\n\n');
    program.child.kill('SIGTERM');
    await program.says('router stops when');
    const startMs = performance.now();
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.ok(performance.now() - startMs < 2000);
    await client.closed();
    assert.ok(!client.received.toString().endsWith(LAST_CHUNK));
    assert.equal(program.logged('router stopped')[0]?.['connections_cut'], 1);
  });
});

test('a router with nothing to do ends at once', async (t) => {
  const { program } = await startRouterProgram(t, []);
  const startMs = performance.now();
  program.child.kill('SIGTERM');
  assert.deepEqual(await program.exit(), { code: 0, signal: null });
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 1000, `${tookMs} ms`);
});

for (const [kind, message] of [
  ['throw', 'bug: unexpected error, the router ends: thrown\n'],
  ['reject', 'bug: unexpected error, the router ends: rejected\n'],
  ['log', ''],
] as const) {
  test(`an exception that reaches nobody is logged and ends the process with 70 (${kind})`, async (t) => {
    const program = Program.run(t, process.execPath, [fileURLToPath(new URL('./support/bug.main.js', import.meta.url)), kind]);
    assert.deepEqual(await program.exit(), { code: 70, signal: null });
    assert.equal(program.stdout, message);
  });
}

suite('--health-check-port', () => {
  test('answers as the main port does, and 503 at once when the router stops', async (t) => {
    const worker = await ScriptedWorker.start(t, streamForever);
    const { program, port } = await startRouterProgram(t, ['--worker-urls', worker.url, '--health-check-port', '0']);
    const [listens] = program.logged('router listens');
    assert.ok(listens !== undefined);
    const { port: probes } = listens['probes'] as { port: number };
    await untilReady(probes);
    assert.deepEqual((await ask(probes, { path: '/readiness' })).json(), (await ask(port, { path: '/readiness' })).json());
    assert.equal((await ask(probes, { path: '/liveness' })).text, 'OK');
    assert.equal((await ask(probes, { path: '/workers' })).status, 404);
    const client = await RawClient.connect(port);
    await client.send(requestBytes({ path: '/generate', body: BODY }));
    await client.untilText('data: 1\n\n');
    program.child.kill('SIGTERM');
    await program.says('router stops when');
    await untilNotReady(probes);
    assert.equal((await ask(probes, { path: '/health' })).status, 200);
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
    assert.equal(await isClosed(probes), true);
  });

  test('a taken port ends the start with 1 and names the flag', async (t) => {
    const taken = await takePort(t);
    const program = Program.start(t, 'router', ['--port', '0', '--prometheus-port', '0', '--health-check-port', String(taken)]);
    assert.deepEqual(await program.exit(), { code: 1, signal: null });
    assert.match(program.stderr, new RegExp(`--health-check-port ${taken}: cannot listen \\(EADDRINUSE\\)`));
  });
});
