import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertHolds, byId, planned, problemsOf } from '../../../test/support/planned.ts';
import { completeExample, recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import { SETTINGS } from '../../router/config/schema.ts';
import type { Flags, Recipe } from '../recipe/resolve/recipe.ts';

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
    assert.equal(plan.model, 'name');
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
      ['/model/', '<run>', '/logs'],
    );
    assert.deepEqual(env, {
      SRT_FRONTEND_HOST: '<node0>',
      SRT_FRONTEND_PORT: '1',
      SRT_FRONTEND_URL: 'http://<node0>:8000',
      SRTCTL_FRONTEND_TYPE: 'sglang',
      SRT_PREFILL_IPS: '<node0>,<node1>',
      SRT_PREFILL_ENDPOINTS: '<node0>:30000,<node1>:30000',
      SRT_DECODE_IPS: '<node2>,<node3>',
      SRT_DECODE_ENDPOINTS: '<node2>:30000,<node3>:30000',
      MINE: '<node0>',
    });
    assert.deepEqual(ready, { kind: 'exit' });
  });

  it('may find the endpoint at localhost', () => {
    const asked = (command: string, options = {}): string | undefined => {
      const recipe = custom(null);
      assert.ok(recipe.benchmark.type === 'custom');
      const plan = planned({ ...recipe, benchmark: { ...recipe.benchmark, command } }, options);
      return byId(plan, 'nginx').files[0]?.content.match(/listen (\S+) /)?.[1];
    };
    assert.equal(asked('curl http://localhost:8000'), '0.0.0.0:8000');
    assert.equal(asked('bash /infmax-workspace/agentic.sh'), '0.0.0.0:8000');
    assert.equal(asked('curl $SRT_FRONTEND_URL'), '<node0>:8000');
    assert.equal(asked('curl http://localhost:8000', { local: true }), '<node0>:8000');
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
