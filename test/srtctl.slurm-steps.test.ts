/** Small fleets of real processes as steps of a real SLURM job: up, measured, down, and every way to fail on the way. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOfRun } from '../src/srtctl/launch/proc.ts';
import type { PlannedProcess, PlannedStep } from '../src/srtctl/plan/plan.ts';
import { type Allocation, allocate, skipWithoutSlurm } from './slurm/allocation.ts';
import { SlurmCluster } from './slurm/cluster.ts';
import { isAlive, newDirectory, type SmallRun, smallFleet, startRun } from './support/small-fleet.ts';
import { planned, planOf } from './support/small-plan.ts';

const skip = await skipWithoutSlurm();

const isState =
  (state: string) =>
  (notice: { type: string; state?: string }): boolean =>
    notice.type === 'state' && notice.state === state;

function pidOf(run: SmallRun, id: string): number {
  const notice = run.notices.findLast((one) => one.type === 'process' && one.id === id && one.pid !== null);
  if (notice?.type !== 'process' || notice.pid === null) throw new Error(`${id} has no pid`);
  return notice.pid;
}

/** srun clients of a job on this machine, by the name of their step. */
function clients(job: string): Map<string, { readonly pid: number; readonly words: readonly string[] }> {
  const found = new Map<string, { pid: number; words: string[] }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let words: string[];
    try {
      words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    } catch {
      continue;
    }
    const step = words.find((word) => word.startsWith('--job-name='))?.slice('--job-name='.length);
    // srun forks once: the parent is found first, and has the smaller number.
    if (words[0] === 'srun' && words.includes(`--jobid=${job}`) && step !== undefined && !found.has(step))
      found.set(step, { pid: Number(pid), words });
  }
  return found;
}

