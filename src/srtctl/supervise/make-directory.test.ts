import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from './make-directory.ts';

test('a folder and those above it are made; what is there already is left alone', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'make-directory-'));
  t.after(() => rmSync(root, { recursive: true }));
  const path = join(root, 'a/b/c');
  await Promise.all([makeDirectory(path), makeDirectory(path)]);
  await makeDirectory(path);
  assert.ok(statSync(path).isDirectory());
});

test('a place where no folder can be is an error, not a wait', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'make-directory-'));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'file'), '');
  await assert.rejects(makeDirectory(join(root, 'file')), { code: 'EEXIST' });
  await assert.rejects(makeDirectory(join(root, 'file/below')), { code: 'ENOTDIR' });
  if (process.platform === 'linux') await assert.rejects(makeDirectory('/proc/runs/here'), { code: 'ENOENT' });
});
