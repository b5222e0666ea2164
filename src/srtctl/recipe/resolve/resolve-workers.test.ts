import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadRecipe } from '../load/load-recipe.ts';
import { gpusOfWorker, misspelledFlag } from './engine-flags.ts';

describe('the GPUs of a worker', () => {
  const CASES: readonly [Parameters<typeof gpusOfWorker>[0], number][] = [
    [{}, 1],
    [{ 'tensor-parallel-size': 4 }, 4],
    [{ 'tp-size': '4', pp: 2 }, 8],
    [{ tp: 4, 'dp-size': 2 }, 8],
    [{ tp: 16, 'dp-size': 16, 'enable-dp-attention': true }, 16],
    [{ tp: 16, 'dp-size': 16, 'enable-dp-attention': 'True' }, 16],
    [{ tp: 4, 'tp-size': 8 }, 8],
    [{ tp: null }, 1],
  ];
  for (const [flags, gpus] of CASES) {
    it(`with ${JSON.stringify(flags)} are ${gpus}`, () => {
      const found = gpusOfWorker(flags);
      assert.equal(found.ok && found.gpus, gpus);
    });
  }

  for (const value of ['four', 0, -1, 1.5, true, [4], '']) {
    it(`are unknown with a size of ${JSON.stringify(value)}`, () => assert.equal(gpusOfWorker({ tp: value }).ok, false));
  }
});

it('knows slips of the hand from other flags', () => {
  assert.equal(misspelledFlag('tensor-parallel-sise'), 'tensor-parallel-size');
  assert.equal(misspelledFlag('disagregation-bootstrap-port'), 'disaggregation-bootstrap-port');
  for (const flag of [
    'tensor-parallel-size',
    'expert-parallel-size',
    'disaggregation-decode-tp',
    'context-length',
    'page-size',
    'ep-size',
  ]) {
    assert.equal(misspelledFlag(flag), null, flag);
  }
});

it('quoted switches are switches, and other quoted words stay words', () => {
  const text = `name: n
model: {path: /m, container: c}
resources: {gpus_per_node: 8, agg_workers: 1}
frontend: {type: sglang}
backend: {sglang_config: {aggregated: {tp-size: "8", dp-size: "8", enable-dp-attention: "true", disable-radix-cache: "False", dtype: "true"}}}
`;
  const { recipes, problems } = loadRecipe(text, 'r.yaml');
  assert.deepEqual(problems, []);
  const { flags } = recipes[0]!.workers[0]!;
  assert.deepEqual([flags['enable-dp-attention'], flags['disable-radix-cache'], flags['dtype']], [true, false, 'true']);
});

it('a worker on several nodes whose ranks they cannot share is refused', () => {
  const recipe = (tp: number): string =>
    `name: n\nmodel: {path: /m}\nresources: {gpus_per_node: 8, agg_nodes: 3, agg_workers: 1}\nfrontend: {type: sglang}\nbackend: {sglang_config: {aggregated: {tp-size: ${tp}}}}\n`;
  assert.deepEqual(
    loadRecipe(recipe(8), 'r.yaml').problems.map(({ path, message }) => `${path}: ${message}`),
    [
      'backend.sglang_config.aggregated.tp-size: an aggregated worker is on 3 nodes (3 nodes x 8 GPUs / 1 worker), which cannot share its 8 ranks (tp-size 8) evenly',
    ],
  );
  assert.deepEqual(loadRecipe(recipe(12), 'r.yaml').problems, []);
});

it('workers that are accepted fit: no more GPUs and nodes than there are, in whole nodes or parts of one', () => {
  const sizes = fc.record({
    gpusPerNode: fc.constantFrom(1, 2, 4, 8),
    nodes: fc.integer({ min: 1, max: 6 }),
    workers: fc.integer({ min: 1, max: 12 }),
    gpus: fc.option(fc.integer({ min: 1, max: 24 })),
    spread: fc.boolean(),
  });
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(sizes, ({ gpusPerNode, nodes, workers, gpus, spread }) => {
      const text = JSON.stringify({
        name: 'n',
        model: { path: '/m' },
        resources: {
          gpus_per_node: gpusPerNode,
          agg_nodes: nodes,
          agg_workers: workers,
          spread_workers: spread,
          ...(gpus === null ? {} : { gpus_per_agg: gpus }),
        },
      });
      const { recipes } = loadRecipe(text, 'r.json');
      const perWorker = gpus ?? Math.floor((nodes * gpusPerNode) / workers);
      const nodesNeeded =
        perWorker >= gpusPerNode
          ? workers * Math.ceil(perWorker / gpusPerNode)
          : Math.ceil(workers / (spread ? 1 : Math.floor(gpusPerNode / perWorker)));
      const fits = perWorker >= 1 && (perWorker <= gpusPerNode || perWorker % gpusPerNode === 0) && nodesNeeded <= nodes;
      assert.equal(recipes.length === 1, fits);
      if (fits) accepted++;
      else refused++;
    }),
    { numRuns: 300 },
  );
  assert.ok(accepted > 10 && refused > 10);
});
