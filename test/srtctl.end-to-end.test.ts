/** Recipes as users run them: `srtctl apply --local` with real nginx, the real routers and simulated engines. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { PointResult } from '../src/srtctl/bench/point-result.ts';
import { Program, ROOT } from './support/program.ts';
import { newDirectory } from './support/small-fleet.ts';
import { complete, NEEDS_NGINX, SrtctlRun } from './support/srtctl-run.ts';
import { until } from './support/until.ts';

function resultsIn(directory: string): readonly PointResult[] {
  const results = path.join(directory, 'results');
  return readdirSync(results).flatMap((folder) =>
    readdirSync(path.join(results, folder))
      .filter((name) => name.startsWith('results_concurrency'))
      .map((name) => JSON.parse(readFileSync(path.join(results, folder, name), 'utf8')) as PointResult),
  );
}

describe('recipes from one end to the other', { concurrency: 2, ...NEEDS_NGINX }, () => {
  test('the complete recipe runs: four nodes, four routers, nginx, a streamed answer through :8000, the benchmark, and nothing left', async (t) => {
    const run = await SrtctlRun.apply(t, 'seed', { set: ['benchmark.concurrencies=2x4', 'benchmark.num_prompts_mult=8'] });
    const status = await run.inState('benchmarking');
    assert.deepEqual(status.processes.map(({ id }) => id).sort(), [
      ...['benchmark', 'decode-0', 'decode-1', 'nginx', 'prefill-0', 'prefill-1'],
      ...['router-0', 'router-1', 'router-2', 'router-3'],
    ]);
    assert.equal(new Set(status.nodes.map(({ address }) => address)).size, 4);
    assert.match(status.endpoint ?? '', /^http:\/\/127\.[\d.]+:8000$/);
    const answer = await complete(status.endpoint!, 'deepseek-r1-fp4');
    assert.equal(answer.events, 12, answer.text);
    assert.match(answer.text, /data: \[DONE\]/);
    assert.deepEqual(await run.end(), { code: 0, signal: null }, run.program.stdout);
    const directory = await run.directory();
    const results = resultsIn(directory);
    assert.deepEqual(results.map((result) => result.max_concurrency).sort(), [2, 4]);
    for (const result of results) {
      assert.equal(result.completed, 8 * (result.max_concurrency ?? 0));
      assert.ok(result.total_output_tokens > 0);
    }
    const folder = path.join(directory, 'results', 'sa-bench_isl_64_osl_8');
    assert.ok(readdirSync(folder).includes('results_concurrency_4_gpus_16_ctx_8_gen_8.json'), readdirSync(folder).join());
    for (const file of ['recipe.yaml', 'plan.json', 'job.json', 'status.json', 'events.jsonl', 'logs'])
      assert.ok(readdirSync(directory).includes(file), file);
    assert.match(run.program.stdout, /succeeded after .* s\nrun directory: /);
  });

  test('a single router serves on :8000 without nginx until Ctrl-C', async (t) => {
    const run = await SrtctlRun.apply(t, 'single-router', { unset: ['benchmark'] });
    const status = await run.inState('serving');
    assert.deepEqual(status.processes.map(({ id }) => id).sort(), ['decode-0', 'prefill-0', 'router-0']);
    assert.match(status.endpoint ?? '', /:8000$/);
    assert.equal((await complete(status.endpoint!, 'deepseek-r1-fp4')).events, 12);
    run.program.child.kill('SIGINT');
    assert.deepEqual(await run.end(), { code: 130, signal: null });
    assert.match(run.program.stderr, /stopping: .*Ctrl-C again hurries/);
    assert.match(run.program.stdout, /cancelled after/);
  });

  test('aggregated workers serve and are measured, and events come as JSON', async (t) => {
    const run = await SrtctlRun.apply(t, 'aggregated', { args: ['--json'] });
    assert.deepEqual(await run.end(), { code: 0, signal: null }, run.program.stdout);
    const events = run.program.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; at: string; outcome?: string; id?: string; state?: string });
    assert.deepEqual(
      events
        .filter(({ type, state }) => type === 'process' && state === 'ready')
        .map(({ id }) => id)
        .sort(),
      ['aggregated-0', 'aggregated-1', 'benchmark', 'nginx', 'router-0', 'router-1'],
    );
    const last = events.at(-1)!;
    assert.deepEqual([last.type, last.outcome], ['result', 'ok']);
    assert.equal(resultsIn(await run.directory()).length, 2);
  });

  test("the README's first command brings a newcomer to results within a minute", async (t) => {
    const readme = readFileSync(`${ROOT}README.md`, 'utf8');
    const [, command = ''] = /^(npm run srtctl -- apply .*)$/m.exec(readme) ?? [];
    assert.notEqual(command, '');
    const startMs = performance.now();
    const program = Program.run(t, 'sh', ['-c', `${command} -o ${await newDirectory(t)}`]);
    await until(
      () => program.exited !== null,
      () => `results: ${program.stdout}`,
      60_000,
    );
    assert.equal(program.exited?.code, 0, program.stderr);
    assert.match(program.stdout, /benchmark \| +4 +16\/16 /);
    assert.match(program.stdout, /benchmark \| +16 +64\/64 /);
    t.diagnostic(`${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  });

  test('the recipes of a sweep run one after the other, and the first failure decides the exit code', async (t) => {
    const directory = await newDirectory(t);
    const recipe = path.join(directory, 'sweep.yaml');
    const workers = 'resources: {gpus_per_node: 1, agg_nodes: 1, agg_workers: 1}';
    const backend = 'backend: {type: sim, use_sglang_router: true, enable_multiple_frontends: false}';
    const benchmark = 'benchmark: {type: custom, command: "test {n} != 2"}\nsweep: {n: [1, 2, 3]}';
    writeFileSync(recipe, `name: s\nmodel: {path: tiny}\n${workers}\n${backend}\n${benchmark}\n`);
    const program = Program.start(t, 'srtctl', ['apply', '-f', recipe, '--local', '-o', path.join(directory, 'out')]);
    await until(
      () => program.exited !== null,
      () => `the sweep to end: ${program.stdout}`,
      60_000,
    );
    assert.equal(program.exited?.code, 6, program.stderr);
    assert.match(program.stdout, /== s_n2 \(2 of 3\)/);
    assert.match(program.stdout, /3 of 3 recipes:\n {2}s_n1: succeeded\n {2}s_n2: exit code 6\n {2}s_n3: succeeded\n$/);
    assert.equal(readdirSync(path.join(directory, 'out')).length, 3);
  });

  test('two runs at once do not meet', async (t) => {
    const runs = await Promise.all([SrtctlRun.apply(t, 'quickstart'), SrtctlRun.apply(t, 'quickstart')]);
    const exits = await Promise.all(runs.map((run) => run.end()));
    for (const [index, exit] of exits.entries()) assert.deepEqual(exit, { code: 0, signal: null }, runs[index]!.program.stdout);
    const [one, other] = await Promise.all(runs.map((run) => run.status()));
    assert.notEqual(one!.endpoint, other!.endpoint);
  });

  test('a run in the background is found by status, logs, wait, list and cancel', async (t) => {
    const run = await SrtctlRun.apply(t, 'quickstart', { unset: ['benchmark'], args: ['-d'] });
    const srtctl = async (...args: readonly string[]): Promise<Program> => {
      const program = Program.start(t, 'srtctl', [...args, '-o', run.outputs]);
      await until(() => program.exited !== null, `${args} to end`, 30_000);
      return program;
    };
    t.after(() => srtctl('cancel'));
    await until(() => run.program.exited !== null, 'apply -d to return', 30_000);
    assert.equal(run.program.exited?.code, 0, run.program.stderr);
    assert.match(run.program.stdout, /runs in the background\n {2}srtctl status quickstart-/);

    const ready = await srtctl('wait', '--for', 'ready', '--timeout', '60');
    assert.equal(ready.exited?.code, 0, ready.stderr);
    assert.equal((await complete(ready.stdout.trim(), 'tiny')).events, 12);

    const status = await srtctl('status', 'quickstart');
    assert.match(status.stdout, /^quickstart-\S+ {2}serving {2}\S+ s {2}http:\/\/127\.\S+:8000\n {2}workers +prefill-0 +n0 +ready/);
    assert.match((await srtctl('list')).stdout, /^quickstart-\S+ .* serving /);
    const logs = await srtctl('logs', 'prefill', 'router-1', '-n', '2');
    assert.match(logs.stdout, /^prefill-0 \| sglang-sim ready http/m);
    assert.match(logs.stdout, /^router-1 {2}\| \{/m);
    const wrong = await srtctl('logs', 'prefil');
    assert.equal(wrong.exited?.code, 2);
    assert.match(wrong.stderr, /has no process prefil; it has .*prefill-0/);

    const following = Program.start(t, 'srtctl', ['logs', '-f', 'decode-0', '-o', run.outputs]);
    const waiting = Program.start(t, 'srtctl', ['wait', '-o', run.outputs]);
    await following.says('sglang-sim ready');
    const cancelled = await srtctl('cancel');
    assert.equal(cancelled.exited?.code, 0);
    assert.match(cancelled.stdout, /asked to stop\nquickstart-\S+: cancelled/);
    assert.equal((await following.exit()).code, 0);
    assert.equal((await waiting.exit()).code, 130);
    assert.match((await srtctl('cancel')).stdout, /had ended before: cancelled/);
    await run.assertNothingLeft();
  });

  test('on a terminal there is a line for each process, drawn again as it changes', async (t) => {
    const args = ['apply', '-f', 'recipes/single-router.yaml', '--local', '-o', await newDirectory(t), '--set', 'backend.type=sim'];
    const small = ['isl=32', 'osl=4', 'concurrencies=1', 'num_warmup_mult=0'].flatMap((text) => ['--set', `benchmark.${text}`]);
    const command = `stty cols 100 rows 40; exec ${process.execPath} dist/bin/srtctl.js ${[...args, ...small].join(' ')}`;
    const terminal = Program.run(t, 'script', ['-qefc', command, '/dev/null'], { env: { TERM: 'xterm' } });
    await until(
      () => terminal.exited !== null,
      () => `the run on a terminal to end: ${terminal.stdout}`,
      60_000,
    );
    assert.equal(terminal.exited?.code, 0, terminal.stdout);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told by them.
    assert.match(terminal.stdout, /\u001b\[\d*[AGK]/, 'the cursor moves');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
    const plain = terminal.stdout.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
    for (const expected of [/prefill-0 +n0 +starting/, /router-0 +n0 +ready/, /single-router-\S+ {2}succeeded/, /concurrency +requests/])
      assert.match(plain, expected);
  });
});
