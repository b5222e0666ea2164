// Services and host_setup: what the plan makes of them, what is refused, and a run with both on this machine.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Plan } from '../src/srtctl/plan/plan.ts';
import { planRecipe } from '../src/srtctl/plan/plan-recipe.ts';
import { loadRecipe } from '../src/srtctl/recipe/load/load-recipe.ts';
import { NO_CLUSTER } from '../src/srtctl/recipe/resolve/cluster.ts';
import { formatProblem } from '../src/srtctl/recipe/text/problem.ts';
import { byId } from './support/planned.ts';
import { startRun } from './support/small-fleet.ts';

const FLEET = `schema: 2
name: services
model: {path: /models/m, container: image:1}
resources: {gpus_per_node: 4}
frontend: {type: sglang-router}
engine: sglang
roles:
  prefill: {nodes: 2, workers: 2, gpus: 4, args: {tp-size: 4}}
  decode: {nodes: 1, workers: 1, gpus: 4, args: {tp-size: 4}}
environment: {FLEET: "1"}
`;

function planOf(more: string): { readonly plan: Plan; readonly warnings: readonly string[] } {
  const { recipes, problems, warnings } = loadRecipe(`${FLEET}${more}`, 'r.yaml');
  assert.deepEqual(problems.map(formatProblem), []);
  const { plan, problems: planProblems } = planRecipe(recipes[0]!, NO_CLUSTER, { local: false, directory: '/home/me' });
  assert.deepEqual(planProblems, []);
  return { plan: plan!, warnings: [...warnings.map(formatProblem), ...plan!.warnings] };
}

const problemsOf = (more: string): readonly string[] => loadRecipe(`${FLEET}${more}`, 'r.yaml').problems.map(formatProblem);

describe('services', () => {
  test('run on the nodes of their role, before the workers or with the entrance, and wait for what they name', () => {
    const { plan } = planOf(`services:
  - name: store
    command: [store, --port, "7000"]
    container: store:1
    placement: {node: prefill}
    start: before_workers
    critical: true
    env: {SIZE: 4gb, AT: "{node}"}
    preamble: ulimit -n 1024
    readiness: {log: {pattern: "ready .*"}, timeout_seconds: 600}
  - name: viewer
    command: [python3, -m, http.server, "9911"]
    readiness: {http: {port: 9911, path: /}}
`);
    const stores = ['service-store-0', 'service-store-1'].map((id) => byId(plan, id));
    assert.deepEqual(
      stores.map(({ node, tier, container, critical }) => [node, tier, container, critical]),
      [
        ['n0', 0, 'store:1', true],
        ['n1', 0, 'store:1', true],
      ],
    );
    assert.deepEqual(stores[1]?.argv, ['bash', '-c', '{\nulimit -n 1024\n} && exec "$@"', 'bash', 'store', '--port', '7000']);
    assert.deepEqual(stores[1]?.env, { SIZE: '4gb', AT: '<node1>' });
    assert.deepEqual(stores[0]?.ready, { kind: 'log', pattern: 'ready .*' });
    const viewer = byId(plan, 'service-viewer');
    assert.deepEqual([viewer.node, viewer.tier, viewer.critical, viewer.container], ['n0', 3, false, 'image:1']);
    assert.deepEqual(viewer.ready, { kind: 'http', url: 'http://<node0>:9911/', run: null });
    assert.equal(plan.healthCheck.timeoutMs, 1_800_000 + 600_000);
  });

  test('learn where etcd, NATS and the Mooncake master are', () => {
    const { plan } = planOf(`services:
  - {name: etcd, type: etcd, readiness: {port: 2379, timeout_seconds: 1200}}
  - {name: mooncake-master, type: mooncake-master}
  - {name: kv, type: mooncake-store}
  - {name: dcgm, type: dcgm-exporter}
`);
    assert.deepEqual(byId(plan, 'service-kv-2').argv, ['python3', '-m', 'mooncake.mooncake_store_service']);
    assert.equal(byId(plan, 'service-kv-2').env['MOONCAKE_MASTER'], '<node0>:8700');
  });

  test('of each worker see its GPUs and know who it is; others know their nodes', () => {
    const halves = FLEET.replace(
      '{nodes: 2, workers: 2, gpus: 4, args: {tp-size: 4}}',
      '{nodes: 1, workers: 2, gpus: 2, args: {tp-size: 2}}',
    );
    const { recipes, problems } = loadRecipe(
      `${halves}services:
  - name: cache
    command: [cache, "{worker_role}-{worker_index}.{worker_node_rank}", "{worker_gpus} {worker_gpu_count}"]
    placement: {node: prefill, per: worker}
    start: before_workers
    readiness: {log: {pattern: ready}}
  - {name: ring, command: [ring, "{index}/{pool_node_count}", "{pool_ip}", "{role} {device_uuid}"], placement: {node: all}, start: with_workers}
benchmark: {type: custom, command: x, placement: {node: dedicated}}
`,
      'r.yaml',
    );
    assert.deepEqual(problems, []);
    const { plan } = planRecipe(recipes[0]!, NO_CLUSTER, { local: false, directory: '/home/me' });
    const caches = ['service-cache-prefill-0', 'service-cache-prefill-1'].map((id) => byId(plan!, id));
    assert.deepEqual(
      caches.map(({ node, tier, argv, env }) => [node, tier, argv[1], argv[2], env['CUDA_VISIBLE_DEVICES']]),
      [
        ['n0', 0, 'prefill-0.0', '0,1 2', '0,1'],
        ['n0', 0, 'prefill-1.0', '2,3 2', '2,3'],
      ],
    );
    const rings = ['service-ring-0', 'service-ring-1', 'service-ring-2'].map((id) => byId(plan!, id));
    assert.deepEqual(
      rings.map(({ node, tier, argv }) => [node, tier, ...argv.slice(1)]),
      [
        ['n0', 1, '0/3', '<node0>', 'all {device_uuid}'],
        ['n1', 1, '1/3', '<node0>', 'all {device_uuid}'],
        ['client', 1, '2/3', '<node0>', 'all {device_uuid}'],
      ],
    );
  });

  test('that would be another run are refused by name', () => {
    const cases: readonly (readonly [service: string, problem: RegExp])[] = [
      ['{name: a, command: [x], source: {git: g}}', /services\.0\.source: not available: srtctl clones and builds nothing/],
      ['{name: a, command: [x], placement: {per: worker}}', /services\.0\.placement\.per: got worker, which needs workers on its node/],
      [
        '{name: a, command: [x], placement: {node: prefill, per: worker}, readiness: {port: 80}}',
        /services\.0\.readiness: a service of each/,
      ],
      ['{name: a, comand: [x]}', /services\.0\.comand: unknown key "comand" of a service/],
      ['{name: a}', /services\.0: "a" has no command/],
      ['{command: [x]}', /services\.0\.name: is missing, expected a name/],
      ['{name: a, command: [x], readiness: {log: {pattern: "("}}}', /pattern: got "\(", expected a regular expression/],
      ['{name: a, type: mooncake-store}', /"a" is a mooncake-store, and there is no mooncake-master/],
    ];
    for (const [service, problem] of cases) assert.match(problemsOf(`services: [${service}]\n`).join('\n'), problem);
  });
});

