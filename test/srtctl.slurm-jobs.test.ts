/** srtctl on a real SLURM cluster, from apply to a run that is over, by every way that a job can end. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { allocate, skipWithoutSlurm } from './slurm/allocation.ts';
import { SlurmCluster } from './slurm/cluster.ts';
import { Shell, SMALL } from './slurm/shell.ts';
import { ROOT } from './support/program.ts';

const skip = await skipWithoutSlurm();

/** What recipes of srt-slurm ask for beside engines and routers. */
const PUBLIC = `schema: 2
name: public
model: {path: tiny}
resources: {gpus_per_node: 4}
engine: sim
frontend: {type: sglang-router, enable_multiple_frontends: false}
roles:
  prefill: {nodes: 1, workers: 1, gpus: 1, args: {tp-size: 1}}
  decode: {nodes: 1, workers: 1, gpus: 1, args: {tp-size: 1}}
host_setup:
  commands: ['echo "setup $SLURMD_NODENAME" >> hosts']
  teardown: ['echo "teardown $SLURMD_NODENAME" >> hosts']
services:
  - name: side
    placement: {node: workers}
    start: before_workers
    critical: true
    command: [bash, -c, 'echo side is up; exec sleep 1000']
    readiness: {log: {pattern: '^side is up$'}}
health_check: {interval_seconds: 1, max_attempts: 60}
benchmark: {type: trace-replay, trace_file: trace.jsonl, placement: {node: dedicated}}
`;

