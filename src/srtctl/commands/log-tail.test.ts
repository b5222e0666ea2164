import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { LogTail } from './log-tail.ts';

function place(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'log-tail-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'a.log');
}

async function tailOf(t: TestContext, file: string, lines: number | null): Promise<LogTail> {
  const tail = new LogTail(file);
  t.after(() => tail.close());
  await tail.start(lines);
  return tail;
}

test('the last lines come first, then what is added, whole lines only', async (t) => {
  const file = place(t);
  writeFileSync(file, 'one\ntwo\nthree\n');
  const tail = await tailOf(t, file, 2);
  assert.deepEqual(await tail.read(false), ['two', 'three']);
  appendFileSync(file, 'fo');
  assert.deepEqual(await tail.read(false), []);
  appendFileSync(file, 'ur\nfive');
  assert.deepEqual(await tail.read(false), ['four']);
  assert.deepEqual(await tail.read(true), ['five']);
  assert.deepEqual(await tail.read(true), []);
});

for (const [lines, expected] of [
  [0, []],
  [1, ['c']],
  [3, ['a', 'b', 'c']],
  [9, ['a', 'b', 'c']],
  [null, ['a', 'b', 'c']],
] as const) {
  test(`${lines ?? 'all'} lines of a file of three, the last without an end`, async (t) => {
    const file = place(t);
    writeFileSync(file, 'a\nb\nc');
    const tail = await tailOf(t, file, lines);
    assert.deepEqual(await tail.read(true), expected);
  });
}

test('a file that comes later is read from its start', async (t) => {
  const file = place(t);
  const tail = await tailOf(t, file, 1);
  assert.deepEqual(await tail.read(true), []);
  writeFileSync(file, 'a\nb\n');
  assert.deepEqual(await tail.read(true), ['a', 'b']);
});

test('lines across pieces and letters of several bytes stay whole', async (t) => {
  const file = place(t);
  const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${'ü'.repeat(i % 40)}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  assert.deepEqual(await (await tailOf(t, file, null)).read(false), lines);
  assert.deepEqual(await (await tailOf(t, file, 4321)).read(false), lines.slice(-4321));
});