describe('host_setup', () => {
  test('runs on every node, or on those with workers', () => {
    const ids = (more: string): readonly string[] =>
      planOf(more).plan.processes.flatMap(({ id }) => (id.startsWith('host-setup') ? [id] : []));
    assert.deepEqual(ids('host_setup: {commands: ["true"]}\nbenchmark: {type: custom, command: x, placement: {node: dedicated}}\n'), [
      'host-setup-n0',
      'host-setup-n1',
      'host-setup-n2',
      'host-setup-client',
    ]);
    assert.deepEqual(
      ids('host_setup: {commands: ["true"], nodes: workers}\nbenchmark: {type: custom, command: x, placement: {node: dedicated}}\n'),
      ['host-setup-n0', 'host-setup-n1', 'host-setup-n2'],
    );
    assert.deepEqual(ids('host_setup: {commands: []}\n'), []);
  });
});

const LOCAL = `name: sides
model: {path: tiny}
resources: {gpus_per_node: 1, agg_nodes: 1, agg_workers: 1}
backend: {type: sim, use_sglang_router: true, enable_multiple_frontends: false}
health_check: {interval_seconds: 1, max_attempts: 60}
benchmark: {type: custom, command: "cat $FILE.setup && echo benchmark >> $FILE"}
`;

async function runLocal(
  t: Parameters<typeof startRun>[0],
  more: (file: string) => string,
): Promise<{ outcome: string; summary: string; said: string }> {
  const file = join(process.cwd(), `.build/sides-${process.pid}-${Math.abs(hash(t.name))}`);
  t.after(() => Promise.all([rm(file, { force: true }), rm(`${file}.setup`, { force: true })]));
  const { recipes, problems } = loadRecipe(`${LOCAL}environment: {FILE: "${file}"}\n${more(file)}`, 'r.yaml');
  assert.deepEqual(problems.map(formatProblem), []);
  const { plan } = planRecipe(recipes[0]!, NO_CLUSTER, { local: true, directory: '/home/me' });
  const { outcome, report } = await (await startRun(t, plan!)).result;
  return { outcome, summary: report?.summary ?? '', said: await readFile(file, 'utf8').catch(() => '') };
}

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);
}

describe('a run with sides', { concurrency: 2 }, () => {
  test('sets the host up first, starts services in their order, and tears the host down last', async (t) => {
    const { outcome, summary, said } = await runLocal(
      t,
      (file) => `host_setup: {commands: ["touch ${file}.setup"], teardown: ["echo teardown >> ${file}"]}
services:
  - {name: early, start: before_workers, command: [bash, -c, "echo early >> ${file}; echo is ready; exec sleep 1000"], readiness: {log: {pattern: "^is ready$"}}}
  - {name: late, command: [bash, -c, "echo late >> ${file}"]}
`,
    );
    assert.equal(outcome, 'ok', summary);
    assert.deepEqual(said.trim().split('\n'), ['early', 'late', 'benchmark', 'teardown']);
  });

  test('does not start when the setup of a host fails, and tears it down', async (t) => {
    const { outcome, summary, said } = await runLocal(
      t,
      (file) => `host_setup: {commands: ["exit 3"], teardown: ["echo teardown >> ${file}"]}\n`,
    );
    assert.equal(outcome, 'start', summary);
    assert.match(summary, /host-setup-n0 on n0 exited with status 3 before it was ready/);
    assert.equal(said.trim(), 'teardown');
  });

  test('ends with a critical service', async (t) => {
    const { outcome, summary } = await runLocal(
      t,
      () =>
        'services: [{name: side, critical: true, start: before_workers, command: [bash, -c, "sleep 1; exit 5"], readiness: {log: {pattern: never}}}]\n',
    );
    assert.equal(outcome, 'start');
    assert.match(summary, /service-side on n0 .*5/);
  });
});
