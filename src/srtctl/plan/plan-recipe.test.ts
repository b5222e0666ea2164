import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { completeExample, recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import { SETTINGS } from '../../router/config/schema.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import type { Flags, Recipe } from '../recipe/resolve/recipe.ts';
import { GRACE_MS } from '../supervise/tear-down.ts';
import { type Plan, type PlannedProcess, TIERS } from './plan.ts';
import { planRecipe } from './plan-recipe.ts';

function planned(recipe: Recipe, { local = false, cluster = NO_CLUSTER } = {}): Plan {
  const { plan, problems } = planRecipe(recipe, cluster, { local, directory: '/home/me' });
  assert.deepEqual(problems, []);
  return plan ?? assert.fail('no plan and no problem');
}

function problemsOf(recipe: Recipe): readonly string[] {
  const { plan, problems } = planRecipe(recipe, NO_CLUSTER, { local: true, directory: '/home/me' });
  assert.equal(plan, null);
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

function byId(plan: Plan, id: string): PlannedProcess {
  return plan.processes.find((process) => process.id === id) ?? assert.fail(`no ${id} among ${plan.processes.map(({ id }) => id)}`);
}

/** `actual` has every member of `expected`. */
function assertHolds(actual: object | null, expected: object): void {
  assert.deepEqual({ ...actual, ...expected }, actual);
}

describe('the complete example', () => {
  const plan = planned(completeExample());

  it('runs 1 nginx, 4 routers, 2 prefill, 2 decode and 1 benchmark on 4 nodes, and warns of nothing', () => {
    const rows = plan.processes.map(
      ({ id, node, tier, ports }) => `${id} ${node} ${tier} ${ports['http'] ?? '-'} ${ports['bootstrap'] ?? '-'}`,
    );
    assert.deepEqual(rows, [
      'nginx n0 3 8000 -',
      'router-0 n0 2 30080 -',
      'router-1 n1 2 30080 -',
      'router-2 n2 2 30080 -',
      'router-3 n3 2 30080 -',
      'prefill-0 n0 1 30000 30001',
      'prefill-1 n1 1 30000 30001',
      'decode-0 n2 1 30000 -',
      'decode-1 n3 1 30000 -',
      'benchmark n0 4 - -',
    ]);
    assert.deepEqual(plan.nodes, ['n0', 'n1', 'n2', 'n3']);
    assert.deepEqual(plan.warnings, []);
    assert.equal(plan.endpoint, 'http://<node0>:8000');
  });

  it('gives every router the same list of workers, and its own address and port', () => {
    for (const [index, node] of [0, 1, 2, 3].entries())
      assert.equal(
        byId(plan, `router-${index}`).argv.join(' '),
        '<node-binary> <package>/dist/bin/router.js --pd-disaggregation --prefill http://<node0>:30000 30001 --prefill http://<node1>:30000 30001 ' +
          `--decode http://<node2>:30000 --decode http://<node3>:30000 --host <node${node}> --port 30080 --prometheus-host <node${node}> --prometheus-port 29000`,
      );
  });

  it('starts engines with the flags of the recipe', () => {
    assert.equal(
      byId(plan, 'prefill-1').argv.join(' '),
      'python3 -m sglang.launch_server --model-path /model/ --served-model-name deepseek-r1-fp4 --disaggregation-mode prefill ' +
        '--disaggregation-bootstrap-port 30001 --tensor-parallel-size 4 --disaggregation-transfer-backend nixl ' +
        '--host <node1> --port 30000 --nccl-port 17501',
    );
    assert.match(
      byId(plan, 'decode-0').argv.join(' '),
      /--disaggregation-mode decode .*--disaggregation-bootstrap-port 30001 .*--host <node2> --port 30000/,
    );
  });

  it('takes the same words to sglang_router when that is asked', () => {
    const other = planned({ ...completeExample(), frontend: { ...completeExample().frontend, router: 'sglang_router' } });
    const router = byId(other, 'router-2');
    assert.deepEqual(router.argv.slice(0, 3), ['python', '-m', 'sglang_router.launch_router']);
    assert.deepEqual(router.argv.slice(3), byId(plan, 'router-2').argv.slice(2));
    assert.equal(router.container, 'sglang-latest');
    assert.equal(byId(plan, 'router-2').container, null);
  });

  it('sends nginx to every router in turn, and knows when each process is ready', () => {
    const config = byId(plan, 'nginx').files[0]?.content ?? '';
    assert.deepEqual(
      config.match(/server <node\d>:\d+/g),
      [0, 1, 2, 3].map((node) => `server <node${node}>:30080`),
    );
    assert.deepEqual(byId(plan, 'router-3').ready, {
      kind: 'router',
      url: 'http://<node3>:30080',
      workers: [0, 1, 2, 3].map((node) => `http://<node${node}>:30000`),
    });
    assert.deepEqual(byId(plan, 'decode-1').ready, { kind: 'worker', url: 'http://<node3>:30000', model: 'deepseek-r1-fp4' });
  });

  it('has nginx let go of idle connections before the routers do', () => {
    const timeout = (recipe: Recipe): number =>
      Number(/keepalive 256;[^}]*keepalive_timeout (\d+)ms;/.exec(byId(planned(recipe), 'nginx').files[0]?.content ?? '')?.[1]);
    const limit = SETTINGS.keepAliveTimeoutSecs.default * 1000;
    assert.ok(timeout(completeExample()) > 1000 && timeout(completeExample()) < limit);
    assert.equal(timeout(recipeWith({ frontend: { args: { 'keep-alive-timeout-secs': 10 } } })), 8000);
  });

  it('measures with the options of the recipe against the public endpoint', () => {
    assertHolds(plan.benchmark, {
      type: 'sa-bench',
      endpoint: 'http://<node0>:8000',
      model: 'deepseek-r1-fp4',
      inputTokens: 128_000,
      outputTokens: 8000,
      concurrencies: [16, 32],
      gpus: { total: 16, prefill: 8, decode: 8, aggregated: 0 },
    });
  });

  it('mounts the model at /model/ in containers, and names host paths without', () => {
    const prefill = byId(plan, 'prefill-0');
    assert.equal(prefill.container, 'sglang-latest');
    assert.ok(prefill.mounts.some(({ host, container }) => host === 'deepseek-r1-fp4' && container === '/model/'));
    const bare = byId(planned(completeExample(), { local: true }), 'prefill-0');
    assert.equal(bare.container, null);
    assert.deepEqual(bare.mounts, []);
    assert.equal(bare.argv[bare.argv.indexOf('--model-path') + 1], 'deepseek-r1-fp4');
  });
});

describe('router modes', () => {
  it('puts a single router on port 8000 of node 0, without nginx', () => {
    const plan = planned(recipeWith({ frontend: { multiple: false } }));
    assert.deepEqual(
      plan.processes.filter(({ tier }) => tier > 1).map(({ id, node, ports }) => [id, node, ports['http']]),
      [['router-0', 'n0', 8000]],
    );
    assert.equal(plan.endpoint, 'http://<node0>:8000');
  });

  it('listens for clients on another address of node 0 when told to, and on its own everywhere else', () => {
    const all = planned(recipeWith({ frontend: { publicHost: '0.0.0.0' } }));
    assert.match(byId(all, 'nginx').files[0]?.content ?? '', /listen 0\.0\.0\.0:8000 /);
    assert.match(byId(all, 'router-0').argv.join(' '), /--host <node0> --port 30080/);
    assert.equal(all.endpoint, 'http://<node0>:8000');
    const six = planned(recipeWith({ frontend: { publicHost: '::' } }));
    assert.match(byId(six, 'nginx').files[0]?.content ?? '', /listen \[::\]:8000 /);
    const single = planned(recipeWith({ frontend: { publicHost: '0.0.0.0', multiple: false } }));
    assert.match(byId(single, 'router-0').argv.join(' '), /--host 0\.0\.0\.0 --port 8000 --prometheus-host <node0>/);
  });

  for (const [additional, total] of [
    [0, 1],
    [4, 5],
    [9, 10],
  ] as const)
    it(`runs ${total} routers for num_additional_frontends: ${additional}`, () => {
      const plan = planned(recipeWith({ workers: [workerGroup('aggregated', total, total)], frontend: { additional } }));
      assert.equal(plan.processes.filter(({ role }) => role === 'router').length, total);
      assert.equal(plan.processes.filter(({ role }) => role === 'nginx').length, 1);
      assert.deepEqual(plan.warnings, []);
    });

  it('warns when the ceiling starts fewer routers than asked, and spreads them exactly when told to', () => {
    const workers = [workerGroup('prefill', 3, 3), workerGroup('decode', 3, 3)];
    const ceiling = planned(recipeWith({ workers, frontend: { additional: 4 } }));
    assert.deepEqual(ceiling.warnings, [
      '5 routers were asked (1 + num_additional_frontends 4), 4 will run: one on n0 and on every 2. node after it, by ceil((6 - 1) / 4) = 2; "frontend.spread: even" starts 5',
    ]);
    assert.deepEqual(ceiling.counts[1], { what: 'routers', asked: 5, runs: 4 });
    const even = planned(recipeWith({ workers, frontend: { additional: 4, spread: 'even' } }));
    assert.deepEqual(even.warnings, []);
    assert.deepEqual(even.counts[1], { what: 'routers', asked: 5, runs: 5 });
  });

  it('warns when there are fewer nodes than routers', () => {
    const plan = planned(recipeWith());
    assert.deepEqual(plan.warnings, [
      '10 routers were asked (1 + num_additional_frontends 9), 2 will run: there are 2 nodes, and each takes one',
    ]);
  });

  it('lists aggregated workers by --worker-urls', () => {
    const plan = planned(recipeWith({ workers: [workerGroup('aggregated', 2, 2)], frontend: { args: { policy: 'cache_aware' } } }));
    const { argv } = byId(plan, 'router-1');
    assert.deepEqual(argv.slice(2, 5), ['--worker-urls', 'http://<node0>:30000', 'http://<node1>:30000']);
    assert.deepEqual(argv.slice(-2), ['--policy', 'cache_aware']);
    assert.ok(!byId(plan, 'aggregated-0').argv.includes('--disaggregation-mode'));
  });
});

describe('ports', () => {
  it('finds nginx and a router on one port, and names both and the error that would follow', () => {
    const [problem, ...more] = problemsOf(recipeWith({ frontend: { routerPort: 8000 } }));
    assert.deepEqual(more, []);
    assert.match(
      problem ?? '',
      /frontend\.router_port: n0: nginx \(public\) and router-0 \(HTTP\) would both listen on port 8000; .*bind\(\) to 0\.0\.0\.0:8000 failed \(Address already in use\)/,
    );
  });

  it('finds a worker on the port of its bootstrap server, and on that of a router', () => {
    const flags = { 'disaggregation-bootstrap-port': 30_000 };
    assert.match(
      problemsOf(recipeWith({ workers: [workerGroup('prefill', 1, 1, { flags }), workerGroup('decode', 1, 1)] }))[0] ?? '',
      /prefill-0 \(HTTP\) and prefill-0 \(PD bootstrap\)/,
    );
    assert.match(problemsOf(recipeWith({ frontend: { routerPort: 30_000 } }))[0] ?? '', /router-0 \(HTTP\) and prefill-0 \(HTTP\)/);
  });

  it('tells every router the bootstrap port of the recipe', () => {
    const leg = { flags: { 'disaggregation-bootstrap-port': 8998 } };
    const plan = planned(recipeWith({ workers: [workerGroup('prefill', 1, 1, leg), workerGroup('decode', 1, 1, leg)] }));
    assert.equal(byId(plan, 'prefill-0').ports['bootstrap'], 8998);
    for (const id of ['router-0', 'router-1']) assert.match(byId(plan, id).argv.join(' '), /--prefill http:\/\/<node0>:30000 8998 /);
    assert.match(byId(plan, 'prefill-0').argv.join(' '), /--disaggregation-bootstrap-port 8998/);
  });

  it('takes the bootstrap port from decode when prefill is silent', () => {
    const leg = { flags: { 'disaggregation-bootstrap-port': 8998 } };
    const plan = planned(recipeWith({ workers: [workerGroup('prefill', 1, 1), workerGroup('decode', 1, 1, leg)] }));
    assert.equal(byId(plan, 'prefill-0').ports['bootstrap'], 8998);
    assert.match(byId(plan, 'router-1').argv.join(' '), /--prefill http:\/\/<node0>:30000 8998 /);
  });
});

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
        { what: 'install SGLang from /home/me/sglang', argv: ['pip', 'install', '-e', '.', '--no-deps'], cwd: '/ext-sglang-src/' },
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

describe('what surrounds a process', () => {
  it('merges the environment: cluster, recipe, role; and binds {node} and {node_id}', () => {
    const group = { ...workerGroup('aggregated', 2, 2), environment: { B: 'role', ID: 'w{node_id} at {node}, {other}' } };
    const plan = planned(
      recipeWith({ workers: [group], environment: { A: 'recipe', B: 'recipe' }, frontend: { environment: { R: '1' } } }),
      {
        cluster: { ...NO_CLUSTER, environment: { A: 'cluster', C: 'cluster' } },
      },
    );
    assert.deepEqual(byId(plan, 'aggregated-1').env, {
      SGLANG_HOST_IP: '<node1>',
      A: 'recipe',
      C: 'cluster',
      B: 'role',
      ID: 'w1 at <node1>, {other}',
    });
    assert.deepEqual(byId(plan, 'router-0').env, { A: 'recipe', C: 'cluster', B: 'recipe', R: '1' });
    assert.deepEqual(byId(plan, 'nginx').env, { A: 'cluster', C: 'cluster' });
  });

  it('binds the placeholders of mounts and keeps their options', () => {
    const plan = planned(recipeWith({ mounts: [{ host: '/data/{run_name}/{job_id}', container: '{log_dir}/x', options: 'ro' }] }), {
      cluster: { ...NO_CLUSTER, mounts: [{ host: '/lustre', container: '/lustre', options: null }], preamble: 'module load x' },
    });
    const mounts = byId(plan, 'decode-0').mounts;
    assert.ok(
      mounts.some(({ host, container, options }) => host === '/data/test/<job>' && container === '<run>/logs/x' && options === 'ro'),
    );
    assert.ok(mounts.some(({ host }) => host === '/lustre'));
    assert.equal(plan.preamble, 'module load x');
  });

  it('runs the setup script from a read-only mount, before anything else', () => {
    const recipe = recipeWith({ setupScript: '/home/me/set up.sh', backend: { type: 'sglang', sglangSourceDirectory: '/src' } });
    const { before, mounts } = byId(planned(recipe), 'prefill-0');
    assert.deepEqual(before[0]?.argv, ['bash', '/srtctl-setup/set up.sh']);
    assert.deepEqual(mounts.at(-1), { host: '/home/me/set up.sh', container: '/srtctl-setup/set up.sh', options: 'ro' });
    assert.equal(before.length, 2);
  });

  it('warns of two mounts at one place', () => {
    const mounts = [
      ['/data', '/x'],
      ['/data', '/x/'],
      ['/other', '/x'],
      ['/mine', '/model'],
      ['/mine', '/ext-sglang-src'],
    ].map(([host = '', container = '']) => ({ host, container, options: null }));
    const cluster = { ...NO_CLUSTER, mounts: [{ host: '/shared', container: '/x', options: null }] };
    const hidden = (local: boolean): readonly string[] =>
      planned(recipeWith({ mounts, frontend: { additional: 1 } }), { cluster, local }).warnings;
    assert.deepEqual(hidden(false), [
      'two mounts at /x, of which one will hide the other: /data and /other',
      'two mounts at /model, of which one will hide the other: /models/tiny and /mine',
    ]);
    assert.deepEqual(hidden(true), []);
  });

  it('makes relative paths absolute', () => {
    const recipe = recipeWith({
      setupScript: 'setup.sh',
      model: { path: './models/tiny', container: '../images/sglang.sqsh', precision: null },
      backend: { type: 'sglang', sglangSourceDirectory: 'sglang' },
      mounts: ['../data', 'name', '/abs', '{log_dir}'].map((host) => ({ host, container: '/x', options: null })),
    });
    const { before, container, mounts, argv } = byId(planned(recipe), 'prefill-0');
    assert.equal(container, '/home/images/sglang.sqsh');
    assert.deepEqual(
      mounts.map(({ host }) => host),
      ['/home/me/models/tiny', '<run>', '/home/data', 'name', '/abs', '<run>/logs', '/home/me/sglang', '/home/me/setup.sh'],
    );
    assert.equal(before[0]?.argv[1], '/srtctl-setup/setup.sh');
    assert.equal(argv[4], '/model/');
  });

  it('refuses flags of routers that the plan must set, and what cannot run', () => {
    assert.match(
      problemsOf(recipeWith({ frontend: { args: { port: 9000 } } }))[0] ?? '',
      /^frontend\.args\.port: --port is set by the plan/,
    );
    const flags = { 'grpc-mode': true, 'nccl-port': 'x' };
    const problems = problemsOf(recipeWith({ workers: [workerGroup('aggregated', 1, 1, { flags })] }));
    assert.match(problems[0] ?? '', /aggregated\.grpc-mode: the bundled router speaks HTTP/);
    assert.match(problems[1] ?? '', /aggregated\.nccl-port: got x, expected a port/);
    const bare = recipeWith({ model: { path: '/models/tiny', container: null, precision: null } });
    assert.deepEqual(
      planRecipe(bare, NO_CLUSTER, { local: false, directory: '/home/me' }).problems.map(({ path }) => path),
      ['model.container'],
    );
    assert.deepEqual(planRecipe(bare, { ...NO_CLUSTER, containerRuntime: 'none' }, { local: false, directory: '/home/me' }).problems, []);
  });

  it('refuses a port of metrics that is none', () => {
    const args: Flags = { 'prometheus-port': '29k' };
    assert.deepEqual(problemsOf(recipeWith({ frontend: { args, router: 'sglang_router' } })), [
      'frontend.args.prometheus-port: got "29k", expected a port from 1 to 65535',
    ]);
  });

  it('judges the flags of bundled routers before anything starts, and leaves those of sglang_router alone', () => {
    const args: Flags = { polcy: 'random', policy: 'nosuch', 'cache-threshold': 3, 'log-level': 'warn' };
    const withRouter = (router: 'bundled' | 'sglang_router'): Recipe =>
      recipeWith({ workers: [workerGroup('aggregated', 2, 2)], frontend: { args, router, environment: { SGLANG_ROUTER_POLICY: 'none' } } });
    const found = problemsOf(withRouter('bundled'));
    assert.deepEqual(
      found.map((text) => text.split(': the bundled router expects ')[0]).sort(),
      [
        'frontend.args.cache-threshold: --cache-threshold "3"',
        'frontend.args.policy: --policy "nosuch"',
        'frontend.args.polcy: --polcy',
        'frontend.env.SGLANG_ROUTER_POLICY: --policy "none"',
      ].sort(),
    );
    const { problems } = planRecipe(withRouter('bundled'), NO_CLUSTER, { local: true, directory: '/home/me' });
    assert.equal(problems.find(({ path }) => path.endsWith('polcy'))?.suggestion, 'did you mean --policy?');
    assert.ok(byId(planned(withRouter('sglang_router')), 'router-0').argv.includes('--polcy'));
  });

  it('warns of flags that bundled routers take without effect, and refuses those with which they only answer', () => {
    const withArgs = (args: Flags): Recipe => recipeWith({ frontend: { args } });
    assert.match(planned(withArgs({ 'retry-max-retries': 5 })).warnings.at(-1) ?? '', /^routers: --retry-max-retries: retries/);
    assert.deepEqual(problemsOf(withArgs({ version: true })), ['frontend.args.version: routers would answer and end']);
    assert.ok(byId(planned(withArgs({ config: '/etc/router.yaml', polcy: 1 })), 'router-0').argv.includes('--config'));
  });

  it('refuses paths that no container can mount', () => {
    const recipe = recipeWith({ model: { path: '/models/a:b', container: 'x', precision: null }, setupScript: '/home/me/a,b.sh' });
    const { problems } = planRecipe(recipe, NO_CLUSTER, { local: false, directory: '/' });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['model.path', 'setup_script'],
    );
    assert.deepEqual(planRecipe(recipe, NO_CLUSTER, { local: true, directory: '/' }).problems, []);
  });

  it('speaks gRPC to workers when sglang_router is to', () => {
    const workers = [workerGroup('aggregated', 1, 1, { flags: { 'grpc-mode': true } })];
    const plan = planned(recipeWith({ workers, frontend: { router: 'sglang_router' } }));
    assert.ok(byId(plan, 'router-0').argv.includes('grpc://<node0>:30000'));
    assert.deepEqual(byId(plan, 'aggregated-0').ready, { kind: 'tcp', host: '<node0>', port: 30_000 });
  });
});

