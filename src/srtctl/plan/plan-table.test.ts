import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { completeExample, recipeWith, workerGroup } from '../../../test/support/srtctl-recipe.ts';
import { NO_CLUSTER } from '../recipe/resolve/cluster.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { planRecipe } from './plan-recipe.ts';
import { planTable } from './plan-table.ts';
import { quoteWord } from './quote-word.ts';

function tableOf(recipe: Recipe): string {
  const { plan } = planRecipe(recipe, NO_CLUSTER, { local: true, directory: '/' });
  return planTable(plan ?? assert.fail('no plan'));
}

describe('the table of a plan', () => {
  it('shows the complete example as a whole', () => {
    assert.equal(
      tableOf({ ...completeExample(), benchmark: { type: 'manual' } }),
      `deepseek-r1-sglang-router: 4 nodes, 9 processes
model deepseek-r1-fp4 at http://<node0>:8000

                 asked  runs
nodes            4      4
routers          4      4
prefill workers  2      2
decode workers   2      2

node  process    tier     ports                                    GPUs  where
n0    prefill-0  workers  http 30000, bootstrap 30001, nccl 17500  0-3   host
n0    router-0   routers  http 30080, prometheus 29000             -     host
n0    nginx      nginx    http 8000                                -     host
n1    prefill-1  workers  http 30000, bootstrap 30001, nccl 17501  0-3   host
n1    router-1   routers  http 30080, prometheus 29000             -     host
n2    decode-0   workers  http 30000, nccl 17502                   0-3   host
n2    router-2   routers  http 30080, prometheus 29000             -     host
n3    decode-1   workers  http 30000, nccl 17503                   0-3   host
n3    router-3   routers  http 30080, prometheus 29000             -     host

needs nginx on n0; python3 with sglang.launch_server on every node

nginx:
  nginx -e stderr -p <run>/nginx -c nginx.conf

router-0:
  <node-binary> <package>/dist/bin/router.js --pd-disaggregation --prefill http://<node0>:30000 30001 --prefill http://<node1>:30000 30001 --decode http://<node2>:30000 --decode http://<node3>:30000 --host <node0> --port 30080 --prometheus-host <node0> --prometheus-port 29000

prefill-0:
  python3 -m sglang.launch_server --model-path deepseek-r1-fp4 --served-model-name deepseek-r1-fp4 --disaggregation-mode prefill --disaggregation-bootstrap-port 30001 --tensor-parallel-size 4 --disaggregation-transfer-backend nixl --host <node0> --port 30000 --nccl-port 17500

decode-0:
  python3 -m sglang.launch_server --model-path deepseek-r1-fp4 --served-model-name deepseek-r1-fp4 --disaggregation-mode decode --tensor-parallel-size 4 --disaggregation-bootstrap-port 30001 --disaggregation-transfer-backend nixl --host <node2> --port 30000 --nccl-port 17502

no benchmark: the fleet stays up until it is cancelled
`,
    );
  });

  it('sets what runs against what was asked, and ends with the warnings', () => {
    const table = tableOf(recipeWith({ workers: [workerGroup('aggregated', 6, 6)], frontend: { additional: 4 } }));
    assert.match(table, /^routers {13}5 {6}4 {2}<- fewer than asked$/m);
    assert.match(table, /\n\nwarning: 5 routers were asked .*\n$/);
  });

  it('says what is measured, and what runs before a worker', () => {
    const recipe = { ...completeExample(), backend: { type: 'sglang', sglangSourceDirectory: '/src/my sglang' } } as const;
    const table = tableOf(recipe);
    assert.match(table, /^benchmark sa-bench: 128000 tokens in, 8000 out, concurrency 16, then 32, as fast as the concurrency allows$/m);
    assert.match(table, /^ {2}\(in \/src\/my sglang\) pip install -e \. --no-deps$/m);
  });

  it('quotes words that a shell would read otherwise', () => {
    assert.deepEqual(["it's", 'a b', '', '$x', '--a=b,c'].map(quoteWord), ["'it'\\''s'", "'a b'", "''", "'$x'", '--a=b,c']);
  });
});
