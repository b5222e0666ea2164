import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { planned, planOf } from '../../../test/support/small-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { findMissingPrograms } from './missing-programs.ts';

function planWith(argvs: readonly (readonly string[])[], preamble: string | null = null): Plan {
  return planOf(
    argvs.map((argv, index) => planned(`router-${index}`, { argv })),
    { preamble },
  );
}

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'missing-programs-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text, { mode: 0o755 });
  return directory;
}

test('a program that nobody would find is named once, with who needs it and what to do', async (t) => {
  const directory = folderWith(t, { there: '' });
  writeFileSync(path.join(directory, 'plain'), '', { mode: 0o644 });
  const plan = planWith([['there'], ['/absolute/one'], ['<node-binary>'], ['nginx'], ['nginx'], ['plain'], ['etcd']]);
  const missing = await findMissingPrograms(plan, directory);
  assert.deepEqual(missing.slice(0, 2), [
    'nginx was not found, and router-3 needs it: install it (apt-get install nginx-light), or do without: --set frontend.enable_multiple_frontends=false',
    `plain was not found, and router-5 needs it: PATH is ${directory}`,
  ]);
  assert.match(missing[2] ?? '', /^etcd was not found, and router-6 needs it: .*apt-get install etcd-server.*use_sglang_router=true/);
  assert.equal(missing.length, 3);
});

test('a Python without a module is named, with whose module it is and what to do', async (t) => {
  const directory = folderWith(t, { python3: '#!/bin/sh\necho dynamo.mocker\necho sglang\n' });
  const plan = planWith([
    ['python3', '-m', 'dynamo.frontend'],
    ['python3', '-m', 'dynamo.mocker'],
    ['python3', '-m', 'dynamo.sglang'],
  ]);
  assert.deepEqual(await findMissingPrograms(plan, directory), [
    `${directory}/python3 has no module dynamo.mocker, and router-1 needs it: make a Python that has it (python3 -m venv DIR; DIR/bin/pip install --no-deps ai-dynamo ai-dynamo-runtime; DIR/bin/pip install msgspec packaging pydantic pyyaml uvloop) and put DIR/bin first on PATH`,
    `${directory}/python3 has no module sglang, and router-2 needs it: install SGLang, or take simulated engines: --set backend.type=sim`,
  ]);
});

test('a Python that does not run is named with its last words', async (t) => {
  const directory = folderWith(t, { python3: '#!/bin/sh\necho lost >&2\nexit 3\n' });
  assert.deepEqual(await findMissingPrograms(planWith([['python3', '-m', 'dynamo.mocker']]), directory), [
    `${directory}/python3 does not run, and router-0 needs it: lost`,
  ]);
});

test('what a preamble may bring into reach is not judged', async () => {
  assert.deepEqual(await findMissingPrograms(planWith([['no-such-program']], 'export PATH=/x'), '/nowhere'), []);
});
