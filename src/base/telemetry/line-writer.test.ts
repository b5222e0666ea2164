import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '../runtime/fake-clock.ts';
import { LineWriter } from './line-writer.ts';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'line-writer-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const noError = (error: Error): void => {
  throw error;
};

test('lines written before and after a descriptor is attached arrive in order', async (t) => {
  const file = join(scratch(t), 'x.log');
  const writer = new LineWriter(new FakeClock(), noError);
  writer.write('1\n');
  writer.write('2\n');
  const fd = openSync(file, 'a');
  writer.attach(fd);
  for (let i = 3; i <= 2000; i++) writer.write(`${i}\n`);
  await writer.idle();
  closeSync(fd);
  assert.equal(readFileSync(file, 'utf8'), Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join(''));
  assert.equal(writer.droppedLines, 0);
});

test('what does not fit is dropped and counted, and the memory is bounded', async (t) => {
  const file = join(scratch(t), 'x.log');
  const writer = new LineWriter(new FakeClock(), noError);
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 3000; i++) writer.write(line);
  assert.equal(writer.droppedLines, 3000 - 1024);
  const fd = openSync(file, 'a');
  writer.attach(fd);
  await writer.idle();
  writer.write('there is room again\n');
  await writer.idle();
  closeSync(fd);
  assert.match(readFileSync(file, 'utf8'), /there is room again\n$/);
});

test('a full disk is told and does not stop later lines', async () => {
  const errors: string[] = [];
  const writer = new LineWriter(new FakeClock(), (error) => errors.push(error.code ?? ''));
  const fd = openSync('/dev/full', 'w');
  writer.attach(fd);
  writer.write('lost\n');
  await writer.idle();
  writer.write('lost too\n');
  await writer.idle();
  writer.write('lost at exit\n');
  writer.flushSync();
  closeSync(fd);
  assert.deepEqual(errors.slice(0, 2), ['ENOSPC', 'ENOSPC']);
  assert.ok(writer.droppedLines >= 2);
});

test('a pipe whose reader stalls is tried again later and loses nothing that fitted', async (t) => {
  const pipe = join(scratch(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const clock = new FakeClock();
  const writer = new LineWriter(clock, noError);
  writer.attach(fd);
  const sent = `${'y'.repeat(99)}\n`.repeat(3000);
  writer.write(sent);
  while (clock.pending === 0) await new Promise(setImmediate);

  const chunk = Buffer.alloc(65_536);
  let got = '';
  let isIdle = false;
  const idle = writer.idle().then(() => {
    isIdle = true;
  });
  while (!isIdle) {
    got += readAll(reader, chunk);
    clock.advance(100);
    await new Promise(setImmediate);
  }
  await idle;
  got += readAll(reader, chunk);
  closeSync(fd);
  closeSync(reader);
  assert.equal(got, sent);
});

test('flushing at the end of the process writes what waits without waiting for others', (t) => {
  const file = join(scratch(t), 'x.log');
  const writer = new LineWriter(new FakeClock(), noError);
  writer.write('a\n');
  writer.write('b\n');
  const fd = openSync(file, 'a');
  writer.flushSync(fd);
  assert.equal(readFileSync(file, 'utf8'), 'a\nb\n');
  closeSync(fd);
});

function readAll(fd: number, chunk: Buffer): string {
  let text = '';
  for (;;) {
    try {
      const length = readSync(fd, chunk);
      if (length === 0) return text;
      text += chunk.toString('latin1', 0, length);
    } catch {
      return text;
    }
  }
}
