import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { realClock } from '../../base/runtime/clock.ts';
import { LogFile } from './log-file.ts';

test('a log is appended to, in a directory that is made for it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'log-file-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'logs', 'a.out');
  for (const line of ['first', 'second']) {
    const log = await LogFile.open(path, realClock, () => assert.fail('nothing fails here'));
    log.write(line);
    await log.close();
  }
  assert.equal(await readFile(path, 'utf8'), 'first\nsecond\n');
});

test('a full disk is told once and stops nobody', async () => {
  const codes: string[] = [];
  const log = await LogFile.open('/dev/full', realClock, (code) => codes.push(code));
  for (let round = 0; round < 3; round++) {
    log.write('line');
    await log.settled();
  }
  await log.close();
  assert.deepEqual(codes, ['ENOSPC']);
});

test('a writer that is faster than the disk is asked to wait', async () => {
  const log = await LogFile.open('/dev/null', realClock, () => {});
  const line = 'x'.repeat(16_000);
  let accepted = 0;
  while (log.write(line)) accepted++;
  assert.ok(accepted > 0 && accepted < 60, `${accepted}`);
  await log.settled();
  assert.equal(log.write(line), true);
  await log.close();
});
