/** A run on a disk that becomes full. Needs the right to mount a small file system; skipped elsewhere. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newDirectory, smallFleet, startRun } from './support/small-fleet.ts';

test('a run goes on when the disk is full, says so, and its last status and report are written', async (t) => {
  const directory = join(await newDirectory(t), 'small');
  await mkdir(directory);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', directory], { stdio: 'ignore' });
  if (status !== 0) return t.skip('no right to mount');
  try {
    await runOnFullDisk(t, directory);
  } finally {
    execFileSync('umount', ['-l', directory]);
  }
});

async function runOnFullDisk(t: TestContext, directory: string): Promise<void> {
  const flood = 'i=0; while [ $i -lt 40000 ]; do echo "a line that takes room on the disk, number $i"; i=$((i+1)); done; exit 5';
  const run = await startRun(t, smallFleet({}, ['sh', '-c', flood]), { directory });
  const { outcome, report } = await run.result;
  assert.equal(outcome, 'benchmark');
  assert.equal(report?.lastLines.at(-1), 'a line that takes room on the disk, number 39999');
  const warnings = run.notices.flatMap((notice) => (notice.type === 'warning' ? [notice.text] : []));
  assert.ok(
    warnings.includes('logs/benchmark.out cannot be written (the disk is full); benchmark goes on, lines are lost'),
    warnings.join('\n'),
  );
  const last = await run.status();
  assert.deepEqual([last.state, last.outcome], ['ended', 'benchmark']);
  assert.match(await readFile(join(directory, 'report.txt'), 'utf8'), /benchmark on n0 exited with status 5/);
  await assert.rejects(stat(join(directory, '.reserve')), { code: 'ENOENT' });
}
