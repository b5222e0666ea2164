import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { planned } from '../../../test/support/small-plan.ts';
import { readStepMark, stepArgv } from './step-options.ts';

const PLACE = { job: '12', node: 'node2', cwd: '/run', options: {} };
const BARE = [
  ...['--jobid=12', '--overlap', '--nodes=1', '--ntasks=1', '--nodelist=node2', '--cpu-bind=none', '--input=none', '--unbuffered'],
  ...['--export=ALL', '--job-name=prefill-0'],
];

/** Where srun's options end. */
function shellAt(argv: readonly string[]): number {
  return argv.findIndex((word) => word === 'bash' || word === '/bin/sh');
}

/** srun's options alone. */
function options(argv: readonly string[]): readonly string[] {
  return argv.slice(0, shellAt(argv));
}

test('a bare step names its job, node, count and name, and never shares its CPUs, stdin or environment by accident', () => {
  assert.deepEqual(options(stepArgv(planned('prefill-0'), PLACE, [], {}, ['true'])), BARE);
});

test('a container gets its image, its mounts in order, its directory, and nothing of the image or the home', () => {
  const process = planned('prefill-0', { container: '/images/sglang.sqsh' });
  const mounts = [
    { host: '/runs/12', container: '/runs/12', options: null },
    { host: '/models/r1', container: '/model/', options: null },
    { host: '/home/me/setup.sh', container: '/srtctl-setup/setup.sh', options: 'ro' },
  ];
  assert.deepEqual(options(stepArgv(process, PLACE, mounts, {}, ['true'])), [
    ...BARE,
    '--container-image=/images/sglang.sqsh',
    '--container-workdir=/run',
    '--no-container-entrypoint',
    '--no-container-mount-home',
    '--container-mounts=/runs/12:/runs/12,/models/r1:/model/,/home/me/setup.sh:/srtctl-setup/setup.sh:ro',
  ]);
});

test('nginx in its image may change its user', () => {
  const argv = stepArgv(planned('nginx', { container: 'nginx:1.27.4' }), PLACE, [], {}, ['nginx']);
  assert.ok(argv.includes('--container-remap-root'));
});

test('options of the recipe come last, so that they win', () => {
  const argv = stepArgv(planned('prefill-0'), { ...PLACE, options: { mpi: 'pmix', 'cpu-bind': 'cores', 'no-kill': null } }, [], {}, [
    'true',
  ]);
  assert.deepEqual(options(argv).slice(-3), ['--mpi=pmix', '--cpu-bind=cores', '--no-kill']);
});

test('what is installed in a container is installed by its root, and the recipe may say otherwise', () => {
  const process = planned('prefill-0', { container: 'x', before: [{ what: 'install', argv: ['pip'], cwd: null, env: {} }] });
  const argv = (more: Readonly<Record<string, string | null>>): readonly string[] =>
    options(stepArgv(process, { ...PLACE, options: more }, [], {}, ['true']));
  const roots = (more: Readonly<Record<string, string | null>>): readonly string[] =>
    argv(more).filter((word) => word.includes('remap-root'));
  assert.deepEqual(roots({}), ['--container-remap-root']);
  assert.deepEqual(roots({ 'container-remap-root': null }), ['--container-remap-root']);
  assert.deepEqual(roots({ 'no-container-remap-root': null }), ['--no-container-remap-root']);
  assert.deepEqual(
    argv({ 'container-mount-home': null }).filter((word) => word.includes('home')),
    ['--container-mount-home'],
  );
});

