import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory, makeDirectorySync } from './make-directory.ts';

test('a folder and those above it are made; what is there already is left alone', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'make-directory-'));
  t.after(() => rmSync(root, { recursive: true }));
  const path = join(root, 'a/b/c');
  await Promise.all(Array.from({ length: 20 }, () => makeDirectory(path)));
  await makeDirectory(path);
  assert.ok(statSync(path).isDirectory());
  const other = join(root, 'x/y/z');
  makeDirectorySync(other);
  makeDirectorySync(other);
  assert.ok(statSync(other).isDirectory());
});

test('a place where no folder can be is an error, not a wait', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'make-directory-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'file'), '');
  const places: [string, string][] = [
    [join(root, 'file'), 'EEXIST'],
    [join(root, 'file/below'), 'ENOTDIR'],
  ];
  if (process.platform === 'linux') places.push(['/proc/runs/here', 'ENOENT']);
  for (const [place, code] of places) {
    await assert.rejects(makeDirectory(place), { code });
    assert.throws(() => makeDirectorySync(place), { code });
  }
});
