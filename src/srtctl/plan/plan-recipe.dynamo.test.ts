import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertHolds, byId, planned, problemsOf } from '../../../test/support/planned.ts';
import { completeExample, recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { GRACE_MS } from '../supervise/tear-down.ts';
import { TIERS } from './plan.ts';

describe('Dynamo mode', () => {
  const recipe: Recipe = {
    ...completeExample(),
    mode: 'dynamo',
    dynamo: { ...recipeWith().dynamo, install: { kind: 'version', version: '1.6.1', isDefault: false } },
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
