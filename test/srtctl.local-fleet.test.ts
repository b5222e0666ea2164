/** Example recipes whose workers share nodes or span them, as fleets of simulated engines, real routers and nginx on this machine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Plan } from '../src/srtctl/plan/plan.ts';
import { planRecipe } from '../src/srtctl/plan/plan-recipe.ts';
import { loadRecipe } from '../src/srtctl/recipe/load/load-recipe.ts';
import { NO_CLUSTER } from '../src/srtctl/recipe/resolve/cluster.ts';
import { ROOT } from './support/program.ts';
import { isAlive, startRun } from './support/small-fleet.ts';

/** The plan of `recipes/<name>.yaml` with simulated engines and a benchmark that is over at once. */
async function planFor(name: string): Promise<Plan> {
  const file = `${ROOT}recipes/${name}.yaml`;
  const text = (await readFile(file, 'utf8')).replace(/^backend:\n(?! {2}type:)/m, 'backend:\n  type: sim\n');
  const { recipes, problems } = loadRecipe(text, file, { cluster: NO_CLUSTER });
  assert.deepEqual(problems, []);
  const { plan, problems: planProblems } = planRecipe(recipes[0]!, NO_CLUSTER, { local: true, directory: ROOT });
  assert.deepEqual(planProblems, []);
  return {
    ...plan!,
    processes: plan!.processes.map((process) => (process.role === 'benchmark' ? { ...process, argv: ['true'] } : process)),
  };
}

describe('on one machine', { concurrency: 2 }, () => {
  for (const name of ['several-workers-per-node', 'multi-node-workers']) {
    test(`${name} comes up, answers through every router, and goes down by itself when it is asked to`, async (t) => {
      const run = await startRun(t, await planFor(name));
      const { outcome, report, status } = await run.result;
      assert.equal(outcome, 'ok', report?.summary);
      for (const { id, pid, exitCode } of status.processes) {
        assert.equal(exitCode, 0, `${id} did not end by itself`);
        assert.equal(await isAlive(pid ?? 0), false, `${id} is still alive`);
      }
    });
  }
});
