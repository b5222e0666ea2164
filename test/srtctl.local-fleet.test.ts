/** The example recipes as fleets of simulated engines, real routers and nginx on this machine, as the launcher and supervision see them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, type TestContext, test } from 'node:test';
import type { Plan, PlannedProcess } from '../src/srtctl/plan/plan.ts';
import { planRecipe } from '../src/srtctl/plan/plan-recipe.ts';
import { NO_CLUSTER } from '../src/srtctl/recipe/cluster.ts';
import { loadRecipe } from '../src/srtctl/recipe/load-recipe.ts';
import { ROOT } from './support/program.ts';
import { isAlive, type SmallRun, startRun } from './support/small-fleet.ts';

/** The plan of `recipes/<name>.yaml` with simulated engines, its benchmark replaced by `benchmark` (null: none, the fleet serves). */
async function planFor(
  name: string,
  benchmark: readonly string[] | null,
  change: (process: PlannedProcess) => PlannedProcess = (same) => same,
): Promise<Plan> {
  const file = `${ROOT}recipes/${name}.yaml`;
  const text = (await readFile(file, 'utf8')).replace(/^backend:\n(?! {2}type:)/m, 'backend:\n  type: sim\n');
  const { recipes, problems } = loadRecipe(text, file, { cluster: NO_CLUSTER });
  assert.deepEqual(problems, []);
  const { plan, problems: planProblems } = planRecipe(recipes[0]!, NO_CLUSTER, { local: true, directory: ROOT });
  assert.deepEqual(planProblems, []);
  const processes = plan!.processes
    .filter(({ role }) => role !== 'benchmark' || benchmark !== null)
    .map((process) => change(process.role === 'benchmark' ? { ...process, argv: benchmark ?? [] } : process));
  return { ...plan!, processes };
}

const isServing = (notice: { type: string; state?: string }): boolean => notice.type === 'state' && notice.state === 'serving';

async function endsClean(run: SmallRun): Promise<void> {
  for (const { id, pid } of (await run.status()).processes)
    if (pid !== null) assert.equal(await isAlive(pid), false, `${id} is still alive`);
}

async function serve(t: TestContext, plan: Plan): Promise<{ run: SmallRun; endpoint: string; pids: ReadonlyMap<string, number> }> {
  const run = await startRun(t, plan);
  await run.noticed(isServing, 'the fleet to serve');
  const pids = new Map(run.notices.flatMap((one) => (one.type === 'process' && one.pid !== null ? [[one.id, one.pid] as const] : [])));
  const { endpoint } = await run.status();
  return { run, endpoint: endpoint ?? '', pids };
}

describe('the recipe of the manual on one machine', { concurrency: 2 }, () => {
  test('streams a completion of a pair through nginx, and goes down without a trace', async (t) => {
    const startMs = performance.now();
    const { run, endpoint } = await serve(t, await planFor('seed', null));
    t.diagnostic(`ready for the first request after ${Math.round(performance.now() - startMs)} ms`);
    const response = await fetch(`${endpoint}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: (await planFor('seed', null)).model, prompt: 'Once upon', max_tokens: 5, stream: true }),
    });
    assert.equal(response.status, 200);
    const events = (await response.text()).trim().split('\n\n');
    assert.equal(events.at(-1), 'data: [DONE]');
    assert.ok(events.length > 4, events.join('\n'));
    const status = await run.status();
    assert.deepEqual(
      status.processes
        .filter(({ state }) => state === 'ready')
        .map(({ id }) => id)
        .sort(),
      ['decode-0', 'decode-1', 'nginx', 'prefill-0', 'prefill-1', 'router-0', 'router-1', 'router-2', 'router-3'],
    );
    run.cancel('SIGINT');
    const { report } = await run.result;
    // Everything ends by itself when it is asked to: nothing had to be killed.
    assert.deepEqual(
      report?.stopped.filter((line) => !/ exited with status 0$/.test(line)),
      [],
    );
    await endsClean(run);
  });

  test('is not ready when its routers are told a wrong bootstrap port, and the report says so', async (t) => {
    const plan = await planFor('quickstart', null, (process) =>
      process.role === 'router' ? { ...process, argv: process.argv.map((word) => (word === '30001' ? '30009' : word)) } : process,
    );
    const run = await startRun(t, { ...plan, healthCheck: { intervalMs: 500, timeoutMs: 12_000 } });
    const { outcome, exitCode, report } = await run.result;
    assert.deepEqual([outcome, exitCode], ['readiness', 5], report?.summary);
    assert.match(report?.hints[0] ?? '', /^Bootstrap mismatch: router-\d is told port 30009 for prefill-0, which listens on 30001\.$/);
    await endsClean(run);
  });

  test('ends when an engine is killed under load, and names it', async (t) => {
    const { run, pids } = await serve(t, await planFor('quickstart', null));
    process.kill(pids.get('decode-0') ?? 0, 'SIGKILL');
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'running');
    assert.equal(report?.summary, 'decode-0 on n1 was ended by SIGKILL while it was needed');
    assert.match(report?.hints[0] ?? '', /out of memory/);
    await endsClean(run);
  });
});

describe('other recipes on one machine', { concurrency: 2 }, () => {
  for (const name of ['single-router', 'several-workers-per-node', 'multi-node-workers', 'aggregated']) {
    test(`${name} comes up, answers through every router, and goes down`, async (t) => {
      const run = await startRun(t, await planFor(name, ['true']));
      const { outcome, report } = await run.result;
      assert.equal(outcome, 'ok', report?.summary);
      await endsClean(run);
    });
  }
});
