// What `srtctl apply` hands to SLURM, seen by stubs of its programs.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ROOT } from './support/program.ts';
import { srtctl } from './support/srtctl-command.ts';
import { StubSlurm } from './support/stub-slurm.ts';

const RECIPE = `name: one
model: {path: tiny}
resources: {gpus_per_node: 1, agg_nodes: 1, agg_workers: 1}
backend: {type: sim, use_sglang_router: true, enable_multiple_frontends: false}
`;

const directives = (script: string): readonly string[] => script.split('\n').filter((line) => line.startsWith('#SBATCH'));

describe('a recipe for SLURM', () => {
  test('becomes a job, and says its number where scripts look for it', async (t) => {
    const slurm = new StubSlurm(t);
    const words = ['apply', '-f', '-', '--tags', 'nightly, gb200', '-y', '--no-preflight', '--sweep', '--exclude', 'node[3-4]'];
    const { code, stdout, stderr } = await srtctl(words, { cwd: slurm.cwd, path: slurm.path, input: RECIPE });
    assert.equal(code, 0, stderr);
    const [, job = ''] = /^Job (\d+) \(one\) is submitted$/m.exec(stdout) ?? assert.fail(stdout);
    const written = JSON.parse(readFileSync(join(slurm.cwd, 'outputs', job, 'job.json'), 'utf8')) as { tags: unknown };
    assert.deepEqual(written.tags, ['nightly', 'gb200']);
    for (const line of ['--exclude="node[3-4]"', '--segment="1"', '--nodes="1"'])
      assert.ok(directives(slurm.script(job)).includes(`#SBATCH ${line}`), line);
  });

  test('has nodes for etcd and for its client besides those of its workers', async (t) => {
    const slurm = new StubSlurm(t);
    const recipe = `${RECIPE.replace('use_sglang_router: true, ', '')}infra: {etcd_nats_dedicated_node: true}
benchmark: {type: custom, command: "true", client_dedicated_node: true}\n`;
    const { code, stdout, stderr } = await srtctl(['apply', '-f', '-'], { cwd: slurm.cwd, path: slurm.path, input: recipe });
    assert.equal(code, 0, stderr);
    const [, job = ''] = /^Job (\d+)/m.exec(stdout) ?? [];
    assert.ok(directives(slurm.script(job)).includes('#SBATCH --nodes="3"'));
  });

  test('is one of a directory, each a job, with one summary', async (t) => {
    const slurm = new StubSlurm(t);
    for (const name of ['a', 'b']) writeFileSync(join(slurm.cwd, `${name}.yaml`), RECIPE.replace('one', name));
    const { code, stdout, stderr } = await srtctl(['apply', '.'], { cwd: slurm.cwd, path: slurm.path });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n2 of 2 recipes:\n {2}a: submitted\n {2}b: submitted\n$/);
  });

  test('gets the directory that containers see as /configs', async (t) => {
    const slurm = new StubSlurm(t);
    const recipe = `${RECIPE.replace('type: sim, ', '').replace('tiny', '/m, container: x')}container_mounts: {/data: /data}
frontend: {args: {log-dir: /configs/x}}\n`;
    const { code, stderr } = await srtctl(['apply', '-f', '-'], { cwd: slurm.cwd, path: slurm.path, input: recipe });
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(slurm.cwd, 'configs')));
  });

  test('is refused where this SLURM lacks what it asks for, with the key', async (t) => {
    const slurm = new StubSlurm(t, ['segment', 'container-image']);
    const apply = (...more: string[]): ReturnType<typeof srtctl> =>
      srtctl(['apply', '-f', '-', ...more], { cwd: slurm.cwd, path: slurm.path, input: RECIPE });
    const plain = await apply();
    assert.equal(plain.code, 0, plain.stderr);
    assert.ok(!directives(slurm.script('101')).some((line) => line.includes('segment')));
    const segment = await apply('--set', 'sbatch_directives.segment=1');
    assert.deepEqual([segment.code, segment.stderr], [3, 'error: sbatch_directives.segment: this SLURM has no --segment; remove it\n']);
    const contained = await apply('--unset', 'backend.type', '--set', 'model={path: /m, container: img}');
    assert.equal(contained.code, 3);
    assert.match(contained.stderr, /aggregated-0 is to run in the container img, and this SLURM has no pyxis/);
    assert.match(contained.stderr, /set container_runtime in srtslurm\.yaml/);
    const nginx = await apply('--set', 'backend.enable_multiple_frontends=true', '--set', 'backend.num_additional_frontends=0');
    assert.equal(nginx.code, 0, nginx.stderr);
    assert.match(nginx.stderr, /this SLURM has no pyxis: nginx is that of the nodes/);
    assert.doesNotMatch(readFileSync(join(slurm.cwd, 'outputs', '102', 'plan.json'), 'utf8'), /"container": "/);
  });

  test('travels in the script where the nodes do not see the directory of this host, and leaves no secret here', async (t) => {
    const slurm = new StubSlurm(t);
    writeFileSync(join(slurm.cwd, 'srtslurm.yaml'), 'runtime_config_transport: embedded\n');
    const words = ['apply', '-f', '-', '--set', 'environment.HF_TOKEN=hf_not_for_disks'];
    const { code, stdout, stderr } = await srtctl(words, { cwd: slurm.cwd, path: slurm.path, input: RECIPE });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^run directory, on the nodes: /m);
    const directory = join(slurm.cwd, 'outputs', '101');
    const [, packed = ''] = /<<'END'[^\n]*\n([\s\S]*?)\nEND\n/.exec(slurm.script('101')) ?? [];
    const handover = JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as { plan: { name: string }; run: object };
    assert.equal(handover.plan.name, 'one');
    assert.deepEqual(Object.keys(handover.run), ['recipeFile', 'redactedText', 'tags']);
    assert.ok(!existsSync(join(directory, 'handover.json')) && !existsSync(join(directory, 'sbatch.sh')));
    for (const file of ['recipe.yaml', 'plan.json', 'job.json']) assert.ok(!readFileSync(join(directory, file), 'utf8').includes('hf_not'));
  });

  test('that the cluster file promises a runtime for is submitted with a warning', async (t) => {
    const slurm = new StubSlurm(t, ['container-image']);
    writeFileSync(join(slurm.cwd, 'srtslurm.yaml'), 'container_runtime: pyxis\n');
    const recipe = RECIPE.replace('type: sim, ', '').replace('tiny', '/m, container: img');
    const { code, stderr } = await srtctl(['apply', '-f', '-'], { cwd: slurm.cwd, path: slurm.path, input: recipe });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: the srun of this machine has no --container-image \(pyxis\); that of the nodes must have it/);
  });
});

