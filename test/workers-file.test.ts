/** --workers-file: the fleet follows a file. A router in this process, real files, workers with sockets. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Program } from './support/program.ts';
import { ask } from './support/raw-client.ts';
import { RecordingLogger } from './support/recording-logger.ts';
import { startTestRouter, type TestRouter } from './support/router.ts';
import { answer, ScriptedWorker, sseHead } from './support/scripted-worker.ts';
import { gate, until } from './support/until.ts';

interface Folder {
  readonly file: string;
  /** Replaces the file by a rename, as one should. */
  write(text: string): void;
}

function folder(t: TestContext): Folder {
  const path = mkdtempSync(join(tmpdir(), 'workers-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const file = join(path, 'workers.yaml');
  const write = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  return { file, write };
}

const list = (workers: readonly { readonly url: string }[]): string => JSON.stringify(workers.map(({ url }) => url));

const start = (t: TestContext, file: string, workers: readonly ScriptedWorker[], logger = new RecordingLogger()): Promise<TestRouter> =>
  startTestRouter(t, ['--workers-file', file], workers, { named: 'by flags', wait: false, logger });

const urlsAt = async (port: number): Promise<unknown> => (await ask(port, { path: '/list_workers' })).json();

async function untilListed(port: number, urls: readonly string[]): Promise<void> {
  for (;;) {
    const { urls: now } = (await urlsAt(port)) as { urls: string[] };
    if ([...now].sort().join() === [...urls].sort().join()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('workers of the file are used from the first request on, join and leave with it, and requests in flight end well', async (t) => {
  const { file, write } = folder(t);
  const go = gate();
  const arrived = gate();
  const a = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(sseHead());
    await call.chunk('data: 1\n\n');
    arrived.open();
    await go.promise;
    await call.chunk('data: [DONE]\n\n');
    await call.write('0\r\n\r\n');
  });
  const b = await ScriptedWorker.start(t);
  write(list([a]));
  const router = await start(t, file, [a, b]);
  const client = await router.connect();
  await client.send(
    Buffer.from('POST /generate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"stream":true}'),
  );
  await arrived.promise;

  write(list([b]));
  await untilListed(router.port, [b.url]);
  await router.untilEligible([b]);
  assert.equal((await ask(router.port, { body: '{}' })).status, 200);
  assert.equal(b.calls.length, 1, 'the new worker serves');
  go.open();
  assert.equal((await client.response()).text, 'data: 1\n\ndata: [DONE]\n\n');

  write('[]');
  await untilListed(router.port, []);
});

test('a file that is not valid changes nothing, and the log says where; the next valid one counts', async (t) => {
  const { file, write } = folder(t);
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)] as const;
  const logger = new RecordingLogger();
  write(list([workers[0]]));
  const router = await start(t, file, workers, logger);
  await router.untilEligible([workers[0]]);
  const told = (): unknown[] => logger.records.filter(({ message }) => message === 'file of workers is not valid: nothing changed');

  write(`- ${workers[1].url}\n- htp://x\n`);
  await until(() => told().length === 1, 'the complaint');
  const [complaint] = logger.records.filter(({ message }) => message.startsWith('file of workers is not valid'));
  assert.equal(complaint?.level, 'error');
  assert.deepEqual(complaint?.fields['problems'], [`url "htp://x" (${file}:2:3): expected http:// or https://`]);
  write('');
  await until(() => told().length === 2, 'the complaint about the empty file');
  rmSync(file);
  await until(() => logger.records.some(({ message }) => message.startsWith('file of workers is gone')), 'the warning');
  assert.deepEqual(await urlsAt(router.port), { urls: [workers[0].url] });

  write(list(workers));
  await router.untilEligible(workers);
});

test('a ConfigMap that is swapped, and a file that comes later', async (t) => {
  const { file } = folder(t);
  const path = join(file, '..');
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)] as const;
  const router = await start(t, file, workers);
  assert.equal((await ask(router.port, { path: '/readiness' })).status, 503);
  for (const [at, worker] of workers.entries()) {
    mkdirSync(join(path, `v${at}`));
    writeFileSync(join(path, `v${at}`, 'workers.yaml'), `- url: ${worker.url}\n`);
  }
  symlinkSync('v0', join(path, '..data'));
  symlinkSync('..data/workers.yaml', file);
  await router.untilEligible([workers[0]]);
  symlinkSync('v1', join(path, '..tmp'));
  renameSync(join(path, '..tmp'), join(path, '..data'));
  await untilListed(router.port, [workers[1].url]);
});

test('the control API neither changes nor removes workers of the file, and adds others beside them', async (t) => {
  const { file, write } = folder(t);
  const workers = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)] as const;
  write(list([workers[0]]));
  const router = await start(t, file, workers);
  const path = `/workers/${encodeURIComponent(workers[0].url)}`;
  for (const request of [
    { method: 'DELETE', path },
    { method: 'PUT', path, body: '{"priority":1}' },
  ]) {
    const refused = await ask(router.port, request);
    assert.equal(refused.status, 409);
    const error = `${workers[0].url} is a worker of the file ${file}: change or remove it there`;
    assert.deepEqual(refused.json(), { error, code: 'WORKER_OF_SOURCE' });
  }
  const added = await ask(router.port, { path: '/workers', body: JSON.stringify({ url: workers[1].url }) });
  assert.equal(added.status, 202);
  write('[]');
  await untilListed(router.port, [workers[1].url]);
});

test('pairs: the file names role and bootstrap port', async (t) => {
  const { file, write } = folder(t);
  const [prefill, decode] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
  write(`- {url: "${prefill.url}", worker_type: prefill, bootstrap_port: 8998}\n- {url: "${decode.url}", worker_type: decode}\n`);
  const router = await startTestRouter(t, ['--pd-disaggregation', '--workers-file', file], [prefill, decode], { named: 'by flags' });
  const { workers } = (await ask(router.port, { path: '/workers' })).json() as { workers: Record<string, unknown>[] };
  assert.deepEqual(
    workers.map(({ url, worker_type, bootstrap_port }) => [url, worker_type, bootstrap_port]),
    [
      [prefill.url, 'prefill', 8998],
      [decode.url, 'decode', undefined],
    ],
  );
});

test('a router does not start with a file that is not valid, and --check-config finds it', async (t) => {
  const { file, write } = folder(t);
  write('- http://a:1\n- {url: "b:2"}\n');
  const flags = ['--workers-file', file, '--port', '0', '--prometheus-port', '0'];
  for (const more of [[], ['--check-config']]) {
    const program = Program.start(t, 'router', [...flags, ...more]);
    assert.deepEqual(await program.exit(), { code: 2, signal: null });
    assert.ok(program.stderr.includes(`url "b:2" (${file}:2:4): expected http:// or https:// followed by host:port`), program.stderr);
  }
});

test('a worker of the file answers', async (t) => {
  const { file, write } = folder(t);
  const worker = await ScriptedWorker.start(t, async (call) => {
    await call.body();
    await call.write(answer(200, {}, 'hi'));
  });
  write(`${worker.url} # one line of text\n`);
  const router = await start(t, file, [worker]);
  assert.equal((await ask(router.port, { body: '{}' })).text, 'hi');
});
