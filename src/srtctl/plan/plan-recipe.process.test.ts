import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byId, planned, problemsOf } from '../../../test/support/planned.ts';
import { recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import type { Benchmark, Flags, Recipe } from '../recipe/resolve/recipe.ts';
import { planRecipe } from './plan-recipe.ts';

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
    const recipe = recipeWith({
      setupScript: { host: '/home/me/set up.sh', inConfigs: null, name: 'set up.sh' },
      backend: { type: 'sglang', sglangSourceDirectory: '/src' },
    });
    const { before, mounts } = byId(planned(recipe), 'prefill-0');
    assert.deepEqual(before[0]?.argv, ['bash', '/srtctl-setup/set up.sh']);
    assert.deepEqual(mounts.at(-1), { host: '/home/me', container: '/srtctl-setup', options: 'ro' });
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
      setupScript: { host: 'setup.sh', inConfigs: null, name: 'setup.sh' },
      model: { path: './models/tiny', container: '../images/sglang.sqsh', precision: null },
      backend: { type: 'sglang', sglangSourceDirectory: 'sglang' },
      mounts: ['../data', 'name', '/abs', '{log_dir}'].map((host) => ({ host, container: '/x', options: null })),
    });
    const { before, container, mounts, argv } = byId(planned(recipe), 'prefill-0');
    assert.equal(container, '/home/images/sglang.sqsh');
    assert.deepEqual(
      mounts.map(({ host }) => host),
      ['/home/me/models/tiny', '<run>', '<run>/logs', '/home/data', 'name', '/abs', '<run>/logs', '/home/me/sglang', '/home/me'],
    );
    assert.equal(before[0]?.argv[1], '/srtctl-setup/setup.sh');
    assert.equal(argv[4], '/model/');
  });

  it('makes traces absolute, but neither URLs nor names of published ones', () => {
    const shown = (type: 'trace-replay' | 'mooncake-router', trace: string): string => {
      const benchmark: Benchmark = {
        type,
        trace,
        concurrencies: [],
        goodTtftMs: 1,
        goodItlMs: 1,
        aiperf: null,
        container: null,
        environment: {},
      };
      const { argv } = byId(planned(recipeWith({ benchmark })), 'benchmark');
      return argv[argv.indexOf('--trace') + 1] ?? '';
    };
    assert.equal(shown('trace-replay', 'trace.jsonl'), '/home/me/trace.jsonl');
    assert.equal(shown('trace-replay', '../traces/a.jsonl'), '/home/traces/a.jsonl');
    assert.equal(shown('trace-replay', '/traces/a.jsonl'), '/traces/a.jsonl');
    assert.equal(shown('trace-replay', 'https://a.example/b.jsonl'), 'https://a.example/b.jsonl');
    assert.match(shown('mooncake-router', 'conversation'), /^https:.*conversation_trace\.jsonl$/);
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

  it('never gives sglang_router a policy that it does not have', () => {
    for (const flag of ['policy', 'prefill-policy', 'decode-policy']) {
      const withRouter = (router: 'bundled' | 'sglang_router'): Recipe =>
        recipeWith({ frontend: { args: { [flag]: 'least_wait' }, router } });
      assert.deepEqual(problemsOf(withRouter('sglang_router')), [`frontend.args.${flag}: sglang_router has no policy least_wait`]);
    }
    assert.ok(byId(planned(recipeWith({ frontend: { args: { policy: 'least_wait' } } })), 'router-0').argv.includes('least_wait'));
  });

  it('warns of flags that bundled routers take without effect, and refuses those with which they only answer', () => {
    const withArgs = (args: Flags): Recipe => recipeWith({ frontend: { args } });
    assert.match(planned(withArgs({ 'model-path': 'x' })).warnings.at(-1) ?? '', /^routers: --model-path: has no effect/);
    assert.deepEqual(problemsOf(withArgs({ version: true })), ['frontend.args.version: routers would answer and end']);
    assert.ok(byId(planned(withArgs({ config: '/etc/router.yaml', polcy: 1 })), 'router-0').argv.includes('--config'));
  });

  it('refuses paths that no container can mount', () => {
    const recipe = recipeWith({
      model: { path: '/models/a:b', container: 'x', precision: null },
      setupScript: { host: '/home/me/a,b.sh', inConfigs: null, name: 'a,b.sh' },
    });
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
