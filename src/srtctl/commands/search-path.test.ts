import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { Plan } from '../plan/plan.ts';
import { findMissingPrograms, searchPath } from './search-path.ts';

function planWith(argv0: readonly string[], preamble: string | null = null): Plan {
  const processes = argv0.map((program, index) => ({ id: `p-${index}`, argv: [program, 'x'], env: {} }));
  // Only what is read here.
  return { preamble, processes } as unknown as Plan;
}

test('the folders of the system come after what PATH holds', () => {
  assert.equal(searchPath('/a:/usr/sbin'), '/a:/usr/sbin:/usr/local/sbin:/sbin');
  assert.match(searchPath(undefined), /^\/usr\/local\/bin:\/usr\/bin:\/bin:.*\/usr\/sbin/);
});

test('a program that nobody would find is named once, with who needs it and what to do', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'search-path-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(path.join(directory, 'there'), '', { mode: 0o755 });
  writeFileSync(path.join(directory, 'plain'), '', { mode: 0o644 });
  const plan = planWith(['there', '/absolute/one', '<node-binary>', 'nginx', 'nginx', 'plain']);
  assert.deepEqual(await findMissingPrograms(plan, directory), [
    'nginx was not found, and p-3 needs it: install it (apt-get install nginx-light), or do without: --set frontend.enable_multiple_frontends=false',
    `plain was not found, and p-5 needs it: PATH is ${directory}`,
  ]);
});

test('what a preamble may bring into reach is not judged', async () => {
  assert.deepEqual(await findMissingPrograms(planWith(['no-such-program'], 'export PATH=/x'), '/nowhere'), []);
});
