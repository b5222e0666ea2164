/** Over a real folder: what counts is what the file system reports. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { realClock } from './clock.ts';
import { FileWatch, type FileWatchOptions } from './file-watch.ts';

const NEVER_MS = 600_000;
const BY_EVENTS: FileWatchOptions = { pollMs: NEVER_MS, settleMs: 10 };
const BY_POLLING: FileWatchOptions = { pollMs: 20, settleMs: 10 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'watch-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Counts changes; the first look has been reported by then. */
async function watching(t: TestContext, path: string, options: FileWatchOptions): Promise<() => number> {
  let changes = 0;
  const watch = new FileWatch(path, realClock, () => changes++, options);
  t.after(() => watch.stop());
  watch.start();
  await until(() => changes === 1, 'the first look');
  return () => changes - 1;
}

async function oneMore(changes: () => number, change: () => void, what: string): Promise<void> {
  const before = changes();
  change();
  await until(() => changes() > before, what);
}

for (const [how, options] of [
  ['by events', BY_EVENTS],
  ['by polling', BY_POLLING],
] as const) {
  test(`notices ${how} that a file comes, is written, replaced and removed`, async (t) => {
    const path = join(folder(t), 'file');
    const changes = await watching(t, path, options);
    await oneMore(changes, () => writeFileSync(path, 'a'), 'the file to come');
    await oneMore(changes, () => writeFileSync(path, 'b'), 'the same size to be written');
    writeFileSync(`${path}.new`, 'c');
    await oneMore(changes, () => renameSync(`${path}.new`, path), 'a rename over it');
    await oneMore(changes, () => rmSync(path), 'the file to go');
  });

  test(`notices ${how} that the symlink of its folder is swapped, as for a ConfigMap`, async (t) => {
    const path = folder(t);
    for (const version of ['1', '2']) {
      mkdirSync(join(path, version));
      writeFileSync(join(path, version, 'workers'), version);
    }
    symlinkSync('1', join(path, '..data'));
    symlinkSync(join('..data', 'workers'), join(path, 'workers'));
    const changes = await watching(t, join(path, 'workers'), options);
    symlinkSync('2', join(path, '..new'));
    await oneMore(changes, () => renameSync(join(path, '..new'), join(path, '..data')), 'the swap');
  });
}

test('a folder that comes later is watched, and one that was replaced', async (t) => {
  const path = join(folder(t), 'later');
  const file = join(path, 'file');
  const changes = await watching(t, file, BY_POLLING);
  await oneMore(
    changes,
    () => {
      mkdirSync(path);
      writeFileSync(file, 'a');
    },
    'the folder',
  );
  renameSync(path, `${path}.old`);
  await oneMore(
    changes,
    () => {
      mkdirSync(path);
      writeFileSync(file, 'b');
    },
    'the new folder',
  );
});

test('a file that is still being written is reported when it rests', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, '');
  const changes = await watching(t, path, { pollMs: NEVER_MS, settleMs: 100 });
  let text = '';
  for (let i = 0; i < 10; i++) {
    text += 'x';
    writeFileSync(path, text);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const during = changes();
  await until(() => changes() > during, 'the report');
  assert.ok(changes() <= 2, `${changes()} reports of ten writes`);
});

test('nothing is reported after stop', async (t) => {
  const path = join(folder(t), 'file');
  let changes = 0;
  const watch = new FileWatch(path, realClock, () => changes++, BY_POLLING);
  watch.start();
  await until(() => changes === 1, 'the first look');
  await watch.stop();
  writeFileSync(path, 'a');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(changes, 1);
  await watch.stop();
});