describe('the path of the model', () => {
  const asked = (path: string, flags: Flags, local: boolean): readonly [path: string | undefined, mounts: readonly string[]] => {
    const recipe = recipeWith({
      workers: [workerGroup('aggregated', 1, 1, { flags })],
      model: { path, container: 'sglang', precision: null },
    });
    const { argv, mounts } = byId(planned(recipe, { local }), 'aggregated-0');
    return [argv[argv.indexOf('--model-path') + 1], mounts.filter(({ container }) => container === '/model/').map(({ host }) => host)];
  };

  it('is /model/ in containers, or what the recipe says below it or elsewhere', () => {
    assert.deepEqual(asked('/models/a', {}, false), ['/model/', ['/models/a']]);
    assert.deepEqual(asked('/models/a', { 'model-path': '/model' }, false), ['/model/', ['/models/a']]);
    assert.deepEqual(asked('/models/a', { 'model-path': '/model/sub' }, false), ['/model/sub', ['/models/a']]);
    assert.deepEqual(asked('/models/a', { 'model-path': '/lustre/b' }, false), ['/lustre/b', ['/models/a']]);
  });

  it('is that of the host without containers', () => {
    assert.deepEqual(asked('/models/a', { 'model-path': '/model/' }, true), ['/models/a', []]);
    assert.deepEqual(asked('/models/a/', { 'model-path': '/model/sub' }, true), ['/models/a/sub', []]);
  });

  it('is the name at the hub for hf: models, which are mounted nowhere', () => {
    assert.deepEqual(asked('hf:org/name', { 'model-path': '/model/' }, false), ['org/name', []]);
    const plan = planned(recipeWith({ model: { path: 'hf:org/name', container: 'sglang', precision: null } }));
    assert.equal(plan.model, 'org/name');
  });

  it('gives the model its last part as name, unless a role names it', () => {
    assert.equal(planned(recipeWith({ model: { path: '/models/Some-Model', container: 'x', precision: null } })).model, 'Some-Model');
    const named = recipeWith({
      workers: [workerGroup('prefill', 1, 1), workerGroup('decode', 1, 1, { flags: { 'served-model-name': 'mine' } })],
    });
    assert.equal(planned(named).model, 'mine');
    assert.match(byId(planned(named), 'prefill-0').argv.join(' '), /--served-model-name mine/);
  });
});

