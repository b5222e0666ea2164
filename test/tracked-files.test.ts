/** Tests that read the project see what git tracks, and in a copy without git the same. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT } from './support/program.ts';
import { trackedFiles } from './support/tracked-files.ts';

const TRACKED = ['.gitignore', 'package.json', 'src/a.ts'];

/** A folder with these files, and what builds and runs leave beside them. */
function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'tracked-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const path of ['src', 'outputs/run-1', 'dist', 'python/.venv', 'node_modules/x']) mkdirSync(join(root, path), { recursive: true });
  cpSync(`${ROOT}.gitignore`, join(root, '.gitignore'));
  for (const file of ['package.json', 'src/a.ts', 'outputs/run-1/status.json', 'dist/a.js', 'python/.venv/x', 'node_modules/x/y', 'a.log'])
    writeFileSync(join(root, file), '{}');
  return root;
}

test('in a repository they are what git tracks, without what was removed', (t) => {
  const root = folder(t);
  for (const args of [
    ['init', '--quiet'],
    ['add', '.'],
  ])
    assert.equal(spawnSync('git', args, { cwd: root }).status, 0);
  writeFileSync(join(root, 'src/scratch.ts'), '');
  assert.deepEqual([...trackedFiles(root)].sort(), TRACKED);
  rmSync(join(root, 'src/a.ts'));
  assert.deepEqual([...trackedFiles(root)].sort(), ['.gitignore', 'package.json']);
});

test('without a repository, and inside of another one, they are what .gitignore does not name', (t) => {
  const root = folder(t);
  assert.deepEqual(trackedFiles(root), TRACKED);
  const outer = mkdtempSync(join(tmpdir(), 'tracked-'));
  t.after(() => rmSync(outer, { recursive: true, force: true }));
  assert.equal(spawnSync('git', ['init', '--quiet'], { cwd: outer }).status, 0);
  cpSync(root, join(outer, 'copy'), { recursive: true });
  assert.deepEqual(trackedFiles(join(outer, 'copy')), TRACKED);
});

test('of this project they are its sources, and nothing that was built', () => {
  const files = trackedFiles();
  for (const file of ['README.md', 'src/index.ts', '.ci/run']) assert.ok(files.includes(file), file);
  assert.deepEqual(
    files.filter((file) => /^(?:dist|\.build|node_modules|outputs)\//.test(file)),
    [],
  );
});
