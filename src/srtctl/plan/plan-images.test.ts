import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { byId, planned } from '../../../test/support/planned.ts';
import { recipeWith } from '../../../test/support/srtctl-recipe.ts';
import type { Plan } from '../plan/plan.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';

function withImages(container: string, local = false): Plan {
  const recipe = recipeWith({ model: { path: '/models/tiny', container, precision: null }, frontend: { router: 'sglang_router' } });
  return planned(recipe, { local, cluster: { ...NO_CLUSTER, imageDirectory: '/shared/images' } });
}

describe('images of registries', () => {
  it('are imported once each, before everything, and processes run from the files', () => {
    const plan = withImages('docker://nvcr.io#nvidia/sglang:v0.5.5');
    const images = plan.processes.filter(({ tier }) => tier === -1);
    assert.deepEqual(
      images.map(({ id, node, container, argv, ready }) => [id, node, container, ...argv.slice(-2), ready.kind]),
      [
        ['import-0', 'n0', null, '/shared/images/nginx+1.27.4.sqsh', 'docker://nginx:1.27.4', 'done'],
        ['import-1', 'n0', null, '/shared/images/nvcr.io+nvidia+sglang+v0.5.5.sqsh', 'docker://nvcr.io#nvidia/sglang:v0.5.5', 'done'],
      ],
    );
    for (const id of ['prefill-0', 'decode-0', 'router-0'])
      assert.equal(byId(plan, id).container, '/shared/images/nvcr.io+nvidia+sglang+v0.5.5.sqsh');
    assert.equal(byId(plan, 'nginx').container, '/shared/images/nginx+1.27.4.sqsh');
  });

  it('are left alone as files, with --local, and without a directory', () => {
    const imports = (plan: Plan): readonly string[] =>
      plan.processes.flatMap(({ id, argv }) => (id.startsWith('import') ? argv.slice(-1) : []));
    assert.deepEqual(imports(withImages('/images/sglang.sqsh')), ['docker://nginx:1.27.4']);
    assert.deepEqual(imports(withImages('lmsysorg/sglang:v0.5.5', true)), []);
    assert.deepEqual(imports(planned(recipeWith())), []);
  });
});

describe('the import of an image', () => {
  const directory = mkdtempSync(join(tmpdir(), 'images-'));
  const file = join(directory, 'images/a.sqsh');
  /** A stand-in of enroot writes its arguments to its output, then ends so. */
  const run = (end: string): number | null => {
    mkdirSync(join(directory, 'bin'), { recursive: true });
    writeFileSync(join(directory, 'bin/enroot'), `#!/bin/sh\necho "$*" >> "${directory}/said"\necho image > "$3"\n${end}\n`, {
      mode: 0o755,
    });
    const [program = '', flag = '', script = ''] = byId(withImages('a'), 'import-0').argv;
    const env = { ...process.env, PATH: `${directory}/bin:${process.env['PATH']}` };
    return spawnSync(program, [flag, script, 'import', file, 'docker://a'], { env }).status;
  };

  it('leaves nothing of one that fails, and does nothing where the file is there', (t) => {
    t.after(() => rmSync(directory, { recursive: true }));
    assert.equal(run('exit 3'), 3);
    assert.deepEqual(readdirSync(join(directory, 'images')), []);
    assert.equal(run('exit 0'), 0);
    assert.equal(run('exit 4'), 0);
    assert.deepEqual(readdirSync(join(directory, 'images')), ['a.sqsh']);
    assert.ok(existsSync(file));
    const said = readFileSync(join(directory, 'said'), 'utf8').trim().split('\n');
    assert.deepEqual(
      said.map((line) => line.replace(/a\.sqsh\.\S+/, 'NEW')),
      Array(2).fill(`import -o ${directory}/images/NEW docker://a`),
    );
  });
});
