import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { completeExample } from '../../../test/support/srtctl-recipe.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import { type BatchScriptInput, renderBatchScript, warningSeconds } from './batch-script.ts';

const SUPERVISOR = ['/opt/node/bin/node', '/opt/srtctl/dist/bin/srtctl.js', 'supervise-job'];

function render(
  more: Partial<BatchScriptInput['recipe']> = {},
  outputs = '/runs',
  cluster = NO_CLUSTER,
  input: Partial<BatchScriptInput> = {},
): string {
  const recipe = { ...completeExample(), ...more };
  return renderBatchScript({ recipe, nodes: 4, cluster, knowsSegments: true, outputs, supervisor: SUPERVISOR, embedded: null, ...input });
}

const SLURM = { account: 'acct', partition: 'batch', timeLimit: '04:00:00', timeLimitSeconds: 14_400 };

test('the script of the complete example is exactly this one', () => {
  const cluster = { ...NO_CLUSTER, useExclusiveDirective: true, sbatchDirectives: { comment: 'sglang #1', constraint: 'x&y' } };
  assert.equal(
    render({ slurm: SLURM }, '/runs/a b', cluster),
    `#!/bin/bash
#SBATCH --job-name="deepseek-r1-sglang-router"
#SBATCH --nodes="4"
#SBATCH --ntasks="4"
#SBATCH --ntasks-per-node="1"
#SBATCH --output="/runs/a b/%j/logs/slurm.log"
#SBATCH --open-mode="append"
#SBATCH --no-requeue
#SBATCH --no-kill
#SBATCH --signal="B:USR1@90"
#SBATCH --account="acct"
#SBATCH --partition="batch"
#SBATCH --time="04:00:00"
#SBATCH --gpus-per-node="4"
#SBATCH --segment="4"
#SBATCH --exclusive
#SBATCH --comment="sglang #1"
#SBATCH --constraint="x&y"

# Heard from the first moment on; the supervisor listens to it as soon as it runs.
trap '' USR1
# Set by \`sbatch --export\`, it would empty the environment of every step.
unset SLURM_EXPORT_ENV
if [ -n "$SLURM_RESTART_COUNT" ] && [ "$SLURM_RESTART_COUNT" != 0 ]; then
  echo "srtctl: this job was requeued; a run is never started twice. Submit it again with srtctl apply." >&2
  exit 3
fi
exec /opt/node/bin/node /opt/srtctl/dist/bin/srtctl.js supervise-job '/runs/a b/'"$SLURM_JOB_ID"
`,
  );
});

test('the recipe wins over the cluster file, and a directive over what srtctl derives', () => {
  const cluster = { ...NO_CLUSTER, sbatchDirectives: { comment: 'cluster', qos: 'low' } };
  const script = render(
    { slurm: SLURM, sbatchDirectives: { comment: 'recipe', time: '1:00', segment: '2', exclusive: null } },
    '/runs',
    cluster,
  );
  const options = [...script.matchAll(/^#SBATCH --([\w-]+)(?:="(.*)")?$/gm)].map(([, name, value]) => `${name}=${value ?? ''}`);
  assert.equal(new Set(options.map((one) => one.split('=')[0])).size, options.length, 'no option twice');
  for (const expected of ['comment=recipe', 'qos=low', 'time=1:00', 'segment=2', 'exclusive='])
    assert.ok(options.includes(expected), expected);
});

test('more nodes than the plan uses, and what SLURM and the cluster file say about GPUs and segments, are written', () => {
  const lines = (script: string): readonly string[] => script.split('\n').filter((line) => line.startsWith('#SBATCH'));
  const wider = lines(render({ sbatchDirectives: { nodes: '6', ntasks: '1', J: 'mine' } }));
  for (const line of ['--nodes="6"', '--ntasks="6"', '--segment="6"', '--J="mine"']) assert.ok(wider.includes(`#SBATCH ${line}`), line);
  assert.ok(!wider.some((line) => line.includes('job-name')));
  const old = lines(render({}, '/runs', { ...NO_CLUSTER, gpuDirective: 'gres' }, { knowsSegments: false }));
  assert.ok(old.includes('#SBATCH --gres="gpu:4"'));
  assert.ok(!old.some((line) => /segment|gpus-per-node/.test(line)));
});

test('every option stands on a line of its own before the first command', () => {
  const script = render({ name: 'odd name; "$(x)" #\u00e9', slurm: SLURM });
  const lines = script.split('\n');
  const last = lines.findLastIndex((line) => line.startsWith('#SBATCH'));
  assert.ok(lines.slice(1, last + 1).every((line) => line.startsWith('#SBATCH --')));
  assert.ok(lines.includes('#SBATCH --job-name="odd-name-x-"'), lines[1]);
});

test('a % in the directory is one for SLURM, too', () => {
  assert.match(render({}, '/runs/50%j'), /--output="\/runs\/50%%j\/%j\/logs\/slurm\.log"/);
});

test('the script becomes its supervisor, whatever the directory is called, and refuses a second start', () => {
  const outputs = "/runs/it's $(touch x) #1";
  const script = renderBatchScript({
    recipe: completeExample(),
    nodes: 4,
    cluster: NO_CLUSTER,
    knowsSegments: true,
    outputs,
    supervisor: ['/usr/bin/env', 'printf', '%s|%s', "a 'b"],
    embedded: null,
  });
  const run = (env: NodeJS.ProcessEnv): ReturnType<typeof spawnSync> =>
    spawnSync('bash', ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'], SLURM_JOB_ID: '12', ...env } });
  assert.equal(run({}).stdout, `a 'b|${outputs}/12`);
  assert.equal(run({ SLURM_RESTART_COUNT: '0' }).status, 0);
  const again = run({ SLURM_RESTART_COUNT: '1' });
  assert.equal(again.status, 3);
  assert.match(String(again.stderr), /requeued/);
});

test('what the nodes cannot see travels in the script', (t) => {
  const outputs = mkdtempSync(join(tmpdir(), 'srtctl-batch-'));
  t.after(() => rmSync(outputs, { recursive: true, force: true }));
  const embedded = gzipSync(`{"text":"${'x y '.repeat(500)}"}`).toString('base64');
  const script = renderBatchScript({
    recipe: completeExample(),
    nodes: 4,
    cluster: NO_CLUSTER,
    knowsSegments: true,
    outputs,
    supervisor: ['/usr/bin/env', 'cat', '-A', '/dev/null'],
    embedded,
  });
  assert.match(script, /^#SBATCH --output="\/dev\/null"$/m);
  const { status } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'], SLURM_JOB_ID: '12' } });
  assert.ok(status !== null);
  const file = join(outputs, '12', 'handover.json');
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).text, 'x y '.repeat(500));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a job is warned as long before its end as its shutdown takes, a short one later', () => {
  assert.deepEqual([null, 'UNLIMITED', '04:00:00', '4', '1', '00:00:20'].map(warningSeconds), [90, 90, 90, 60, 15, 10]);
});
