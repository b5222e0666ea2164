import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '../../base/runtime/fake-clock.ts';
import { DailyFile, type DailyFileTrouble } from './daily-file.ts';

const LATE_EVENING = Date.UTC(2026, 1, 28, 23, 59, 59);

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'daily-file-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function eventually(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

test('a file per UTC day, the first line after midnight opens the next', async (t) => {
  const directory = join(scratch(t), 'made', 'on demand');
  const clock = new FakeClock(LATE_EVENING);
  const troubles: DailyFileTrouble[] = [];
  const files = new DailyFile(directory, 'sglang-router', clock, (trouble) => troubles.push(trouble));
  const first = join(directory, 'sglang-router.2026-02-28.log');
  const second = join(directory, 'sglang-router.2026-03-01.log');
  files.write('before\n');
  await eventually(() => existsSync(first) && readFileSync(first, 'utf8') === 'before\n');
  clock.advance(999);
  files.write('still before\n');
  clock.advance(1);
  assert.deepEqual(readdirSync(directory), ['sglang-router.2026-02-28.log']);
  files.write('after\n');
  await eventually(() => existsSync(second) && readFileSync(second, 'utf8') === 'after\n');
  await eventually(() => readFileSync(first, 'utf8') === 'before\nstill before\n');
  assert.deepEqual(troubles, []);
  assert.equal(files.droppedLines, 0);
});

test('an existing file is continued, not overwritten', async (t) => {
  const directory = scratch(t);
  const file = join(directory, 'r.2026-02-28.log');
  writeFileSync(file, 'of an earlier run\n');
  const files = new DailyFile(directory, 'r', new FakeClock(LATE_EVENING), () => {});
  files.write('new\n');
  await eventually(() => readFileSync(file, 'utf8') === 'of an earlier run\nnew\n');
});

test('a directory that cannot be made is told once, and tried again when there is something to write', async (t) => {
  const directory = scratch(t);
  const blocker = join(directory, 'logs');
  writeFileSync(blocker, 'a file where the directory should be');
  const clock = new FakeClock(LATE_EVENING - 3_600_000);
  const troubles: DailyFileTrouble[] = [];
  const files = new DailyFile(blocker, 'r', clock, (trouble) => troubles.push(trouble));
  files.write('waits\n');
  await eventually(() => troubles.length === 1);
  assert.equal(troubles[0]?.file, join(blocker, 'r.2026-02-28.log'));
  clock.advance(10_000);
  files.write('waits too\n');
  rmSync(blocker);
  // The attempt under way may have seen the blocker still; the next one comes ten seconds later.
  const file = join(blocker, 'r.2026-02-28.log');
  await eventually(() => {
    clock.advance(10_000);
    files.write('');
    return existsSync(file);
  });
  await eventually(() => readFileSync(file, 'utf8') === 'waits\nwaits too\n');
  assert.equal(troubles.length, 1);
});

test('flushing at once writes lines whose file is not open yet', (t) => {
  const directory = join(scratch(t), 'logs');
  const files = new DailyFile(directory, 'r', new FakeClock(LATE_EVENING), () => {});
  files.write('why the program ends\n');
  files.flushSync();
  assert.equal(readFileSync(join(directory, 'r.2026-02-28.log'), 'utf8'), 'why the program ends\n');
});

test('flushing into a directory that cannot be written neither throws nor hangs', {
  skip: process.getuid?.() === 0 && 'root may write everywhere',
}, (t) => {
  const directory = scratch(t);
  chmodSync(directory, 0o500);
  let troubles = 0;
  const files = new DailyFile(directory, 'r', new FakeClock(LATE_EVENING), () => troubles++);
  files.write('lost\n');
  files.flushSync();
  assert.equal(troubles, 1);
});

test('a directory that cannot be made is told, and does not keep the process from ending', {
  skip: process.platform !== 'linux',
}, async () => {
  const troubles: DailyFileTrouble[] = [];
  const files = new DailyFile('/proc/router/logs', 'sglang-router', new FakeClock(LATE_EVENING), (trouble) => troubles.push(trouble));
  files.write('lost\n');
  await eventually(() => troubles.length > 0);
  files.flushSync();
  assert.deepEqual(
    troubles.map(({ error }) => error.code),
    ['ENOENT'],
  );
});