describe('steps of SLURM', { skip, concurrency: 4, timeout: 600_000 }, () => {
  let cluster: SlurmCluster;
  before(async () => {
    // Enough nodes that tests need not wait for each other.
    cluster = await SlurmCluster.start(10);
  });
  after(() => cluster.stop());

  async function assertGone(run: SmallRun, { job, run: { id } }: Allocation): Promise<void> {
    assert.equal((await run.status()).state, 'ended');
    // slurmctld lists a step until its node has reported the end, which may come after srun's.
    const deadlineMs = Date.now() + 10_000;
    let steps: string[];
    do {
      const listed = (await cluster.ask('squeue', '-h', '-s', '-j', job, '-o', '%i|%j')).split('\n');
      steps = listed.filter((step) => step !== '' && !step.endsWith('|batch'));
    } while (steps.length > 0 && Date.now() < deadlineMs);
    assert.deepEqual(steps, []);
    assert.deepEqual(await processesOfRun(`${id} ${run.directory}`), []);
  }

  test('come up tier by tier, each under its name on its node, and leave nothing', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({}, ['sh', '-c', 'echo hello; sleep 1']), place.run);
    await run.noticed((one) => one.type === 'line' && one.text === 'hello', 'the benchmark to speak');
    const steps = (await cluster.ask('squeue', '-h', '-s', '-j', place.job, '-o', '%j|%N')).split('\n');
    assert.deepEqual(
      steps.filter((step) => !step.startsWith('batch')).sort(),
      ['aggregated-0', 'benchmark', 'nginx', 'router-0'].map((id) => `${id}|${place.nodes[0]}`),
    );
    const { outcome, report } = await run.result;
    assert.deepEqual([outcome, report], ['ok', null]);
    assert.match(await run.log('benchmark'), /^srtctl: step \d+\.\d+ is process \d+ on node\d\nhello\n$/);
    const status = await run.status();
    assert.deepEqual(
      status.nodes.map(({ name }) => name),
      place.nodes,
    );
    assert.match(status.endpoint ?? '', /^http:\/\/127\.\d+\.\d+\.\d+:8000$/);
    await assertGone(run, place);
  });

  for (const status of [3, 0]) {
    test(`end the run when a worker exits with ${status} while it starts`, async (t) => {
      const place = await allocate(t, cluster, 1);
      const run = await startRun(t, smallFleet({ worker: { says: 'bad flag', endsAtOnce: true, status } }), place.run);
      const { outcome, report } = await run.result;
      assert.equal(outcome, 'start');
      assert.match(report?.summary ?? '', new RegExp(`^aggregated-0 on n0 exited with status ${status} before it was ready`));
      assert.deepEqual(report?.lastLines, ['bad flag']);
      await assertGone(run, place);
    });
  }

  test('end the run when a worker exits with 0 under load', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({ worker: { status: 0 } }, ['sleep', '60']), place.run);
    await run.noticed(isState('benchmarking'), 'the benchmark to run');
    process.kill(pidOf(run, 'aggregated-0'), 'SIGUSR2');
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'running');
    assert.equal(report?.summary, 'aggregated-0 on n0 exited with status 0 while it was needed');
    await assertGone(run, place);
  });

  test('end the run when a router is killed, and also what it left behind', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({ router: { hasChildren: true } }, ['sleep', '60']), place.run);
    await run.noticed(isState('benchmarking'), 'the benchmark to run');
    process.kill(pidOf(run, 'router-0'), 'SIGKILL');
    const { outcome, report } = await run.result;
    assert.deepEqual([outcome, report?.process], ['running', 'router-0']);
    assert.match(report?.summary ?? '', /^router-0 on n0 was ended by SIGKILL/);
    const children = run.notices.flatMap((one) => (one.type === 'line' ? (/^(?:child|stray) (\d+)$/.exec(one.text)?.[1] ?? []) : []));
    assert.equal(children.length, 2);
    for (const pid of children) assert.equal(await isAlive(Number(pid)), false, `${pid} is alive`);
    await assertGone(run, place);
  });

  test('are gone when their srun is killed, and the run ends', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({}, ['sleep', '60']), place.run);
    await run.noticed(isState('benchmarking'), 'the benchmark to run');
    process.kill(clients(place.job).get('router-0')!.pid, 'SIGKILL');
    const { outcome, report } = await run.result;
    assert.deepEqual([outcome, report?.process], ['running', 'router-0']);
    assert.match(await run.log('router-0'), /the srun client of this step was ended by SIGKILL/);
    await assertGone(run, place);
  });

  test('end the run when their node is set down, although srun ends with 0', async (t) => {
    const place = await allocate(t, cluster, 2);
    const plan = smallFleet({}, ['sleep', '60']);
    const processes = plan.processes.map((one): PlannedProcess => {
      const [argv, rest] = [one.argv, JSON.stringify([one.ready, one.ports])];
      if (one.id !== 'router-0') return one;
      const moved = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('<node0>:30080', '<node1>:30080')) as T;
      assert.ok(rest.includes('30080'));
      return {
        ...one,
        node: 'n1',
        ready: moved(one.ready),
        argv: argv.map((word) => word.replace('"host":"<node0>"', '"host":"<node1>"')),
      };
    });
    const run = await startRun(t, { ...plan, nodes: ['n0', 'n1'], processes }, place.run);
    await run.noticed(isState('benchmarking'), 'the benchmark to run');
    await cluster.ask('scontrol', 'update', `nodename=${place.nodes[1]}`, 'state=down', 'reason=test');
    const { outcome, report } = await run.result;
    assert.deepEqual([outcome, report?.node], ['running', 'n1'], report?.summary);
    assert.match(
      `${report?.summary}${report?.also.join('')}`,
      new RegExp(`${place.nodes[1]}: srun: error: Node failure on ${place.nodes[1]}`),
    );
    await cluster.command(['scontrol', 'update', `nodename=${place.nodes[1]}`, 'state=resume']);
  });

  test('do not start when a port of their node is taken, and name who has it', async (t) => {
    const place = await allocate(t, cluster, 1);
    const address = cluster.shape.nodes.find(({ name }) => name === place.nodes[0])!.address;
    const server = net.createServer().listen(30_080, address);
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(() => server.close());
    const run = await startRun(t, smallFleet(), place.run);
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'start');
    assert.match(
      report?.summary ?? '',
      new RegExp(
        `^http port 30080 of router-0 on n0 \\(${address}:30080\\) is taken by pid ${process.pid} \\(.*node.*\\) on ${place.nodes[0]}$`,
      ),
    );
  });

  test('that ignore SIGTERM are killed in the end, and that is said', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({ worker: { ignoresTerm: true } }, null), place.run);
    await run.noticed(isState('serving'), 'the fleet to serve');
    run.cancel('SIGTERM');
    await run.noticed((one) => one.type === 'line' && one.text === 'SIGTERM heard and ignored', 'the worker to ignore SIGTERM');
    run.cancel('SIGTERM');
    const { outcome, report } = await run.result;
    assert.equal(outcome, 'cancelled');
    assert.ok(
      report?.stopped.some((line) => /^aggregated-0 did not stop within .* and was killed$/.test(line)),
      report?.stopped.join('; '),
    );
    await assertGone(run, place);
  });

  test('say why they cannot start when the allocation ends under them', async (t) => {
    const place = await allocate(t, cluster, 1);
    const run = await startRun(t, smallFleet({ worker: { loadsMs: 60_000 } }, null), place.run);
    await run.noticed(
      (one) => one.type === 'process' && one.id === 'aggregated-0' && (one.detail ?? '').includes('503'),
      'the worker to load',
    );
    await cluster.ask('scancel', place.job);
    const { outcome, report } = await run.result;
    assert.deepEqual([outcome, report?.process], ['start', 'aggregated-0'], report?.summary);
    assert.match(report?.summary ?? '', /^aggregated-0 on n0 was ended by SIG(?:TERM|KILL) before it was ready/);
  });

  test('get variables, directories and GPUs exactly as planned', async (t) => {
    const place = await allocate(t, cluster, 1);
    const directory = await newDirectory(t);
    const secret = 'hf_abcdefghij0123456789';
    const odd = { COMMAS: 'a,b', SPACES: ' a  b ', QUOTES: `'"\\$HOME`, LINES: 'a\nb', EMPTY: '', HF_TOKEN: secret };
    const script =
      'const { COMMAS, SPACES, QUOTES, LINES, EMPTY, CUDA_VISIBLE_DEVICES, HF_TOKEN } = process.env;' +
      'console.log(JSON.stringify({ COMMAS, SPACES, QUOTES, LINES, EMPTY, CUDA_VISIBLE_DEVICES, same: HF_TOKEN.length, cwd: process.cwd(), argv: process.argv.slice(1) }));' +
      'setInterval(() => {}, 1000)';
    const argv = [process.execPath, '-e', script, '--', 'a b', '$HOME', "it's", '#x', ''];
    const hostile = join(directory, "it's a $(dir) #1");
    const step = (what: string, words: readonly string[]): PlannedStep => ({ what, argv: words, cwd: null, env: {} });
    const plan = planOf(
      [
        planned('decode-0', {
          argv,
          gpus: [1, 3],
          env: { ...odd, CUDA_VISIBLE_DEVICES: '1,3' },
          before: [step('first', ['mkdir', hostile]), step('second', ['sh', '-c', 'echo "in $1"; test -d "$1"', 'x', hostile])],
        }),
      ],
      { nodes: ['n0'], preamble: 'export FROM_PREAMBLE=1\necho preamble' },
    );
    const run = await startRun(t, plan, { ...place.run, directory, secrets: [secret] });
    await run.noticed((one) => one.type === 'line' && one.text.startsWith('{'), 'the program to speak');
    const command = clients(place.job).get('decode-0')!.words.join(' ');
    run.cancel('SIGTERM');
    await run.result;
    const lines = run.notices.flatMap((one) => (one.type === 'line' ? [one.text] : []));
    assert.deepEqual(lines.slice(0, 4), ['preamble', 'srtctl: first', 'srtctl: second', `in ${hostile}`]);
    const { HF_TOKEN: _, ...open } = odd;
    assert.deepEqual(JSON.parse(lines[4]!), {
      ...open,
      CUDA_VISIBLE_DEVICES: '1,3',
      same: secret.length,
      cwd: directory,
      argv: argv.slice(4),
    });
    assert.ok(command.includes('COMMAS=a,b'), 'the command line was read');
    assert.ok(!command.includes(secret), 'a secret stands on the command line of srun');
    await assertGone(run, place);
  });

  test('fail when a step before them or their directory is not what was planned', async (t) => {
    const place = await allocate(t, cluster, 1);
    const processes = [
      planned('decode-0', { before: [{ what: 'install', argv: ['sh', '-c', 'exit 5'], cwd: null, env: {} }] }),
      planned('decode-1', { cwd: '/no/such/directory', argv: ['sleep', '60'] }),
      planned('decode-2', { argv: ['no-such-program'] }),
    ].map((one) => ({ ...one, critical: false }));
    const run = await startRun(t, planOf(processes, { nodes: ['n0'] }), place.run);
    for (const { id } of processes)
      await run.noticed((one) => one.type === 'process' && one.id === id && one.state === 'ended', `${id} to end`);
    run.cancel('the test');
    await run.result;
    const ends = Object.fromEntries((await run.status()).processes.map(({ id, exitCode }) => [id, exitCode]));
    assert.deepEqual(ends, { 'decode-0': 125, 'decode-1': 125, 'decode-2': 127 });
    assert.match(await run.log('decode-0'), /install failed with status 5/);
    assert.match(await run.log('decode-1'), /no\/such\/directory/);
    assert.match(await run.log('decode-2'), /no-such-program.*No such file/);
  });

  test('show a line at once, without waiting for its end of line to be far away', async (t) => {
    const place = await allocate(t, cluster, 1);
    const script = 'printf "one\\n"; sleep 0.2; printf "two\\rthree\\r"; printf "to stderr\\n" >&2; exec sleep 60';
    const run = await startRun(t, planOf([planned('decode-0', { argv: ['sh', '-c', script] })], { nodes: ['n0'] }), place.run);
    await run.noticed((one) => one.type === 'line' && one.text === 'to stderr', 'the last line');
    const lines = run.notices.flatMap((one) => (one.type === 'line' ? [one.text] : []));
    assert.deepEqual(lines, ['one', 'two', 'three', 'to stderr']);
    run.cancel('the test');
    await run.result;
  });

  test('64 of them on four nodes start within 5 s and end within 10 s', async (t) => {
    const place = await allocate(t, cluster, 4);
    const script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.2; done';
    const processes = Array.from({ length: 64 }, (_, index) =>
      planned(`decode-${index}`, { node: `n${index % 4}`, argv: ['sh', '-c', script] }),
    );
    const run = await startRun(t, planOf(processes, { nodes: ['n0', 'n1', 'n2', 'n3'] }), place.run);
    await run.noticed(isState('starting'), 'the start');
    const startMs = performance.now();
    const spoken = (text: string): number => run.notices.filter((one) => one.type === 'line' && one.text === text).length;
    while (spoken('up') < 64 && performance.now() - startMs < 60_000) await sleep(20);
    const startedMs = performance.now() - startMs;
    const endMs = performance.now();
    run.cancel('the test');
    const { outcome, report } = await run.result;
    const endedMs = performance.now() - endMs;
    t.diagnostic(`started in ${Math.round(startedMs)} ms, ended in ${Math.round(endedMs)} ms`);
    assert.equal(spoken('up'), 64);
    assert.equal(outcome, 'cancelled');
    assert.deepEqual(
      report?.stopped.filter((line) => /killed|could not/.test(line)),
      [],
    );
    assert.equal(spoken('bye'), 64);
    await assertGone(run, place);
    // On a machine of two cores that does nothing else: 3 s and 2 s.
    assert.ok(startedMs < 5000 * PATIENCE, `the start took ${startedMs} ms`);
    assert.ok(endedMs < 10_000 * PATIENCE, `the end took ${endedMs} ms`);
  });
});

/** A busy machine is no failure of ours; the bounds hold on one that is not. */
const PATIENCE = 3;