describe('a job of SLURM', { skip, concurrency: 4, timeout: 600_000 }, () => {
  let cluster: SlurmCluster;
  let seed = '';
  before(async () => {
    // Enough nodes that tests need not wait for each other.
    cluster = await SlurmCluster.start(12);
    seed = await readFile(`${ROOT}recipes/seed-slurm-sim.yaml`, 'utf8');
  });
  after(() => cluster.stop());

  test('runs the complete recipe on four nodes, is measured, and ends with its exit code', async (t) => {
    const shell = await Shell.open(t, cluster, seed);
    const { code, stdout, stderr } = await shell.run('apply', '-f', 'recipe.yaml', '--wait', '--set', 'sbatch_directives.exclusive=true');
    assert.equal(code, 0, stdout + stderr);
    const job = /^Job (\d+) /.exec(stdout)![1]!;
    assert.match(stdout, /benchmark \|[^\n]*concurrency 8, measured: 16\/16 requests/);
    assert.match(stdout, new RegExp(`${job} succeeded after`));
    const status = await shell.status(job);
    const count = (role: string): number => status.processes.filter((process) => process.role === role).length;
    assert.deepEqual(['nginx', 'router', 'prefill', 'decode', 'benchmark'].map(count), [1, 4, 2, 2, 1]);
    const routers = status.processes.filter(({ role }) => role === 'router');
    assert.equal(new Set(routers.map(({ node }) => node)).size, 4);
    const files = await readdir(join(shell.directory, 'outputs', job));
    for (const file of ['recipe.yaml', 'plan.json', 'sbatch.sh', 'job.json', 'logs', 'status.json', 'results'])
      assert.ok(files.includes(file), file);
    assert.ok(!files.includes('handover.json'));
    assert.deepEqual(await readdir(join(shell.directory, 'outputs')), [job], 'nothing else was made');
    assert.match(await shell.file(job, 'logs', 'slurm.log'), /ended: ok/);
    await shell.assertGone(job);
  });

  test('takes schema 2, sets its hosts up, starts services and a client on nodes of their own, and replays a trace', async (t) => {
    const shell = await Shell.open(t, cluster, PUBLIC);
    const lines = [0, 40, 90].map((timestamp) => JSON.stringify({ timestamp, input_length: 64, output_length: 4, hash_ids: [timestamp] }));
    await writeFile(join(shell.directory, 'trace.jsonl'), `${lines.join('\n')}\n`);
    const { code, stdout, stderr } = await shell.run('apply', '-f', 'recipe.yaml', '--wait');
    assert.equal(code, 0, stdout + stderr);
    const job = /^Job (\d+) /.exec(stdout)![1]!;
    const { processes } = await shell.status(job);
    const nodesOf = (begin: string): readonly string[] => processes.flatMap(({ id, node }) => (id.startsWith(begin) ? [node] : [])).sort();
    assert.deepEqual(nodesOf('host-setup'), ['client', 'n0', 'n1']);
    assert.deepEqual(nodesOf('service-side'), ['n0', 'n1']);
    assert.deepEqual(nodesOf('benchmark'), ['client']);
    const said = (await shell.file(job, 'hosts')).trim().split('\n');
    assert.deepEqual(
      said.map((line) => line.split(' ')[0]),
      ['setup', 'setup', 'setup', 'teardown', 'teardown', 'teardown'],
    );
    assert.equal(new Set(said).size, 6, 'each on three nodes');
    assert.match(stdout, /3\/3 requests/);
    await shell.assertGone(job);
  });

  test('serves streams through the pairs, and is watched and cancelled from other shells', async (t) => {
    const shell = await Shell.open(t, cluster, seed);
    const job = await shell.submit(t, '--unset', 'benchmark', '--set', 'sbatch_directives.exclusive=true');
    const logs = shell.start(['logs', '-f', '-r', job, '-n', 'all']);
    const wait = shell.start(['wait', job]);
    const ready = await shell.run('wait', job, '--for', 'ready', '--timeout', '60');
    assert.equal(ready.code, 0, ready.stderr);
    const body = { model: 'deepseek-r1-fp4', prompt: 'The sea is', max_tokens: 8, stream: true };
    const answer = await fetch(`${ready.stdout.trim()}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.equal((text.match(/^data: \{/gm) ?? []).length >= 8, true, text);
    assert.match(text, /data: \[DONE\]\s*$/);
    const told = await shell.run('status', job);
    assert.match(told.stdout, new RegExp(`${job} +serving`));
    assert.match(told.stdout, /prefill-1 +n1 .*ready/);
    const cancelled = await shell.run('cancel', job);
    assert.equal(cancelled.code, 0, cancelled.stderr);
    assert.match(cancelled.stdout, /asked to stop\n.*: cancelled/);
    assert.equal((await wait.ended).code, 130);
    const lines = await logs.ended;
    assert.equal(lines.code, 0, lines.stderr);
    assert.match(lines.stdout, /^decode-1 +\| /m);
    const { report } = await shell.status(job);
    assert.equal(report?.summary, 'cancelled by SIGTERM while serving');
    // 143: a busy SLURM may deliver one signal twice, and the second ends a simulated engine at once.
    assert.deepEqual(
      report?.stopped.filter((line) => !/exited with status (?:0|143)$/.test(line)),
      [],
    );
    await shell.assertGone(job);
  });

  test('with a wrong bootstrap port is not ready, and the hint says why', async (t) => {
    const shell = await Shell.open(t, cluster, seed);
    const nodes = ['prefill_nodes', 'prefill_workers', 'decode_nodes', 'decode_workers'].flatMap((key) => ['--set', `resources.${key}=1`]);
    // The plan cannot be told such a thing, so it is changed on its way to the supervisor.
    const job = await shell.submit(
      t,
      ...nodes,
      '--unset',
      'benchmark',
      '--set',
      'health_check.max_attempts=15',
      '--set',
      'sbatch_directives.begin=now+1hour',
    );
    const handover = join(shell.directory, 'outputs', job, 'handover.json');
    const text = await readFile(handover, 'utf8');
    const changed = text.replaceAll(/("--prefill","[^"]*",)"30001"/g, '$1"31999"');
    assert.notEqual(changed, text);
    await writeFile(handover, changed);
    await cluster.ask('scontrol', 'update', `jobid=${job}`, 'starttime=now');
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 5, stderr);
    assert.match(stderr, /Bootstrap mismatch: router-0 is told port 31999 for prefill-0, which listens on 30001/);
    await shell.assertGone(job);
  });

  test('ends in order after a plain scancel', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t);
    await shell.reached(job, 'serving');
    await cluster.ask('scancel', job);
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^cancelled by SIGTERM while serving/);
    await shell.assertGone(job);
  });

  test('ends in order before its time is over', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t, '--set', 'slurm.time_limit=1', '--set', 'health_check.max_attempts=30');
    const { startedAt } = await shell.reached(job, 'serving');
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^cancelled by the time limit of the job, 1[0-5] s before it while serving/);
    const { endedAt, report } = await shell.status(job);
    const lastedMs = Date.parse(endedAt ?? '') - Date.parse(startedAt);
    assert.ok(lastedMs > 30_000 && lastedMs < 60_000, `SLURM warns up to a minute early, and it ran for ${lastedMs} ms`);
    assert.deepEqual(
      report?.stopped.filter((line) => /killed/.test(line)),
      [],
    );
    await shell.assertGone(job);
  });

  test('is over when its supervisor, which is its batch script, is killed', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t);
    const { supervisor, processes } = await shell.reached(job, 'serving');
    assert.equal(processes.filter(({ state }) => state === 'ready').length, 2);
    process.kill(supervisor.pid, 'SIGKILL');
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /is over \(FAILED\), and its supervisor did not live to write how; SLURM ended its processes/);
    assert.match((await shell.run('status', job)).stdout, /did not live/);
    assert.match((await shell.run('list')).stdout, new RegExp(`^${job} .* lost`, 'm'));
    await shell.assertGone(job);
  });

  test('is ended by cancel --force although its supervisor is stopped', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t);
    const { supervisor } = await shell.reached(job, 'serving');
    process.kill(supervisor.pid, 'SIGSTOP');
    const { code, stdout } = await shell.run('cancel', '--force', job);
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`${job}: its supervisor was killed\\n(?:.*\\n)*${job}: SLURM was told to end the job\\n`));
    await shell.assertGone(job);
  });

  test('is over, and not started again, when the node of its supervisor is lost', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t);
    await shell.reached(job, 'serving');
    const node = await cluster.ask('squeue', '-h', '-j', job, '-o', '%N');
    await cluster.ask('scontrol', 'update', `nodename=${node}`, 'state=down', 'reason=test');
    const { code, stderr } = await shell.run('wait', job);
    await cluster.command(['scontrol', 'update', `nodename=${node}`, 'state=resume']);
    // The supervisor is asked to end like everybody else; whether it has the time to say so is SLURM's choice.
    assert.ok(code === 7 || code === 130, `${code}: ${stderr}`);
    assert.match(await cluster.ask('squeue', '-h', '-t', 'all', '-j', job, '-o', '%T'), /^(?:NODE_FAIL|COMPLETING|FAILED|CANCELLED)$/);
    await shell.assertGone(job);
  });

  test('ends with a worker that dies under load, and says who was first', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t);
    const { processes } = await shell.reached(job, 'serving');
    process.kill(processes.find(({ id }) => id === 'aggregated-0')!.pid!, 'SIGKILL');
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /^aggregated-0 on n0 was ended by SIGKILL while it was needed/);
    await shell.assertGone(job);
  });

  test('shares its node with another one, whose ports are others; one whose ports are the same is told who has them', async (t) => {
    const recipe = SMALL.replace('sbatch_directives: { exclusive: true }', '');
    const shell = await Shell.open(t, cluster, recipe);
    const here = ['--set', 'sbatch_directives.gpus-per-node=0', '--set', 'sbatch_directives.nodelist=node3'];
    const first = await shell.submit(t, ...here);
    await shell.reached(first, 'serving');
    const flags = 'backend.sglang_config.aggregated.port=31000';
    const second = await shell.submit(
      t,
      ...here,
      '--set',
      'frontend.public_port=9000',
      '--set',
      flags,
      '--set',
      'frontend.args.prometheus-port=29100',
    );
    const third = await shell.submit(t, ...here);
    const clash = await shell.run('wait', third);
    assert.equal(clash.code, 4, clash.stderr);
    assert.match(clash.stderr, /http port 8000 of router-0 on n0 \(\S+\) is taken by pid \d+ \(.*router\.js.*\) on node3/);
    await shell.reached(second, 'serving');
    for (const job of [first, second]) {
      assert.equal((await shell.run('cancel', job)).code, 0);
      await shell.assertGone(job);
    }
  });

  test('that waits says why in words, and leaves no secret when it is cancelled', async (t) => {
    const shell = await Shell.open(t, cluster);
    const secret = 'hf_abcdefghij0123456789';
    const job = await shell.submit(t, '--set', 'sbatch_directives.begin=now+1hour', '--set', `environment.HF_TOKEN=${secret}`);
    const { stdout } = await shell.run('status', job);
    assert.match(stdout, new RegExp(`^${job}  pending: its begin time has not come \\(BeginTime\\)`));
    const directory = join(shell.directory, 'outputs', job);
    assert.equal((await stat(join(directory, 'handover.json'))).mode & 0o777, 0o600);
    const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    for (const { name, parentPath } of files)
      assert.equal((await readFile(join(parentPath, name), 'utf8')).includes(secret), name === 'handover.json', name);
    const cancelled = await shell.run('cancel', job);
    assert.deepEqual([cancelled.code, cancelled.stdout], [0, `${job}: asked to stop\n${job}: cancelled before it began\n`]);
    assert.ok(!(await readdir(directory)).includes('handover.json'));
    assert.equal((await shell.run('wait', job)).code, 4);
  });

  test('with containers is submitted with a warning where srun knows none', async (t) => {
    const shell = await Shell.open(t, cluster, SMALL.replace('enable_multiple_frontends: false', 'num_additional_frontends: 0'));
    const file = join(shell.directory, 'srtslurm.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('container_runtime: none', 'container_runtime: pyxis'));
    const { code, stdout, stderr } = await shell.run('apply', '-f', 'recipe.yaml', '--json', '--set', 'sbatch_directives.begin=now+1hour');
    assert.equal(code, 0, stderr);
    await cluster.ask('scancel', (JSON.parse(stdout) as { run: string }).run);
    assert.match(stderr, /^warning: .*no --container-image \(pyxis\); that of the nodes must have it/m);
  });

  test('on a SLURM without pyxis, and without a cluster file that says so, asks where containers are needed, and only there', async (t) => {
    const shell = await Shell.open(t, cluster, SMALL.replace('enable_multiple_frontends: false', 'num_additional_frontends: 0'));
    const file = join(shell.directory, 'srtslurm.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('container_runtime: none\n', '').replace('use_segment_sbatch_directive: false\n', ''));
    const run = await shell.run('apply', '-f', 'recipe.yaml', '--wait', '--set', 'benchmark={type: custom, command: "exit 0"}');
    assert.equal(run.code, 0, run.stdout + run.stderr);
    assert.match(run.stderr, /^warning: this SLURM has no pyxis: nginx is that of the nodes/m);
    const asked = await shell.run('apply', '-f', 'recipe.yaml', '--unset', 'backend.type', '--set', 'model.container=lmsysorg/sglang');
    assert.equal(asked.code, 3);
    assert.match(asked.stderr, /aggregated-0 is to run in the container lmsysorg\/sglang.*\n {2}set container_runtime in srtslurm\.yaml/);
  });

  test('is no job of its own inside an allocation, which goes on afterwards', async (t) => {
    const { job, nodes } = await allocate(t, cluster, 2);
    const shell = await Shell.open(t, cluster);
    const words = ['apply', '-f', 'recipe.yaml', '--set', 'benchmark={type: custom, command: "echo measured on $SLURMD_NODENAME"}'];
    const named = await shell.run(...words, '--jobid', job, '--exclude', nodes[0]!);
    assert.equal(named.code, 0, named.stdout + named.stderr);
    assert.match(named.stdout, new RegExp(`measured on ${nodes[1]}`));
    const inside = shell.start(words, { SLURM_JOB_ID: job });
    inside.child.stdin?.end();
    const { code, stdout, stderr } = await inside.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, new RegExp(`in allocation ${job} \\(SLURM_JOB_ID\\)`));
    assert.match(stdout, new RegExp(`measured on ${nodes[0]}`));
    assert.equal(await cluster.ask('squeue', '-h', '-j', job, '-o', '%T'), 'RUNNING');
  });

  test('that travels in its script makes its own directory and runs', async (t) => {
    const shell = await Shell.open(t, cluster);
    const file = join(shell.directory, 'srtslurm.yaml');
    await writeFile(file, `${await readFile(file, 'utf8')}runtime_config_transport: embedded\n`);
    const { code, stdout, stderr } = await shell.run(
      'apply',
      '-f',
      'recipe.yaml',
      '--wait',
      '--set',
      'benchmark={type: custom, command: "true"}',
    );
    assert.equal(code, 0, stdout + stderr);
    const job = /^Job (\d+) /.exec(stdout)![1]!;
    assert.match(await shell.file(job, 'slurm.log'), /ended: ok/);
  });

  test('that can never start ends the wait for it', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t, '--set', 'sbatch_directives.begin=now+1hour');
    await cluster.ask('scontrol', 'hold', job);
    const { code, stderr } = await shell.run('wait', job);
    assert.equal(code, 3);
    assert.match(stderr, /it will never start: held by an administrator/);
  });

  test('that SLURM has forgotten has ended some time ago', async (t) => {
    const shell = await Shell.open(t, cluster);
    const job = await shell.submit(t, '--set', 'sbatch_directives.begin=now+1hour');
    await cluster.ask('scancel', job);
    const file = join(shell.directory, 'outputs', job, 'job.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(`"id": "${job}"`, '"id": "987654"'));
    assert.match((await shell.run('status', '987654')).stdout, /SLURM does not know job 987654 any more: it ended some time ago/);
  });

  for (const [what, more, code, words] of [
    [
      'more nodes than there are',
      ['--set', 'resources.agg_nodes=99', '--set', 'resources.agg_workers=99'],
      3,
      /SLURM would not take the job.*see the node counts/s,
    ],
    [
      'an option that this SLURM does not have',
      ['--set', 'sbatch_directives.segment=1'],
      3,
      /sbatch_directives\.segment: this SLURM has no --segment; remove it/,
    ],
    ['a partition that is not there', ['--set', 'slurm.partition=nowhere'], 3, /invalid partition.*slurm\.partition/s],
    [
      'a value that cannot be quoted',
      ['--set', 'sbatch_directives.comment=a"b'],
      2,
      /sbatch_directives\.comment: "a\\"b" cannot be written/,
    ],
    [
      'an option that srtctl needs',
      ['--set', 'srun_options.nodelist=node1'],
      2,
      /srun_options\.nodelist: the plan says where and what each step runs/,
    ],
  ] as const) {
    test(`is not submitted with ${what}`, async (t) => {
      const shell = await Shell.open(t, cluster);
      const result = await shell.run('apply', '-f', 'recipe.yaml', ...more);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, words);
      assert.deepEqual(await readdir(join(shell.directory, 'outputs')).catch(() => []), []);
    });
  }

  test('goes on when the shell that waits for it is interrupted, and a person is asked', async (t) => {
    const shell = await Shell.open(t, cluster);
    const blind = shell.start(['apply', '-f', 'recipe.yaml', '--wait']);
    await blind.shows(/serving/);
    blind.child.kill('SIGINT');
    const left = await blind.ended;
    const job = /^Job (\d+) /.exec(left.stdout)![1]!;
    t.after(() => cluster.command(['scancel', job]));
    assert.equal(left.code, 130);
    assert.match(left.stderr, new RegExp(`left: job ${job} goes on`));
    assert.equal((await shell.status(job)).state, 'serving');
    assert.equal((await shell.run('cancel', job)).code, 0);

    const person = shell.startOnTerminal(['apply', '-f', 'recipe.yaml', '--wait']);
    await person.shows(/serving/);
    person.child.stdin?.write('\x03');
    await person.shows(/\[c\]ancel/);
    person.child.stdin?.write('c\n');
    const { code, stdout } = await person.ended;
    assert.equal(code, 130, stdout);
    assert.match(stdout, /cancelled by SIGTERM while serving/);
  });
});
