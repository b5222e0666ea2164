/** Reloads of the program: signals, --config-watch, the level of the log, and what is read again. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Program } from './support/program.ts';
import { ask } from './support/raw-client.ts';
import { startRouterProgram } from './support/running-router.ts';
import { ScriptedWorker } from './support/scripted-worker.ts';
import { until } from './support/until.ts';

/** The path of a file, and a function that replaces it by a rename. */
function fileOf(t: TestContext, name: string, text: string): { path: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  const write = (next: string): void => {
    writeFileSync(`${path}.new`, next);
    renameSync(`${path}.new`, path);
  };
  write(text);
  return { path, write };
}

const untilLogged = (program: Program, message: string, count: number): Promise<void> =>
  until(
    () => program.logged(message).length === count,
    () => `${count} times ${message}: ${program.stdout}`,
  );

const urls = async (port: number): Promise<unknown> => (await ask(port, { path: '/list_workers' })).json();

suite('SIGHUP', { concurrency: 2 }, () => {
  test('reads the file of --config again, whose log level holds at once; a bad one changes nothing', async (t) => {
    const worker = await ScriptedWorker.start(t);
    const { path, write } = fileOf(t, 'router.yaml', 'worker-urls: []\n');
    const { program, port } = await startRouterProgram(t, ['--config', path]);
    write(`worker-urls: [${worker.url}]\nlog-level: debug\n`);
    program.child.kill('SIGHUP');
    await untilLogged(program, 'settings reloaded', 1);
    assert.deepEqual(program.logged('settings reloaded')[0]?.['changed'], ['--worker-urls', '--log-level']);
    assert.deepEqual(await urls(port), { urls: [worker.url] });
    worker.probe = () => ({ status: 500 });
    await program.says('"level":"debug"');

    write('worker-urls: [\n');
    program.child.kill('SIGHUP');
    await untilLogged(program, 'reload refused: nothing changed', 1);
    assert.match(String(program.logged('reload refused: nothing changed')[0]?.['problems']), /router\.yaml:\d+:\d+\): expected valid YAML/);
    rmSync(path);
    program.child.kill('SIGHUP');
    await untilLogged(program, 'reload refused: nothing changed', 2);
    assert.deepEqual(await urls(port), { urls: [worker.url] });
    program.child.kill('SIGTERM');
    assert.deepEqual(await program.exit(), { code: 0, signal: null });
  });

  test('reads the file of --workers-file again; settings and workers change together or not at all', async (t) => {
    const [a, b] = [await ScriptedWorker.start(t), await ScriptedWorker.start(t)];
    const config = fileOf(t, 'router.yaml', 'queue-size: 1\n');
    const workers = fileOf(t, 'workers', `${a.url}\n`);
    const { program, port } = await startRouterProgram(t, ['--config', config.path, '--workers-file', workers.path]);
    config.write('queue-size: 2\n');
    workers.write('nonsense\n');
    program.child.kill('SIGHUP');
    await untilLogged(program, 'reload refused: nothing changed', 1);
    workers.write(`${b.url}\n`);
    program.child.kill('SIGHUP');
    await untilLogged(program, 'settings reloaded', 1);
    assert.deepEqual(program.logged('settings reloaded')[0]?.['changed'], ['--queue-size'], 'it did not hold before');
    assert.deepEqual(await urls(port), { urls: [b.url] });
  });

  test('ends a router that has neither file, as before', async (t) => {
    const { program } = await startRouterProgram(t, []);
    program.child.kill('SIGHUP');
    assert.deepEqual(await program.exit(), { code: null, signal: 'SIGHUP' });
  });
});

test('--config-watch reloads when the file changes', async (t) => {
  const { path, write } = fileOf(t, 'router.yaml', 'retry-max-retries: 3\n');
  const { program } = await startRouterProgram(t, ['--config', path, '--config-watch']);
  write('retry-max-retries: 4\n');
  await untilLogged(program, 'settings reloaded', 1);
  const [told] = program.logged('settings reloaded');
  assert.deepEqual([told?.['cause'], told?.['changed']], ['--config-watch', ['--retry-max-retries']]);
  write('retry-max-retries: -1\n');
  await untilLogged(program, 'reload refused: nothing changed', 1);
});

test('POST /admin/reload says so if there is nothing to read', async (t) => {
  const { port } = await startRouterProgram(t, []);
  const { status, json } = await ask(port, { path: '/admin/reload', body: '{"config":"/etc/passwd"}' });
  assert.equal(status, 409);
  assert.equal((json() as { code: string }).code, 'NOTHING_TO_RELOAD');
});

test('POST /admin/reload needs the key of the control API where there is one', async (t) => {
  const { path } = fileOf(t, 'router.yaml', 'queue-size: 1\n');
  const { port } = await startRouterProgram(t, ['--config', path, '--control-plane-api-keys', 'id:name:admin:hush']);
  const reload = { path: '/admin/reload', body: '' };
  assert.equal((await ask(port, reload)).status, 401);
  assert.equal((await ask(port, { ...reload, headers: { authorization: 'Bearer hush' } })).status, 200);
});