describe('an allocation', () => {
  test('that does not run is told before anything is made', async (t) => {
    const slurm = new StubSlurm(t);
    writeFileSync(join(slurm.directory, 'squeue'), '#!/bin/bash\necho "PENDING||Resources"\n');
    const { code, stderr } = await srtctl(['apply', '-f', '-', '--jobid', '7'], { cwd: slurm.cwd, path: slurm.path, input: RECIPE });
    assert.equal(code, 3);
    assert.match(stderr, /^error: job 7 has no nodes yet \(PENDING, Resources\); --jobid new submits a job$/m);
    const wrong = await srtctl(['apply', '-f', '-', '--jobid', 'x'], { cwd: slurm.cwd, path: slurm.path, input: RECIPE });
    assert.match(wrong.stderr, /--jobid x: expected the number of a job, or new/);
  });
});

test('public recipes that validate takes are taken by apply', async (t) => {
  const slurm = new StubSlurm(t);
  const directory = join(ROOT, 'test/fixtures/public-recipes');
  const { stdout } = await srtctl(['validate', '--json', directory]);
  const { files } = JSON.parse(stdout) as { files: readonly { file: string; recipes: readonly string[]; problems: readonly unknown[] }[] };
  const taken = files.filter(({ recipes, problems }) => recipes.length > 0 && problems.length === 0).map(({ file }) => file);
  assert.ok(taken.length > 45, `${taken.length}`);
  const { code, stdout: said, stderr } = await srtctl(['apply', ...taken], { cwd: slurm.cwd, path: slurm.path });
  assert.equal(code, 0, stderr);
  assert.ok(!said.includes('exit code'), said);
});
