import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byId, planned, problemsOf } from '../../../test/support/planned.ts';
import { completeExample, recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import type { Plan } from './plan.ts';

describe('workers on nodes', () => {
  it('gives workers of one node shares of its GPUs and ports of their own', () => {
    const plan = planned(
      recipeWith({ workers: [workerGroup('prefill', 1, 2, { gpusPerWorker: 2 }), workerGroup('decode', 1, 4, { gpusPerWorker: 1 })] }),
    );
    const rows = plan.processes
      .filter(({ tier }) => tier === 1)
      .map(
        ({ id, node, ports, env }) =>
          `${id} ${node} ${ports['http']} ${ports['bootstrap'] ?? '-'} ${ports['nccl']} ${env['CUDA_VISIBLE_DEVICES']}`,
      );
    assert.deepEqual(rows, [
      'prefill-0 n0 30000 30001 17500 0,1',
      'prefill-1 n0 30032 30033 17501 2,3',
      'decode-0 n1 30000 - 17502 0',
      'decode-1 n1 30032 - 17503 1',
      'decode-2 n1 30064 - 17504 2',
      'decode-3 n1 30096 - 17505 3',
    ]);
    assert.match(
      byId(plan, 'router-0').argv.join(' '),
      /--prefill http:\/\/<node0>:30000 30001 --prefill http:\/\/<node0>:30032 30033 --decode http:\/\/<node1>:30000 --decode http:\/\/<node1>:30032 /,
    );
  });

  it('sets no CUDA_VISIBLE_DEVICES for a worker that has all GPUs of its nodes', () => {
    assert.ok(!('CUDA_VISIBLE_DEVICES' in byId(planned(recipeWith()), 'prefill-0').env));
  });

  it('says that a CUDA_VISIBLE_DEVICES of the recipe does not count where workers have parts of nodes', () => {
    const withDevices = (gpusPerWorker: number): Plan =>
      planned(recipeWith({ workers: [{ ...workerGroup('aggregated', 2, 2), gpusPerWorker, environment: { CUDA_VISIBLE_DEVICES: '7' } }] }));
    assert.deepEqual(
      withDevices(2).warnings.filter((warning) => warning.includes('CUDA')),
      ['CUDA_VISIBLE_DEVICES has no effect on aggregated workers: each has a part of a node, and the plan gives it GPUs of its own'],
    );
    const whole = withDevices(4);
    assert.ok(!whole.warnings.join().includes('CUDA'));
    assert.equal(byId(whole, 'aggregated-0').env['CUDA_VISIBLE_DEVICES'], '7');
  });

  it('starts a worker of several nodes as ranks that meet at its first node', () => {
    const plan = planned(
      recipeWith({ workers: [workerGroup('prefill', 2, 1, { gpusPerWorker: 8 }), workerGroup('decode', 4, 2, { gpusPerWorker: 8 })] }),
    );
    const ranks = plan.processes.filter(({ role }) => role === 'decode');
    assert.deepEqual(
      ranks.map(({ id, node, rank, worker }) => [id, node, rank, worker]),
      [
        ['decode-0', 'n2', 0, 0],
        ['decode-0.1', 'n3', 1, 0],
        ['decode-1', 'n4', 0, 1],
        ['decode-1.1', 'n5', 1, 1],
      ],
    );
    assert.match(ranks[3]?.argv.join(' ') ?? '', /--host <node5> --port 30000 --dist-init-addr <node4>:29564 --nnodes 2 --node-rank 1$/);
    assert.match(
      byId(plan, 'prefill-0.1').argv.join(' '),
      /--disaggregation-bootstrap-port 30001 .*--dist-init-addr <node0>:29500 --nnodes 2 --node-rank 1$/,
    );
    assert.deepEqual(
      ranks.map(({ ready }) => ready.kind),
      ['worker', 'none', 'worker', 'none'],
    );
    assert.match(
      byId(plan, 'router-0').argv.join(' '),
      /--prefill http:\/\/<node0>:30000 30001 --decode http:\/\/<node2>:30000 --decode http:\/\/<node4>:30000 /,
    );
  });

  it('divides a worker of 6 GPUs equally over 2 nodes of 4, and refuses 7', () => {
    const plan = planned(recipeWith({ workers: [workerGroup('aggregated', 2, 1, { gpusPerWorker: 6 })] }));
    assert.deepEqual(
      plan.processes.filter(({ tier }) => tier === 1).map(({ gpus }) => gpus),
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    );
    assert.match(
      problemsOf(recipeWith({ workers: [workerGroup('aggregated', 2, 1, { gpusPerWorker: 7 })] }))[0] ?? '',
      /^resources\.gpus_per_agg: .*7 GPUs needs 2 nodes of 4/,
    );
  });

  it('lets decode workers share the nodes of prefill workers when they have none of their own', () => {
    const plan = planned(
      recipeWith({ workers: [workerGroup('prefill', 1, 1, { gpusPerWorker: 2 }), workerGroup('decode', 0, 2, { gpusPerWorker: 1 })] }),
    );
    assert.deepEqual(
      plan.processes.filter(({ tier }) => tier === 1).map(({ id, node, gpus, ports }) => [id, node, gpus, ports['http']]),
      [
        ['prefill-0', 'n0', [0, 1], 30_000],
        ['decode-0', 'n0', [2], 30_032],
        ['decode-1', 'n0', [3], 30_064],
      ],
    );
  });

  it('says which worker has no room', () => {
    assert.deepEqual(problemsOf(recipeWith({ workers: [workerGroup('prefill', 1, 1), workerGroup('decode', 0, 1)] })), [
      'resources.decode_workers: no room for decode worker 0 (of 1): 4 GPUs for each worker, 1 node with 4 GPUs on each, which it shares with the prefill workers',
    ]);
    assert.match(
      problemsOf(recipeWith({ workers: [workerGroup('aggregated', 2, 3)] }))[0] ?? '',
      /agg_workers: no room for aggregated worker 2 \(of 3\)/,
    );
  });

  it('keeps one worker a node when workers are spread, and says so when nodes do not suffice', () => {
    const small = (workers: number): Recipe =>
      recipeWith({ workers: [workerGroup('aggregated', 2, workers, { gpusPerWorker: 1 })], resources: { spreadWorkers: true } });
    assert.deepEqual(
      planned(small(2))
        .processes.filter(({ tier }) => tier === 1)
        .map(({ node }) => node),
      ['n0', 'n1'],
    );
    assert.match(problemsOf(small(3))[0] ?? '', /one worker on each \(spread_workers\)/);
  });

  it('warns of nodes without a worker', () => {
    const plan = planned(recipeWith({ workers: [workerGroup('aggregated', 3, 1)], frontend: { multiple: false } }));
    assert.deepEqual(plan.warnings, ['no worker runs on n1, n2']);
  });
});

describe('SGLang from source', () => {
  const withSource = (sglangSourceDirectory: string | null): Recipe => ({
    ...completeExample(),
    backend: { type: 'sglang', sglangSourceDirectory },
  });

  it('is mounted at /ext-sglang-src/ and installed before every prefill and decode worker', () => {
    const plan = planned(withSource('/home/me/sglang'));
    const workers = plan.processes.filter(({ tier }) => tier === 1);
    assert.equal(workers.length, 4);
    for (const { mounts, before } of workers) {
      assert.deepEqual(mounts.at(-1), { host: '/home/me/sglang', container: '/ext-sglang-src/', options: null });
      assert.deepEqual(before, [
        {
          what: 'install SGLang from /home/me/sglang',
          argv: ['pip', 'install', '-e', '.', '--no-deps'],
          cwd: '/ext-sglang-src/',
          env: { PIP_BREAK_SYSTEM_PACKAGES: '1' },
        },
      ]);
    }
    for (const { before } of plan.processes.filter(({ tier }) => tier !== 1)) assert.deepEqual(before, []);
  });

  it('is installed before aggregated workers too, and from its own place without containers', () => {
    const recipe = recipeWith({
      workers: [workerGroup('aggregated', 1, 1)],
      backend: { type: 'sglang', sglangSourceDirectory: '/src/sglang' },
    });
    assert.equal(byId(planned(recipe), 'aggregated-0').before[0]?.cwd, '/ext-sglang-src/');
    assert.equal(byId(planned(recipe, { local: true }), 'aggregated-0').before[0]?.cwd, '/src/sglang');
  });

  it('leaves no trace when it is not set', () => {
    const text = JSON.stringify(planned(withSource(null)));
    assert.ok(!text.includes('ext-sglang-src') && !text.includes('pip'));
  });
});
