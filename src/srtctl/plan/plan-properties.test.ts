// What holds for every plan, whatever the recipe.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import { Stopwatch } from '../../../test/support/stopwatch.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import type { Recipe, WorkerGroup, WorkerRole } from '../recipe/resolve/recipe.ts';
import { type Plan, TIERS } from './plan.ts';
import { planRecipe } from './plan-recipe.ts';

const GPUS_PER_NODE = 8;

/** A group that fits its nodes: a worker of whole nodes, or several workers on each node. */
function fittingGroup(role: WorkerRole): fc.Arbitrary<WorkerGroup> {
  const large = fc
    .record({ workers: fc.integer({ min: 1, max: 5 }), span: fc.integer({ min: 1, max: 4 }), spare: fc.integer({ min: 0, max: 2 }) })
    .map(({ workers, span, spare }) => workerGroup(role, workers * span + spare, workers, { gpusPerWorker: span * GPUS_PER_NODE }));
  const small = fc
    .record({
      nodes: fc.integer({ min: 1, max: 5 }),
      gpus: fc.integer({ min: 1, max: 8 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ nodes, gpus, share }) => {
      const most = nodes * Math.floor(GPUS_PER_NODE / gpus);
      return workerGroup(role, nodes, Math.max(1, Math.round(most * share)), { gpusPerWorker: gpus });
    });
  return fc.oneof(large, small);
}

const fleets: fc.Arbitrary<readonly WorkerGroup[]> = fc.oneof(
  fc.tuple(fittingGroup('prefill'), fittingGroup('decode')),
  fc.tuple(fittingGroup('aggregated')),
);

const recipes: fc.Arbitrary<Recipe> = fc
  .record({
    workers: fleets,
    additional: fc.integer({ min: 0, max: 30 }),
    multiple: fc.boolean(),
    spread: fc.constantFrom('ceiling' as const, 'even' as const),
    mode: fc.constantFrom('router' as const, 'dynamo' as const),
    type: fc.constantFrom('sglang' as const, 'sim' as const),
    router: fc.constantFrom('bundled' as const, 'sglang_router' as const),
  })
  .map(({ workers, additional, multiple, spread, mode, type, router }) =>
    recipeWith({
      workers,
      mode,
      backend: { type, sglangSourceDirectory: null },
      frontend: { additional, multiple, spread, router },
      resources: { gpusPerNode: GPUS_PER_NODE },
    }),
  );

function planned(recipe: Recipe, local: boolean): Plan {
  const { plan, problems } = planRecipe(recipe, NO_CLUSTER, { local, directory: '/home/me' });
  assert.deepEqual(problems, []);
  return plan ?? assert.fail('no plan and no problem');
}

function holds(check: (plan: Plan, recipe: Recipe) => void): void {
  fc.assert(
    fc.property(recipes, fc.boolean(), (recipe, local) => check(planned(recipe, local), recipe)),
    { numRuns: 300 },
  );
}

function assertUnique(values: readonly string[], what: string): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  assert.equal(twice, undefined, `${what} ${twice} is used twice`);
}

