import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { type Log, type LogOptions, startLog } from './log.ts';

const NOON = Date.UTC(2026, 1, 28, 12);

interface Rig {
  readonly log: Log;
  readonly directory: string;
  /** What the console has got so far. */
  readonly console: () => string;
}

function newRig(t: TestContext, options: Partial<LogOptions> = {}): Rig {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(directory, 'console');
  const consoleFd = openSync(file, 'a');
  t.after(() => {
    closeSync(consoleFd);
    rmSync(directory, { recursive: true });
  });
  const log = startLog({ level: 'info', format: 'json', directory: null, consoleFd, ...options }, new FakeClock(NOON));
  return { log, directory, console: () => readFileSync(file, 'utf8') };
}

test('JSON records carry level, time, process, fields and message', async (t) => {
  const { log, console } = newRig(t);
  log.logger.info({ worker: 'http://a:1', attempt: 2 }, 'worker joined');
  await log.stop();
  assert.deepEqual(JSON.parse(console()), {
    level: 'info',
    time: '2026-02-28T12:00:00.000Z',
    pid: process.pid,
    worker: 'http://a:1',
    attempt: 2,
    msg: 'worker joined',
  });
});

test('levels below the chosen one are left out', async (t) => {
  const { log, console } = newRig(t, { level: 'warn' });
  log.logger.debug({}, 'no');
  log.logger.info({}, 'no');
  log.logger.warn({}, 'yes');
  log.logger.error({}, 'yes');
  await log.stop();
  assert.equal(console().split('yes').length - 1, 2);
  assert.ok(!console().includes('"no"'));
});

test('an error arrives with message, code and stack', async (t) => {
  const { log, console } = newRig(t);
  log.logger.error({ err: Object.assign(new Error('refused', { cause: new Error('why') }), { code: 'ECONNREFUSED' }) }, 'cannot connect');
  await log.stop();
  const { err } = JSON.parse(console()) as { err: { message: string; code: string; stack: string } };
  assert.match(err.message, /^refused/);
  assert.equal(err.code, 'ECONNREFUSED');
  assert.match(err.stack, /log\.test/);
});

test('keys and authorizations never arrive, at three depths', async (t) => {
  const { log, console } = newRig(t);
  const secrets = { authorization: 'Bearer s3cret', 'x-api-key': 's3cret', apiKey: 's3cret', api_key: 's3cret', cookie: 's3cret' };
  log.logger.info({ ...secrets, headers: secrets, request: { headers: secrets }, host: 'kept' }, 'x');
  await log.stop();
  assert.ok(!console().includes('s3cret'), console());
  assert.equal(console().split('[redacted]').length - 1, 15);
  assert.ok(console().includes('kept'));
});

test('pretty records are one line for a person, without colours when the console is no terminal', async (t) => {
  const { log, console } = newRig(t, { format: 'pretty' });
  log.logger.warn({ worker: 'http://a:1' }, 'worker refused connection');
  await log.stop();
  assert.match(console(), /^\[2026-02-28 \d\d:00:00\.000\] WARN: worker refused connection \{"worker":"http:\/\/a:1"\}\n$/);
});

test('auto is JSON when the console is no terminal', async (t) => {
  const { log, console } = newRig(t, { format: 'auto' });
  log.logger.info({}, 'x');
  await log.stop();
  assert.equal((JSON.parse(console()) as { msg: string }).msg, 'x');
});

test('daily files get JSON whatever the console gets', async (t) => {
  const { log, directory, console } = newRig(t, { format: 'pretty' });
  await log.stop();
  const files = join(directory, 'files');
  const fd = openSync(join(directory, 'console'), 'a');
  const both = startLog({ level: 'info', format: 'pretty', directory: files, consoleFd: fd }, new FakeClock(NOON));
  both.logger.info({ a: 1 }, 'x');
  await both.stop();
  closeSync(fd);
  assert.deepEqual(readdirSync(files), ['sglang-router.2026-02-28.log']);
  const line = readFileSync(join(files, 'sglang-router.2026-02-28.log'), 'utf8');
  assert.equal((JSON.parse(line) as { a: number }).a, 1);
  assert.match(console(), /INFO: x/);
});

test('a log directory that cannot be had is reported once on the console, and the console goes on', async (t) => {
  const { log, console } = newRig(t, { directory: '/dev/null/logs' });
  log.logger.info({}, 'first');
  while (!console().includes('log file cannot be written')) await new Promise(setImmediate);
  log.logger.info({}, 'second');
  await log.stop();
  assert.match(console(), /second/);
  assert.equal(console().split('log file cannot be written').length - 1, 1);
});

test('a full disk under the console neither throws nor hangs at the end', async () => {
  const fd = openSync('/dev/full', 'w');
  const log = startLog({ level: 'info', format: 'json', directory: null, consoleFd: fd }, new FakeClock(NOON));
  log.logger.info({}, 'x');
  await log.stop();
  log.logger.info({}, 'y');
  log.flushSync();
  closeSync(fd);
  assert.ok(log.droppedLines() >= 1);
});

test('what was logged just before the process exits arrives when it is flushed', () => {
  const program = `
    import { startLog } from ${JSON.stringify(new URL('./log.js', import.meta.url).href)};
    const clock = { nowMs: () => 0, wallMs: () => 0, after: () => ({ cancel() {} }) };
    const log = startLog({ level: 'info', format: 'json', directory: null }, clock);
    for (let i = 0; i < 2000; i++) log.logger.info({ i }, 'line');
    log.flushSync();
    process.exit(3);`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(status, 3);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 2000);
  assert.deepEqual(new Set(lines.map((line) => (JSON.parse(line) as { i: number }).i)).size, 2000);
});

test('auto is pretty and coloured on a terminal', { skip: !hasScript() }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const program = join(directory, 'program.mjs');
  writeFileSync(
    program,
    `import { startLog } from ${JSON.stringify(new URL('./log.js', import.meta.url).href)};
    const clock = { nowMs: () => 0, wallMs: () => 0, after: () => ({ cancel() {} }) };
    const log = startLog({ level: 'info', format: 'auto', directory: null }, clock);
    log.logger.info({}, 'hello');
    log.flushSync();`,
  );
  const { stdout } = spawnSync('script', ['-qec', `${process.execPath} ${program}`, '/dev/null'], { encoding: 'utf8' });
  assert.ok(stdout.includes('\u001b[32mINFO\u001b[39m'), stdout);
});

/** util-linux' `script` gives a child a terminal. */
function hasScript(): boolean {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
