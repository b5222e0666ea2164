import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findDynamo } from './environment.ts';

/** A folder of programs that do `script`, as the only one on the PATH, until the test ends. */
function onlyPrograms(t: TestContext, names: readonly string[], script: string, variables: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dynamo-env-'));
  for (const name of names) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  const before = { ...process.env };
  Object.assign(process.env, { PATH: folder, DYNAMO_PYTHON: path.join(folder, 'python3') }, variables);
  t.after(() => {
    for (const name of ['PATH', 'DYNAMO_PYTHON', 'XDG_CACHE_HOME']) {
      const { [name]: value } = before;
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const ALL = ['etcd', 'nats-server', 'python3'];

describe('where Dynamo is', () => {
  test('its Python comes first on the PATH of what is started with it', async (t) => {
    const folder = onlyPrograms(t, ALL, 'exit 0');
    const found = await findDynamo();
    assert.ok(typeof found !== 'string', String(found));
    assert.equal(found.python, path.join(folder, 'python3'));
    assert.equal(found.env.PATH.split(':')[0], folder);
  });

  test('a Python without the package is told, with its name', async (t) => {
    const folder = onlyPrograms(t, ALL, 'echo "ModuleNotFoundError: No module" >&2; exit 1');
    assert.equal(await findDynamo(), `DYNAMO_PYTHON=${folder}/python3 has no Dynamo: ModuleNotFoundError: No module`);
  });

  test('a Python by another name than that of plans is refused', async (t) => {
    onlyPrograms(t, ALL, 'exit 0', { DYNAMO_PYTHON: '/usr/bin/python3.11' });
    assert.match(String(await findDynamo()), /must end with \/python3/);
  });

  test('an environment that was never made is told with the command that makes it', async (t) => {
    onlyPrograms(t, ALL, 'exit 0', { DYNAMO_PYTHON: '', XDG_CACHE_HOME: '/nonexistent' });
    assert.match(String(await findDynamo()), /npm run dynamo-env/);
  });
});
