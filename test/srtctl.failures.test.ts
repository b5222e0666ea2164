/** What goes wrong on the way of a real run: each ends it with its code, says what failed first, and leaves nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Program } from './support/program.ts';
import { NEEDS_NGINX, SrtctlRun } from './support/srtctl-run.ts';
import { until } from './support/until.ts';

/** A disk that can be filled is one that the test has mounted. */
const CANNOT_MOUNT: string | false =
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0 ? false : 'file systems cannot be mounted here';

describe('a real run that fails', { concurrency: 2, ...NEEDS_NGINX }, () => {
  test('a worker that dies while it starts ends the run with 4 and its last words', async (t) => {
    const run = await SrtctlRun.apply(t, 'quickstart', { set: ['backend.sglang_config.decode.kv-tokens=1'] });
    assert.deepEqual(await run.end(), { code: 4, signal: null });
    assert.match(run.program.stderr, /decode-0 on n1 exited with status 2 before it was ready/);
    assert.match(run.program.stderr, /--kv-tokens.*expected a whole number from 64/);
    const status = await run.status();
    assert.equal(status.processes.find(({ id }) => id === 'router-0')?.state, 'waiting');
    assert.match(readFileSync(path.join(await run.directory(), 'report.txt'), 'utf8'), /decode-0/);
  });

  for (const victim of ['decode-0', 'router-1', 'nginx']) {
    test(`${victim} killed under load ends the run with 7 and is named`, async (t) => {
      const run = await SrtctlRun.apply(t, 'quickstart', { set: ['benchmark.num_prompts_mult=10000'] });
      const status = await run.reaches(
        ({ processes }) => processes.find(({ id }) => id === 'benchmark')?.lastLine?.includes('warm-up') === true,
        'the benchmark to measure',
      );
      process.kill(run.pidOf(status, victim), 'SIGKILL');
      assert.deepEqual(await run.end(), { code: 7, signal: null }, run.program.stderr);
      const { report } = await run.status();
      assert.equal(report?.process, victim, report?.summary);
      assert.match(report?.summary ?? '', new RegExp(`^${victim} on n\\d was ended by SIGKILL`));
      assert.match(run.program.stderr, new RegExp(`${victim} on n\\d was ended by SIGKILL`));
    });
  }

  test('a port that is taken is found before anything starts, with who has it', async (t) => {
    const server = net.createServer().listen(0, '0.0.0.0');
    await new Promise((resolve) => server.on('listening', resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const run = await SrtctlRun.apply(t, 'quickstart', { set: [`frontend.public_port=${port}`] });
    await run.program.exit();
    assert.equal(run.program.exited?.code, 4, run.program.stderr);
    assert.match(run.program.stderr, new RegExp(`port ${port} of nginx on n0 .*is taken by pid ${process.pid}`));
    for (const { pid } of (await run.status()).processes) assert.equal(pid, null, 'nothing was started');
  });

  test('a wrong bootstrap port forced upon the routers is found before the benchmark, with the hint', async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'srtctl-force-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    // A Node that tells the routers another port than the plan does.
    const wrapper = path.join(directory, 'node');
    const script = `#!/bin/bash\nargs=("$@")\ncase "$1" in */router.js) args=("\${args[@]/#30001/30999}");; esac\nexec ${process.execPath} "\${args[@]}"\n`;
    writeFileSync(wrapper, script);
    chmodSync(wrapper, 0o755);
    const cluster = path.join(directory, 'srtslurm.yaml');
    writeFileSync(cluster, `node_path: ${wrapper}\n`);
    // The engines wait for each other until the time is over.
    const run = await SrtctlRun.apply(t, 'quickstart', { set: ['health_check.max_attempts=15'], env: { SRTSLURM_CONFIG: cluster } });
    assert.deepEqual(await run.end(), { code: 5, signal: null }, run.program.stdout);
    assert.match(run.program.stderr, /disaggregation-bootstrap-port/);
    assert.equal((await run.status()).processes.find(({ id }) => id === 'benchmark')?.state, 'waiting');
  });

  test('a disk that fills up costs logs and results, and nothing else', { skip: CANNOT_MOUNT }, async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'srtctl-full-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    // A small disk of its own, filled up as soon as the benchmark runs.
    const script = `
      mount -t tmpfs -o size=4m none ${directory} || exit 99
      "$@" & pid=$!
      until grep -qs '"benchmarking"' ${directory}/*/status.json; do kill -0 $pid || break; sleep 0.05; done
      dd if=/dev/zero of=${directory}/fill bs=4k 2>/dev/null
      wait $pid`;
    const apply = [process.execPath, 'dist/bin/srtctl.js', 'apply', '-f', 'recipes/quickstart.yaml', '--local', '-o', directory];
    const settings = ['isl=64', 'osl=8', 'concurrencies=4', 'num_prompts_mult=40'].flatMap((text) => ['--set', `benchmark.${text}`]);
    const program = Program.run(t, 'unshare', ['-m', 'bash', '-c', script, 'bash', ...apply, ...settings]);
    await until(
      () => program.exited !== null,
      () => `the run to end: ${program.stdout}`,
      60_000,
    );
    assert.equal(program.exited?.code, 6, program.stdout);
    assert.match(program.stdout, /warning: logs\/router-\d\.log cannot be written \(the disk is full\); router-\d goes on, lines are lost/);
    assert.match(program.stdout, /benchmark \| +4 +160\/160/);
    assert.match(program.stdout, /failed: results cannot be written to .*ENOSPC/);
    assert.match(program.stderr, /A disk is full or over quota/);
  });

  for (const [tier, recipe, signal] of [
    ['workers start', 'backend.sglang_config.prefill.startup-delay-secs=60', 'SIGHUP'],
    ['the benchmark runs', 'benchmark.num_prompts_mult=10000', 'SIGINT'],
  ] as const) {
    test(`${signal === 'SIGINT' ? 'Ctrl-C' : 'a terminal that closes'} while ${tier} stops everything, keeps what there is and ends with 130`, async (t) => {
      const run = await SrtctlRun.apply(t, 'quickstart', { set: [recipe] });
      if (tier === 'workers start') await run.reaches(({ processes }) => processes.some(({ state }) => state === 'ready'), 'a worker');
      else await run.reaches(({ processes }) => processes.some(({ lastLine }) => lastLine?.includes('warm-up') === true), 'the benchmark');
      run.program.child.kill(signal);
      assert.deepEqual(await run.end(), { code: 130, signal: null }, run.program.stderr);
      const status = await run.status();
      assert.equal(status.outcome, 'cancelled');
      const log = readFileSync(path.join(await run.directory(), 'logs', logOf(status, 'decode-0')), 'utf8');
      assert.match(log, /sglang-sim ready/);
      if (tier === 'the benchmark runs') assert.match(run.program.stdout, /benchmark \| .*what has completed is kept/);
    });
  }
});

function logOf(status: { readonly processes: readonly { readonly id: string; readonly log: string }[] }, id: string): string {
  return path.basename(status.processes.find((process) => process.id === id)!.log);
}