describe('a benchmark of the recipe', () => {
  const custom = (container: string | null): Recipe => ({
    ...completeExample(),
    benchmark: {
      type: 'custom',
      command: 'run "$SRT_FRONTEND_HOST" | tee x',
      container,
      environment: { SRT_FRONTEND_PORT: '1', MINE: '{node}' },
    },
  });

  it('is a command for bash, in a container of its own, and finds the fleet in its environment', () => {
    const { argv, container, env, mounts, ready } = byId(planned(custom('bench-image')), 'benchmark');
    assert.deepEqual(argv, ['bash', '-lc', 'run "$SRT_FRONTEND_HOST" | tee x']);
    assert.equal(container, 'bench-image');
    assert.deepEqual(
      mounts.map(({ container: inside }) => inside),
      ['/model/', '<run>'],
    );
    assert.deepEqual(env, {
      SRT_FRONTEND_HOST: '<node0>',
      SRT_FRONTEND_PORT: '1',
      SRTCTL_FRONTEND_TYPE: 'sglang',
      SRT_PREFILL_IPS: '<node0>,<node1>',
      SRT_PREFILL_ENDPOINTS: '<node0>:30000,<node1>:30000',
      SRT_DECODE_IPS: '<node2>,<node3>',
      SRT_DECODE_ENDPOINTS: '<node2>:30000,<node3>:30000',
      MINE: '<node0>',
    });
    assert.deepEqual(ready, { kind: 'exit' });
  });

  it("takes the model's container when it names none, and no container where there are none", () => {
    assert.equal(byId(planned(custom(null)), 'benchmark').container, 'sglang-latest');
    const { container, mounts } = byId(planned(custom('bench-image'), { local: true }), 'benchmark');
    assert.deepEqual([container, mounts], [null, []]);
  });

  it('brings the key that the workers ask for, and its own if it has one', () => {
    const withKey = (environment: Readonly<Record<string, string>>): string | undefined => {
      const recipe = completeExample();
      assert.equal(recipe.benchmark.type, 'sa-bench');
      const workers = recipe.workers.map((group) => ({ ...group, flags: { ...group.flags, 'api-key': 'of-workers' } }));
      return byId(planned({ ...recipe, workers, benchmark: { ...recipe.benchmark, environment } }), 'benchmark').env['SRTCTL_API_KEY'];
    };
    assert.equal(withKey({}), 'of-workers');
    assert.equal(withKey({ SRTCTL_API_KEY: 'own' }), 'own');
    assert.equal(byId(planned(completeExample()), 'benchmark').env['SRTCTL_API_KEY'], undefined);
  });

  it('is absent from a fleet that serves until it is cancelled', () => {
    const plan = planned(recipeWith());
    assert.equal(plan.benchmark, null);
    assert.ok(plan.processes.every(({ role }) => role !== 'benchmark'));
  });
});

