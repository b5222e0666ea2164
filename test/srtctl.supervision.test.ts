/** Whole runs of small fleets of real processes on this machine: up, measured, down, and every way to fail on the way. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { PlannedProcess } from '../src/srtctl/plan/plan.ts';
import type { Part } from './support/scripted-part.main.ts';
import { isAlive, newDirectory, type SmallRun, smallFleet, startRun } from './support/small-fleet.ts';
import { planned } from './support/small-plan.ts';
import { until } from './support/until.ts';

/** Every process of the run is gone and its directory says how it ended. */
async function assertGone(run: SmallRun): Promise<void> {
  const status = await run.status();
  assert.equal(status.state, 'ended');
  for (const { id, pid } of status.processes) if (pid !== null) assert.equal(await isAlive(pid), false, `${id} is still alive`);
}

const isState =
  (state: string) =>
  (notice: { type: string; state?: string }): boolean =>
    notice.type === 'state' && notice.state === state;

describe('a run', { concurrency: 4 }, () => {
  test('comes up tier by tier, is measured, goes down, and its directory tells all of it', async (t) => {
    const run = await startRun(t, smallFleet());
    const result = await run.result;
    assert.deepEqual([result.outcome, result.exitCode, result.report], ['ok', 0, null]);
    assert.equal(await run.log('benchmark'), 'hello\n');
    const status = await run.status();
    assert.equal(status.outcome, 'ok');
    assert.match(status.endpoint ?? '', /^http:\/\/127\.0\.\d+\.10:8000$/);
    assert.deepEqual(status.processes.map(({ id, state, exitCode }) => [id, state, exitCode]).at(-1), ['benchmark', 'ended', 0]);
    const times = status.processes.flatMap(({ startedAt, readyAt }) => [startedAt, readyAt]);
    assert.deepEqual(times, [...times].sort(), 'a process was started before those below it were ready');
    const events = (await readFile(join(run.directory, 'events.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; state?: string });
    assert.deepEqual(
      [...new Set(events.filter(({ type }) => type === 'state').map(({ state }) => state))],
      ['preparing', 'starting', 'proving', 'benchmarking', 'stopping', 'ended'],
    );
    assert.deepEqual((await readdir(run.directory)).sort(), ['events.jsonl', 'logs', 'status.json']);
    await assertGone(run);
  });

  test('ends when a worker dies while it starts, and says which, where and its last words', async (t) => {
    const run = await startRun(
      t,
      smallFleet({ worker: { says: 'ValueError: unrecognized arguments: --tp-sise', endsAtOnce: true, status: 2 } }),
    );
    const { outcome, exitCode, report } = await run.result;
    assert.deepEqual([outcome, exitCode], ['start', 4]);
    assert.match(report?.summary ?? '', /^aggregated-0 on n0 exited with status 2 before it was ready/);
    assert.deepEqual(report?.lastLines, ['ValueError: unrecognized arguments: --tp-sise']);
    assert.match(report?.hints[0] ?? '', /not known to the program/);
    assert.equal(report?.log, 'logs/aggregated-0.out');
    const text = await readFile(join(run.directory, 'report.txt'), 'utf8');
    assert.match(text, /aggregated-0 on n0[\s\S]*--tp-sise[\s\S]*exit code 4/);
    assert.equal((await run.status()).processes.find(({ id }) => id === 'router-0')?.state, 'waiting');
  });

  for (const status of [0, 7]) {
    test(`ends when a worker exits with ${status} under load`, async (t) => {
      const run = await startRun(t, smallFleet({ worker: { status } }, ['sleep', '60']));
      await run.noticed(isState('benchmarking'), 'the benchmark to run');
      process.kill(pidOf(run, 'aggregated-0'), 'SIGUSR2');
      const { outcome, exitCode, report } = await run.result;
      assert.deepEqual([outcome, exitCode], ['running', 7], report?.summary);
      assert.equal(report?.summary, `aggregated-0 on n0 exited with status ${status} while it was needed`);
      assert.deepEqual(
        report?.stopped.map((line) => line.split(' ')[0]),
        ['benchmark', 'nginx', 'router-0'],
      );
      await assertGone(run);
    });
  }

  for (const victim of ['router-0', 'nginx']) {
    test(`ends when ${victim} is killed`, async (t) => {
      const run = await startRun(t, smallFleet({}, ['sleep', '60']));
      await run.noticed(isState('benchmarking'), 'the benchmark to run');
      process.kill(pidOf(run, victim), 'SIGKILL');
      const { outcome, report } = await run.result;
      assert.equal(outcome, 'running');
      assert.equal(report?.process, victim);
      assert.match(report?.summary ?? '', /was ended by SIGKILL/);
      await assertGone(run);
    });
  }

  for (const victim of ['aggregated-0', 'router-0', 'nginx']) {
    test(`names ${victim} when it stops answering, and ends with 7`, async (t) => {
      const plan = smallFleet({}, ['sleep', '60'], { healthCheck: { intervalMs: 100, timeoutMs: 20_000, silenceMs: 2000 } });
      const run = await startRun(t, plan);
      await run.noticed(isState('benchmarking'), 'the benchmark to run');
      process.kill(pidOf(run, victim), 'SIGSTOP');
      const { exitCode, report } = await run.result;
      assert.equal(exitCode, 7);
      assert.equal(report?.process, victim, report?.summary);
      assert.match(
        report?.summary ?? '',
        new RegExp(`^${victim} on n0 has not answered its probe for \\d.* s \\(http://.*: no answer within`),
      );
      assert.match(report?.lastLines.at(-1) ?? '', /^listening on/);
      await assertGone(run);
    });
  }

  test('blames the worker that hangs, not the benchmark that fails on it', async (t) => {
    const plan = smallFleet({}, ['sh', '-c', 'sleep 1; exit 9'], { healthCheck: { intervalMs: 100, timeoutMs: 20_000, silenceMs: 4000 } });
    const run = await startRun(t, plan);
    await run.noticed(isState('benchmarking'), 'the benchmark to run');
    process.kill(pidOf(run, 'aggregated-0'), 'SIGSTOP');
    const { exitCode, report } = await run.result;
    assert.deepEqual([exitCode, report?.process], [7, 'aggregated-0'], report?.summary);
    assert.match(report?.summary ?? '', /does not answer after the benchmark has failed/);
    assert.match(report?.also.join() ?? '', /benchmark on n0 exited with status 9/);
  });

  test('fails with the benchmark', async (t) => {
    const run = await startRun(t, smallFleet({}, ['sh', '-c', 'echo "connect: ECONNREFUSED 127.0.0.10:8000"; exit 9']));
    const { outcome, exitCode, report } = await run.result;
    assert.deepEqual([outcome, exitCode], ['benchmark', 6]);
    assert.match(report?.hints[0] ?? '', /benchmark talks to the public endpoint on node 0/);
    await assertGone(run);
  });

  test('is not ready while a router misses a worker', async (t) => {
    const run = await startRun(
      t,
      smallFleet({ router: { lists: [] } }, null, { healthCheck: { intervalMs: 100, timeoutMs: 6000, silenceMs: 300_000 } }),
    );
    const { outcome, exitCode, report } = await run.result;
    assert.deepEqual([outcome, exitCode], ['readiness', 5]);
    assert.match(report?.summary ?? '', /router-0 .* 0 of 1 workers are healthy for it: it does not know http:\/\/127\.0\.\d+\.10:30000/);
    assert.match(report?.hints.join('\n') ?? '', /Router not connecting to workers/);
  });

  for (const [completions, words] of [
    [
      'silent',
      /^the workers generate when they are asked directly, and router-0 on n0 brings no answer \(the first requests were not answered/,
    ],
    ['error', /a request through router-0 was not answered: .* 500 .*broken inside/],
    ['empty', /without a token/],
  ] as const) {
    test(`is not ready while a request through a router is answered so: ${completions}`, async (t) => {
      const plan = smallFleet({ router: { completions } }, null, { healthCheck: { intervalMs: 100, timeoutMs: 8000, silenceMs: 300_000 } });
      const { outcome, report } = await (await startRun(t, plan)).result;
      assert.equal(outcome, 'readiness');
      assert.match(report?.summary ?? '', words);
    });
  }

  for (const [half, victim] of [
    ['decode', 'decode-0'],
    ['prefill', null],
  ] as const) {
    test(`names what does not generate when a pair is asked directly: ${half}`, async (t) => {
      const plan = smallFleet({ router: { completions: 'error' } }, null, {
        healthCheck: { intervalMs: 100, timeoutMs: 17_000, silenceMs: 300_000 },
      });
      const [worker, router, ...rest] = plan.processes;
      const at = (role: 'prefill' | 'decode', port: number): PlannedProcess => ({
        ...worker!,
        id: `${role}-0`,
        role,
        log: `logs/${role}-0.out`,
        ports: role === 'prefill' ? { http: port, bootstrap: 30_001 } : { http: port },
        argv: worker!.argv.map((word) =>
          word.startsWith('{')
            ? JSON.stringify({
                ...(JSON.parse(word) as Part),
                port,
                completions: half === 'prefill' || role === 'decode' ? 'error' : 'ok',
              })
            : word,
        ),
        ready: { kind: 'worker', url: `http://<node0>:${port}`, model: 'm' },
      });
      const processes = [at('prefill', 30_000), at('decode', 30_010), router!, ...rest];
      const { exitCode, report } = await (await startRun(t, { ...plan, processes })).result;
      assert.deepEqual([exitCode, report?.process], [5, victim], report?.summary);
      const words =
        half === 'decode'
          ? /^decode-0 on n0 generates no token: prefill-0 answered its half/
          : /^asked directly, neither prefill-0 nor decode-0/;
      assert.match(report?.summary ?? '', words);
    });
  }

  test('names the mismatch when routers are told another bootstrap port', async (t) => {
    const plan = smallFleet({ router: { completions: 'error' } }, null);
    const [worker, router, ...rest] = plan.processes;
    const processes = [
      { ...worker!, id: 'prefill-0', role: 'prefill' as const, ports: { http: 30_000, bootstrap: 30_001 } },
      { ...router!, argv: [...router!.argv, '--prefill', 'http://<node0>:30000', '31999'] },
      ...rest,
    ];
    const { outcome, report } = await (await startRun(t, { ...plan, processes })).result;
    assert.equal(outcome, 'readiness');
    assert.equal(report?.hints[0], 'Bootstrap mismatch: router-0 is told port 31999 for prefill-0, which listens on 30001.');
  });

  test('does not start when a port is taken, and names who has it', async (t) => {
    const port = 30_117;
    const server = net.createServer().listen(port, '0.0.0.0');
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(() => server.close());
    const plan = smallFleet({});
    const run = await startRun(t, {
      ...plan,
      processes: plan.processes.map((one) => (one.id === 'nginx' ? { ...one, ports: { http: port } } : one)),
    });
    const { outcome, exitCode, report } = await run.result;
    assert.deepEqual([outcome, exitCode], ['start', 4]);
    assert.match(
      report?.summary ?? '',
      new RegExp(`^http port ${port} of nginx on n0 \\(127\\.0\\.\\d+\\.10:${port}\\) is taken by pid ${process.pid} \\(.*node`),
    );
    assert.ok((await run.status()).processes.every(({ state }) => state === 'waiting'));
  });

  test('says what could not be found when a program is missing', async (t) => {
    const plan = smallFleet({});
    const run = await startRun(t, {
      ...plan,
      processes: plan.processes.map((one) => (one.id === 'nginx' ? { ...one, argv: ['no-such-nginx'] } : one)),
    });
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'start');
    assert.match(report?.summary ?? '', /^nginx could not be started: no-such-nginx was not found; PATH is \//);
    assert.match(report?.hints[0] ?? '', /program is missing/);
  });

  test('runs beside another one', async (t) => {
    const runs = await Promise.all([startRun(t, smallFleet()), startRun(t, smallFleet())]);
    const results = await Promise.all(runs.map(({ result }) => result));
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['ok', 'ok'],
    );
    assert.notEqual(results[0]?.status.endpoint, results[1]?.status.endpoint);
  });

  test('does not end another one that has the same identifier in another directory', async (t) => {
    const id = `same-${process.pid}`;
    const lasting = await startRun(t, smallFleet({}, ['sleep', '60']), { id });
    await lasting.noticed(isState('benchmarking'), 'the lasting run to be measured');
    assert.equal((await (await startRun(t, smallFleet(), { id })).result).outcome, 'ok');
    assert.equal((await lasting.status()).state, 'benchmarking');
    lasting.cancel('the test');
    assert.equal((await lasting.result).outcome, 'cancelled');
  });

  test('goes on when a log cannot be written, and says so', async (t) => {
    const directory = await newDirectory(t);
    await mkdir(join(directory, 'logs'));
    await symlink('/dev/full', join(directory, 'logs', 'aggregated-0.out'));
    const run = await startRun(t, smallFleet({ worker: { says: 'lost' } }), { directory });
    assert.equal((await run.result).outcome, 'ok');
    const warnings = run.notices.flatMap((notice) => (notice.type === 'warning' ? [notice.text] : []));
    assert.deepEqual(warnings, ['logs/aggregated-0.out cannot be written (the disk is full); aggregated-0 goes on, lines are lost']);
    assert.ok(run.notices.some((notice) => notice.type === 'line' && notice.text === 'lost'));
  });

  test('keeps secrets out of every file', async (t) => {
    const secret = 'hf_abcdefghij0123456789';
    const run = await startRun(t, smallFleet({ worker: { says: `using ${secret}` } }, ['sh', '-c', `echo ${secret}; exit 1`]), {
      secrets: [secret],
    });
    assert.equal((await run.result).outcome, 'benchmark');
    const files = (await readdir(run.directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    assert.ok(files.length >= 6);
    for (const entry of files) {
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
      assert.ok(!text.includes(secret), `${entry.name} holds the secret`);
    }
    assert.match(await run.log('aggregated-0'), /using \*\*\*/);
    assert.ok(!JSON.stringify(run.notices).includes(secret));
  });
});

function pidOf(run: SmallRun, id: string): number {
  const notice = run.notices.findLast((one) => one.type === 'process' && one.id === id && one.pid !== null);
  if (notice?.type !== 'process' || notice.pid === null) throw new Error(`${id} has no pid`);
  return notice.pid;
}

describe('cancelling a run', { concurrency: 4 }, () => {
  for (const [when, scripts] of [
    ['workers start', { worker: { loadsMs: 60_000 } }],
    ['routers start', { router: { lists: [] } }],
    ['nginx starts', { entrance: { loadsMs: 60_000 } }],
    ['the first requests are under way', { entrance: { completions: 'silent' } }],
    ['the benchmark runs', {}],
  ] as const) {
    test(`while ${when} stops everything and keeps what there is`, async (t) => {
      const script = 'trap "echo stopped; exit 3" TERM; echo partial; while :; do sleep 0.1; done';
      const run = await startRun(t, smallFleet(scripts, ['sh', '-c', script]));
      const tier = { 'workers start': 'aggregated-0', 'routers start': 'router-0', 'nginx starts': 'nginx' }[when as string];
      if (tier !== undefined)
        await run.noticed(
          (one) =>
            (one.type === 'process' && one.id === tier && (one.detail ?? '').includes('answers 503')) ||
            (one.type === 'process' && one.id === tier && (one.detail ?? '').includes('workers are healthy')),
          `${tier} to be asked`,
        );
      else if (when === 'the benchmark runs')
        await run.noticed((one) => one.type === 'line' && one.text === 'partial', 'the benchmark to speak');
      else await run.noticed(isState('proving'), 'the proof');
      run.cancel('SIGINT');
      const { outcome, exitCode, report } = await run.result;
      assert.deepEqual([outcome, exitCode], ['cancelled', 130]);
      assert.match(report?.summary ?? '', /^cancelled by SIGINT while /);
      if (when === 'the benchmark runs') assert.match(await run.log('benchmark'), /^partial\n(?:.*\n)*stopped\n$/);
      await assertGone(run);
    });
  }

  test('before anything has started ends at once', async (t) => {
    const run = await startRun(t, smallFleet());
    run.cancel('SIGTERM');
    assert.equal((await run.result).outcome, 'cancelled');
    await assertGone(run);
  });

  test('from another shell needs nothing but the directory', async (t) => {
    const run = await startRun(t, smallFleet({}, null));
    await run.noticed(isState('serving'), 'the fleet to serve');
    await appendFile(join(run.directory, 'cancel'), 'srtctl cancel\n');
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'cancelled');
    assert.match(report?.summary ?? '', /^cancelled by srtctl cancel/);
  });

  test('twice ends what ignores SIGTERM within seconds, and says so', async (t) => {
    const run = await startRun(t, smallFleet({ worker: { ignoresTerm: true } }, null));
    await run.noticed(isState('serving'), 'the fleet to serve');
    run.cancel('SIGINT');
    await run.noticed((notice) => notice.type === 'line' && notice.text === 'SIGTERM heard and ignored', 'the worker to ignore SIGTERM');
    const startMs = performance.now();
    run.cancel('SIGINT');
    const { report } = await run.result;
    assert.ok(performance.now() - startMs < 8000);
    assert.ok(
      report?.stopped.some((line) => /^aggregated-0 did not stop within .* and was killed$/.test(line)),
      report?.stopped.join('; '),
    );
    await assertGone(run);
  });

  test('leaves nothing of a process that has children, in its group or out of it', async (t) => {
    const run = await startRun(t, smallFleet({ worker: { hasChildren: true } }, null));
    await run.noticed(isState('serving'), 'the fleet to serve');
    const lines = run.notices.flatMap((notice) => (notice.type === 'line' ? [notice.text] : []));
    const pids = lines.flatMap((line) => /^(?:child|stray) (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    assert.equal(pids.length, 2);
    run.cancel('SIGINT');
    const { report } = await run.result;
    for (const pid of pids) assert.equal(await isAlive(pid), false);
    assert.match(report?.stopped.join('\n') ?? '', /had left its process group and was killed/);
  });
});

test('a process that is not critical may end', async (t) => {
  const plan = smallFleet({}, ['sleep', '0.3']);
  const extra = planned('etcd', { argv: ['false'], critical: false });
  const run = await startRun(t, { ...plan, processes: [extra, ...plan.processes] });
  assert.equal((await run.result).outcome, 'ok');
  await until(() => run.notices.some((notice) => notice.type === 'warning' && /^etcd exited with status 1/.test(notice.text)), 'a warning');
});