describe('every plan', () => {
  it('uses a GPU at most once, and none that its node has not', () => {
    holds(({ processes }) => {
      assertUnique(
        processes.flatMap(({ node, gpus }) => gpus.map((gpu) => `${node}:${gpu}`)),
        'GPU',
      );
      for (const { gpus } of processes) assert.ok(gpus.every((gpu) => gpu >= 0 && gpu < GPUS_PER_NODE));
    });
  });

  it('gives each worker the GPUs that it asks for, equally on each of its nodes', () => {
    holds(({ processes }, { workers }) => {
      for (const { role, workers: count, gpusPerWorker } of workers)
        for (let index = 0; index < count; index++) {
          const ranks = processes.filter((process) => process.role === role && process.worker === index);
          assert.equal(
            ranks.reduce((sum, { gpus }) => sum + gpus.length, 0),
            gpusPerWorker,
          );
          assert.equal(new Set(ranks.map(({ gpus }) => gpus.length)).size, 1);
          assert.deepEqual(
            ranks.map(({ rank }) => rank),
            ranks.map((_, rank) => rank),
          );
        }
    });
  });

  it('gives every process of a node ports of its own', () => {
    holds(({ processes }) => {
      assertUnique(
        processes.flatMap(({ node, ports }) => Object.values(ports).map((port) => `${node}:${port}`)),
        'port',
      );
    });
  });

  it('gives every NCCL port once in the whole plan, since it is bound on all addresses', () => {
    holds(({ processes }) => {
      assertUnique(
        processes.flatMap(({ ports }) => ('nccl' in ports ? [String(ports['nccl'])] : [])),
        'NCCL port',
      );
    });
  });

  it('names every worker in the command line and the readiness of every router, in router mode', () => {
    holds(({ processes }, { mode }) => {
      const leaders = processes.filter(({ tier, rank }) => tier === TIERS.workers && rank === 0);
      const routers = processes.filter(({ role }) => role === 'router');
      assert.equal(routers.length > 0, mode === 'router');
      for (const { argv, ready } of routers) {
        assert.ok(ready.kind === 'router');
        const urls = leaders.map(({ node, ports }) => `http://<node${node.slice(1)}>:${ports['http']}`);
        assert.deepEqual([...ready.workers].sort(), [...urls].sort());
        for (const [index, leader] of leaders.entries()) {
          const at = argv.indexOf(urls[index]!);
          if (leader.role === 'prefill') assert.deepEqual([argv[at - 1], argv[at + 1]], ['--prefill', String(leader.ports['bootstrap'])]);
          else if (leader.role === 'decode') assert.equal(argv[at - 1], '--decode');
          else assert.ok(at > argv.indexOf('--worker-urls'));
        }
      }
    });
  });

  it('gives every process an id and a log of its own, a node of the plan, and a tier', () => {
    holds(({ nodes, processes }) => {
      assertUnique(
        processes.map(({ id }) => id),
        'id',
      );
      assertUnique(
        processes.map(({ log }) => log),
        'log',
      );
      for (const { id, log, node, tier } of processes) {
        assert.ok(nodes.includes(node));
        assert.ok(Object.values<number>(TIERS).includes(tier));
        assert.equal(log, `logs/${id}.log`);
      }
    });
  });

  it('has its endpoint on node 0: nginx before several routers, or one router alone', () => {
    holds(({ processes, endpoint }, { frontend }) => {
      const entrance = processes.filter(({ node, ports }) => node === 'n0' && ports['http'] === 8000);
      assert.equal(endpoint, 'http://<node0>:8000');
      assert.equal(entrance.length, 1);
      assert.equal(entrance[0]?.role === 'nginx', frontend.multiple);
    });
  });

  it('has only symbols of its own nodes, and none that nobody binds', () => {
    holds((plan) => {
      const known = /^<(run|job|namespace|package|node-binary|node(\d+))>$/;
      for (const [symbol] of JSON.stringify(plan).matchAll(/<[^>]*>/g)) {
        const index = known.exec(symbol)?.[2];
        assert.match(symbol, known);
        assert.ok(index === undefined || Number(index) < plan.nodes.length, symbol);
      }
    });
  });

  it('is the same again, and survives JSON', () => {
    holds((plan, recipe) => {
      const again = [true, false].map((local) => planned(recipe, local));
      assert.ok(again.some((other) => JSON.stringify(other) === JSON.stringify(plan)));
      assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
    });
  });
});

describe('a plan of 1,000 nodes', () => {
  it('is made within 200 ms', () => {
    const workers = [workerGroup('prefill', 400, 400, { gpusPerWorker: 8 }), workerGroup('decode', 600, 1200, { gpusPerWorker: 4 })];
    const recipe = recipeWith({ workers, frontend: { additional: 99, spread: 'even' }, resources: { gpusPerNode: GPUS_PER_NODE } });
    // The best of five: the first ones run before V8 has compiled the code.
    const timesMs = Array.from({ length: 5 }, () => {
      const watch = new Stopwatch();
      const plan = planned(recipe, false);
      const tookMs = watch.ms;
      assert.equal(plan.nodes.length, 1000);
      assert.equal(plan.processes.length, 1 + 100 + 400 + 1200);
      return tookMs;
    });
    assert.ok(Math.min(...timesMs) < 200, `${timesMs.map((ms) => Math.round(ms))} ms`);
  });
});