describe('simulated engines', () => {
  it('run by the Node of srtctl, on the host, with the same flags', () => {
    const plan = planned({ ...completeExample(), backend: { type: 'sim', sglangSourceDirectory: null } });
    const { argv, container, mounts, before } = byId(plan, 'prefill-0');
    assert.equal(
      argv.join(' '),
      '<node-binary> <package>/dist/bin/sim.js --ignore-unknown --model-path deepseek-r1-fp4 --served-model-name deepseek-r1-fp4 --disaggregation-mode prefill ' +
        '--disaggregation-bootstrap-port 30001 --tensor-parallel-size 4 --disaggregation-transfer-backend nixl --host <node0> --port 30000',
    );
    assert.deepEqual([container, mounts, before], [null, [], []]);
  });
});

describe('Dynamo mode', () => {
  const recipe: Recipe = {
    ...completeExample(),
    mode: 'dynamo',
    dynamo: { ...recipeWith().dynamo, version: '1.6.1' },
  };
  const plan = planned(recipe);

  it('plans etcd and NATS first, frontends in the place of routers, and workers that find them', () => {
    assert.deepEqual(
      plan.processes.map(({ id, node, tier }) => `${id} ${node} ${tier}`),
      [
        'etcd n0 0',
        'nats n0 0',
        'nginx n0 3',
        'frontend-0 n0 2',
        'frontend-1 n1 2',
        'frontend-2 n2 2',
        'frontend-3 n3 2',
        'prefill-0 n0 1',
        'prefill-1 n1 1',
        'decode-0 n2 1',
        'decode-1 n3 1',
        'benchmark n0 4',
      ],
    );
    const worker = byId(plan, 'decode-1');
    assert.deepEqual(worker.argv.slice(0, 3), ['python3', '-m', 'dynamo.sglang']);
    assertHolds(worker.env, {
      ETCD_ENDPOINTS: 'http://<node0>:2379',
      NATS_SERVER: 'nats://<node0>:4222',
      DYN_EVENT_PLANE: 'nats',
      DYN_SYSTEM_PORT: '7500',
      DYN_SYSTEM_HOST: '<node3>',
    });
    assert.deepEqual(
      worker.before.map(({ argv }) => argv.join(' ')),
      ['pip install ai-dynamo-runtime==1.6.1 ai-dynamo==1.6.1'],
    );
    assert.deepEqual(worker.ready, { kind: 'dynamo-worker', url: 'http://<node3>:7500', endpoints: ['generate'] });
  });

  it('lets no process listen anywhere but on its node, and no variable of the user lead it to another etcd', () => {
    for (const id of ['frontend-1', 'prefill-1'])
      assertHolds(byId(plan, id).env, {
        DYN_TCP_RPC_HOST: '<node1>',
        DYN_TCP_RESPONSE_STREAM_HOST: '<node1>',
        DYN_EVENT_PLANE_HOST: '<node1>',
        DYN_EVENT_PLANE: 'nats',
        DYN_DISCOVERY_BACKEND: 'etcd',
        DYN_NAMESPACE: '<namespace>',
      });
    assert.ok(!JSON.stringify(plan.processes).includes('0.0.0.0'));
  });

  it('keeps the data of etcd and NATS in the scratch folder of the run, which begins and ends without it', () => {
    for (const [id, flag] of [
      ['etcd', '--data-dir'],
      ['nats', '-sd'],
    ] as const) {
      const { argv } = byId(plan, id);
      assert.equal(argv[argv.indexOf(flag) + 1], `<run>/scratch/${id}`);
    }
  });

  it('lets workers drain for less than the teardown allows, and notices a lost etcd by the lease', () => {
    const { env } = byId(plan, 'decode-0');
    const seconds = (name: string): number => Number(env[name]);
    assert.ok(seconds('DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS') * 1000 < GRACE_MS[TIERS.workers]!);
    const keepalive = seconds('ETCD_KEEPALIVE_INTERVAL_SECONDS') + seconds('ETCD_KEEPALIVE_TIMEOUT_SECONDS');
    assert.ok(keepalive >= 10 && keepalive < seconds('ETCD_LEASE_TTL'), `${keepalive}`);
  });

  it('takes other ports where the recipe has them, and finds what meets on one', () => {
    const moved = planned({ ...recipe, dynamo: { ...recipe.dynamo, etcdPort: 2479, natsPort: 4322, workerPort: 7600 } });
    assert.deepEqual(byId(moved, 'etcd').ports, { client: 2479, peer: 2480 });
    assert.deepEqual(byId(moved, 'nats').ports, { client: 4322, monitor: 8322 });
    assert.deepEqual(byId(moved, 'decode-0').ports['system'], 7600);
    assertHolds(byId(moved, 'frontend-3').env, { ETCD_ENDPOINTS: 'http://<node0>:2479', NATS_SERVER: 'nats://<node0>:4322' });
    const [problem = ''] = problemsOf({ ...recipe, dynamo: { ...recipe.dynamo, etcdPort: 8000 } });
    assert.match(problem, /etcd \(clients\) and nginx \(public\) would both listen on port 8000/);
  });

  it('counts aggregated workers where decode workers are counted', () => {
    const plan = planned(recipeWith({ mode: 'dynamo', workers: [workerGroup('aggregated', 2, 2)] }));
    const { ready } = byId(plan, 'frontend-1');
    assert.ok(ready.kind === 'frontend');
    assert.deepEqual([ready.prefill, ready.decode], [0, 2]);
  });

  it('counts workers at every frontend', () => {
    assert.deepEqual(byId(plan, 'frontend-2').ready, {
      kind: 'frontend',
      url: 'http://<node2>:30080',
      model: 'deepseek-r1-fp4',
      namespace: '<namespace>',
      prefill: 2,
      decode: 2,
    });
    assert.ok(!byId(plan, 'frontend-2').argv.some((word) => word.includes(':30000')), 'a frontend needs no list of workers');
  });

  it('uses the mocker for simulated engines', () => {
    const mocked = planned({ ...recipe, backend: { type: 'sim', sglangSourceDirectory: null } }, { local: true });
    assert.equal(
      byId(mocked, 'prefill-1').argv.join(' '),
      'python3 -m dynamo.mocker --model-path <package>/dist/tiny-model --model-name deepseek-r1-fp4 --engine-type sglang --disaggregation-mode prefill --num-gpu-blocks-override 1000000',
    );
    assert.deepEqual(byId(mocked, 'prefill-1').before, []);
    assertHolds(byId(mocked, 'frontend-0').env, { HOME: '<run>/scratch/home', HF_HUB_OFFLINE: '1' });
    assert.equal(byId(plan, 'frontend-0').env['HOME'], undefined, 'a real model may be in the cache of the user');
  });

  it('gives each mocker a bootstrap port of its own across all nodes, and waits for what shows that it has it', () => {
    const workers = [
      workerGroup('prefill', 2, 2, { gpusPerWorker: 1, flags: { 'bootstrap-ports': 31_000 } }),
      workerGroup('decode', 1, 1, { gpusPerWorker: 1 }),
    ];
    const mocked = planned(
      recipeWith({
        mode: 'dynamo',
        backend: { type: 'sim', sglangSourceDirectory: null },
        workers,
        dynamo: { ...recipe.dynamo, mockerModel: './tokenizer' },
      }),
      { local: true },
    );
    const ports = ['prefill-0', 'prefill-1'].map((id) => byId(mocked, id).ports['bootstrap']);
    assert.deepEqual(ports, [31_000, 31_001]);
    assert.match(byId(mocked, 'prefill-1').argv.join(' '), /--model-path \/[^ ]*\/?tokenizer .*--bootstrap-ports 31001/);
    assert.deepEqual(byId(mocked, 'prefill-1').ready, {
      kind: 'dynamo-worker',
      url: 'http://<node1>:7500',
      endpoints: ['generate', 'worker_kv_query_source_'],
    });
    assert.equal(byId(mocked, 'decode-0').ports['bootstrap'], undefined);
  });
});
