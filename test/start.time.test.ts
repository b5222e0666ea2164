/** How soon the program uses workers: those that are up before it, those that come up later, and none at all. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { ask } from './support/raw-client.ts';
import { startRouterProgram } from './support/running-router.ts';
import { ScriptedWorker } from './support/scripted-worker.ts';

const USED_WITHIN_MS = 2000;
const AT_ONCE_MS = 500;

/** A port that was free a moment ago: nothing listens on it. */
async function downWorker(t: TestContext): Promise<ScriptedWorker> {
  const worker = await ScriptedWorker.start(t);
  await worker.kill();
  return worker;
}

suite('the first request', () => {
  for (let round = 1; round <= 3; round++) {
    test(`finds a worker that is up, however soon it comes (${round})`, async (t) => {
      const workers = [await ScriptedWorker.start(t), await downWorker(t)];
      const { port } = await startRouterProgram(t, ['--worker-urls', ...workers.map(({ url }) => url)]);
      assert.equal((await ask(port, { body: '{}' })).status, 200);
      assert.equal((await ask(port, { path: '/readiness' })).status, 200);
    });
  }

  test('finds a worker of the file of workers', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const folder = mkdtempSync(join(tmpdir(), 'start-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'workers'), `${worker.url}\n`);
    const { port } = await startRouterProgram(t, ['--workers-file', join(folder, 'workers')]);
    assert.equal((await ask(port, { body: '{}' })).status, 200);
  });

  test('finds the ranks of an engine', async (t) => {
    const worker = await ScriptedWorker.start(t);
    worker.probe = (path) => ({ status: 200, body: path === '/server_info' ? '{"dp_size":2}' : '{}' });
    const { port } = await startRouterProgram(t, ['--dp-aware', '--worker-urls', worker.url]);
    assert.equal((await ask(port, { path: '/generate', body: '{"text":"a"}' })).status, 200);
  });

  test('is answered 503 at once if no worker is up', async (t) => {
    const { port } = await startRouterProgram(t, ['--worker-urls', (await downWorker(t)).url]);
    for (const request of [{ body: '{}' }, { path: '/readiness' }]) {
      const startMs = performance.now();
      assert.equal((await ask(port, request)).status, 503);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs < AT_ONCE_MS, `${tookMs} ms`);
    }
    assert.equal((await ask(port, { path: '/health' })).status, 200);
  });
});

for (const [how, flags] of [
  ['with the defaults', []],
  ['with the intervals of launch scripts', ['--worker-startup-check-interval', '30', '--health-check-interval-secs', '60']],
] as const) {
  test(`a worker that comes up after the router is used within 2 s, ${how}`, async (t) => {
    const worker = await downWorker(t);
    const { port } = await startRouterProgram(t, ['--worker-urls', worker.url, ...flags]);
    assert.equal((await ask(port, { body: '{}' })).status, 503);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await worker.listen();
    const startMs = performance.now();
    while ((await ask(port, { body: '{}' })).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < USED_WITHIN_MS, `${tookMs} ms`);
  });
}