describe('what runs on the node', () => {
  const SLURM = { SLURM_JOB_ID: '12', SLURM_STEP_ID: '3', SLURMD_NODENAME: 'node2', PATH: process.env['PATH'] };

  function onNode(
    argv: readonly string[],
    { cwd = '/', gpus = [] as number[], env = {} as Record<string, string>, own = {} as Record<string, string> } = {},
  ): { status: number | null; lines: readonly string[]; stderr: string } {
    const process = planned('prefill-0', { gpus, env });
    const all = stepArgv(process, { ...PLACE, cwd }, [], env, argv);
    const { status, stdout, stderr } = spawnSync(all[shellAt(all)]!, all.slice(shellAt(all) + 1), {
      encoding: 'utf8',
      env: { ...SLURM, ...own },
    });
    return { status, lines: stdout.split('\n').slice(0, -1), stderr };
  }

  test('tells its step first, then is the program, with its stderr among its lines', () => {
    const { lines, stderr, status } = onNode(['sh', '-c', 'echo out; echo err >&2; pwd; exit 7'], { cwd: '/usr' });
    const mark = readStepMark(lines[0]!);
    assert.deepEqual([mark?.job, mark?.step, mark?.node], ['12', '3', 'node2']);
    assert.ok((mark?.pid ?? 0) > 1);
    assert.deepEqual([lines.slice(1), stderr, status], [['out', 'err', '/usr'], '', 7]);
  });

  test('takes words and values as they are', () => {
    const odd = [`it's`, 'a b', '$HOME', '"', 'x=1', '', '-n', '\\', '*'];
    const env = { A: 'a,b', B: ` '"$(id)` };
    const { lines } = onNode(['sh', '-c', 'printf "%s\\n" "$A" "$B" "$@"', 'x', ...odd], { env });
    assert.deepEqual(lines.slice(1), ['a,b', ` '"$(id)`, ...odd]);
  });

  test('hands on variables with names that only shells give', () => {
    const { lines } = onNode(['env'], { own: { 'BASH_FUNC_module%%': '() {  echo loaded\n}' } });
    assert.ok(lines.includes('BASH_FUNC_module%%=() {  echo loaded'), lines.join('|'));
  });

  test('does not start in another directory than the planned one', () => {
    const { status, lines } = onNode(['echo', 'started'], { cwd: '/no/such' });
    assert.equal(status, 125);
    assert.ok(!lines.includes('started'));
    assert.match(lines[1] ?? '', /no\/such/);
  });

  for (const [what, gpus, given, expected] of [
    ['all of a node are what SLURM gave', [0, 1, 2, 3], '0,1,2,3', '0,1,2,3'],
    ['a part is counted within what SLURM gave', [1, 2], '4,5,6,7', '5,6'],
    ['names of devices are kept', [1], 'GPU-aa,GPU-bb', 'GPU-bb'],
    ['without a gift of SLURM the plan counts', [2, 3], '', '2,3'],
  ] as const) {
    test(`GPUs: ${what}`, () => {
      const { lines } = onNode(['sh', '-c', 'echo "$CUDA_VISIBLE_DEVICES"'], {
        gpus: [...gpus],
        env: { CUDA_VISIBLE_DEVICES: gpus.join(',') },
        own: given === '' ? {} : { CUDA_VISIBLE_DEVICES: given },
      });
      assert.equal(lines[1], expected);
    });
  }

  test('GPUs: those of AMD are named by their own variable', () => {
    const { lines } = onNode(['sh', '-c', 'echo "$ROCR_VISIBLE_DEVICES"'], {
      gpus: [1, 2],
      env: { ROCR_VISIBLE_DEVICES: '1,2' },
      own: { ROCR_VISIBLE_DEVICES: '4,5,6,7' },
    });
    assert.equal(lines[1], '5,6');
  });

  test('GPUs: an own order of the recipe wins', () => {
    const { lines } = onNode(['sh', '-c', 'echo "$CUDA_VISIBLE_DEVICES"'], {
      gpus: [0, 1],
      env: { CUDA_VISIBLE_DEVICES: '1,0' },
      own: { CUDA_VISIBLE_DEVICES: '0,1' },
    });
    assert.equal(lines[1], '1,0');
  });
});

test('only a whole line is the mark of a step', () => {
  for (const line of ['srtctl-step 12 3 x node2', 'srtctl-step 12 3 44', ' srtctl-step 12 3 44 node2', 'x'])
    assert.equal(readStepMark(line), null);
  assert.deepEqual(readStepMark('srtctl-step 12 3 44 node2'), { job: '12', step: '3', pid: 44, node: 'node2' });
});
