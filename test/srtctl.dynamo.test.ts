/** Dynamo recipes as users run them on one machine: real etcd, nats-server, nginx, Dynamo frontends, and its simulated engines. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { PointResult } from '../src/srtctl/bench/point-result.ts';
import type { StatusFile } from '../src/srtctl/supervise/run-directory.ts';
import { dynamoOrSkip } from './support/dynamo.ts';
import { NGINX_MISSING } from './support/nginx-process.ts';
import { type ApplyOptions, complete, lives, SrtctlRun } from './support/srtctl-run.ts';
import { until } from './support/until.ts';

const dynamo = await dynamoOrSkip();
const RECIPE = 'quickstart-dynamo';

function apply(t: TestContext, options: ApplyOptions = {}): Promise<SrtctlRun> {
  return SrtctlRun.apply(t, RECIPE, { ...options, env: { ...dynamo.env, ...options.env } });
}

/** Until the benchmark measures. */
function underLoad(run: SrtctlRun): Promise<StatusFile> {
  return run.reaches(({ processes }) => processes.some(({ lastLine }) => lastLine?.includes('warm-up') === true), 'the benchmark');
}

async function assertNoScratch(run: SrtctlRun): Promise<void> {
  assert.equal(existsSync(scratchOf(await run.directory())), false, 'data of etcd or NATS is left');
}

describe('Dynamo mode', { concurrency: 3, skip: dynamo.skip || NGINX_MISSING }, () => {
  test('several frontends, 2 prefill and 2 decode workers come up tier by tier, are measured, and go without a trace', async (t) => {
    const run = await apply(t, {
      set: [
        ...['prefill_nodes', 'prefill_workers', 'decode_nodes', 'decode_workers'].map((key) => `resources.${key}=2`),
        'backend.num_additional_frontends=3',
        'benchmark.num_prompts_mult=8',
      ],
    });
    const status = await run.inState('benchmarking');
    assert.deepEqual(status.processes.map(({ id }) => id).sort(), [
      ...['benchmark', 'decode-0', 'decode-1', 'etcd', 'frontend-0', 'frontend-1', 'frontend-2', 'frontend-3'],
      ...['nats', 'nginx', 'prefill-0', 'prefill-1'],
    ]);
    const readyAt = (id: string): number => Date.parse(status.processes.find((process) => process.id === id)?.readyAt ?? '');
    assert.ok(Math.max(readyAt('etcd'), readyAt('nats')) <= Math.min(readyAt('prefill-0'), readyAt('decode-1')), 'infrastructure first');
    assert.ok(Math.max(readyAt('prefill-0'), readyAt('decode-1')) <= readyAt('frontend-0'), 'workers before frontends');
    const answer = await complete(status.endpoint!, 'tiny');
    assert.equal(answer.events, 12, answer.text);
    const pids = status.processes.flatMap(({ pid }) => pid ?? []);
    assert.deepEqual(strangers(pids), [], 'listeners outside of the addresses of the run');
    assert.deepEqual(await run.end(), { code: 0, signal: null }, run.program.stdout);
    const directory = await run.directory();
    const results = path.join(directory, 'results', 'sa-bench_isl_64_osl_8');
    const points = readdirSync(results)
      .filter((name) => name.startsWith('results_concurrency'))
      .map((name) => JSON.parse(readFileSync(path.join(results, name), 'utf8')) as PointResult);
    assert.deepEqual(
      points.map(({ max_concurrency, completed }) => completed / (max_concurrency ?? 0)),
      [8, 8],
    );
    await assertNoScratch(run);
    const order = eventsOf(directory).flatMap(({ type, id, state }) => (type === 'process' && state === 'ended' ? [id] : []));
    assert.deepEqual(order.slice(-2).sort(), ['etcd', 'nats'], 'infrastructure ends last');
  });

  test('two runs at once with one frontend each, and aggregated workers, count their own workers only', async (t) => {
    const options: ApplyOptions = {
      set: [
        'backend.enable_multiple_frontends=false',
        ...['agg_nodes=1', 'agg_workers=2', 'gpus_per_node=2', 'gpus_per_agg=1'].map((text) => `resources.${text}`),
      ],
      unset: [
        'benchmark',
        ...['prefill_nodes', 'prefill_workers', 'decode_nodes', 'decode_workers'].map((key) => `resources.${key}`),
        ...['backend.num_additional_frontends', 'backend.sglang_config.prefill', 'backend.sglang_config.decode'],
      ],
      // Variables of Dynamo and etcd in a user's shell lead nobody elsewhere.
      env: { ETCD_ENDPOINTS: 'http://127.0.0.1:1', DYN_NAMESPACE: 'elsewhere', DYN_DISCOVERY_BACKEND: 'mem', ETCD_DATA_DIR: '/nowhere' },
    };
    const runs = await Promise.all([apply(t, options), apply(t, options)]);
    const statuses = await Promise.all(runs.map((run) => run.inState('serving')));
    const namespaces = new Set<string>();
    for (const [index, { processes, endpoint }] of statuses.entries()) {
      assert.deepEqual(processes.map(({ id }) => id).sort(), ['aggregated-0', 'aggregated-1', 'etcd', 'frontend-0', 'nats']);
      const health = await (await fetch(`${endpoint}/health`)).text();
      const listed = [...health.matchAll(/"endpoint":"generate","namespace":"([^"]+)"/g)].map(([, namespace]) => namespace!);
      assert.equal(listed.length, 2, `run ${index} lists ${health}`);
      assert.equal(new Set(listed).size, 1);
      assert.match(listed[0]!, /^srtctl-quickstart-dynamo-\d{8}-\d{6}$/);
      namespaces.add(`${endpoint} ${listed[0]}`);
      assert.equal((await complete(endpoint!, 'tiny')).events, 12);
    }
    assert.equal(namespaces.size, 2);
    const [first, second] = runs as [SrtctlRun, SrtctlRun];
    first.program.child.kill('SIGINT');
    assert.deepEqual(await first.end(), { code: 130, signal: null }, first.program.stderr);
    await assertNoScratch(first);
    assert.equal((await complete(statuses[1]!.endpoint!, 'tiny')).events, 12, 'the other run serves on');
    const directory = await second.directory();
    const left = statuses[1]!.processes.flatMap(({ pid }) => pid ?? []);
    second.program.child.kill('SIGKILL');
    await second.program.exit();
    // Its guard is what ends the others.
    await until(() => !left.some(lives), 'all processes of a killed srtctl to end');
    await until(() => !existsSync(scratchOf(directory)), 'its scratch folder to go');
  });

  for (const [victim, summary] of [
    ['etcd', /^etcd on n0 was ended by SIGKILL while it was needed$/],
    ['decode-0', /^decode-0 on n1 was ended by SIGKILL while it was needed$/],
    ['frontend-1', /^frontend-1 on n1 was ended by SIGKILL while it was needed$/],
  ] as const) {
    test(`${victim} killed under load ends the run with 7 and is named`, async (t) => {
      const run = await apply(t, { set: ['benchmark.num_prompts_mult=10000'] });
      const status = await underLoad(run);
      process.kill(run.pidOf(status, victim), 'SIGKILL');
      assert.deepEqual(await run.end(), { code: 7, signal: null }, run.program.stderr);
      const { report } = await run.status();
      assert.equal(report?.process, victim, report?.summary);
      assert.match(report.summary, summary);
      await assertNoScratch(run);
    });
  }

  test('an etcd that hangs is named although all that lose it end with 0', async (t) => {
    // A short lease, for a short test.
    const lease = ['ETCD_LEASE_TTL=8', 'ETCD_KEEPALIVE_INTERVAL_SECONDS=2', 'ETCD_KEEPALIVE_TIMEOUT_SECONDS=2'];
    const run = await apply(t, { unset: ['benchmark'], set: lease.map((text) => `environment.${text}`) });
    const status = await run.inState('serving');
    const etcd = run.pidOf(status, 'etcd');
    process.kill(etcd, 'SIGSTOP');
    await run.inState('stopping');
    // It would be killed in the end, but only after a while.
    process.kill(etcd, 'SIGCONT');
    assert.deepEqual(await run.end(), { code: 7, signal: null }, run.program.stderr);
    const { report } = await run.status();
    assert.equal(report?.process, 'etcd', report?.summary);
    assert.match(report.summary, /^etcd on n0 did not answer for longer than its lease, .* on n\d exited with status 0/);
    assert.match(report.hints.join('\n'), /ETCD_LEASE_TTL/);
    for (const other of report.also) assert.match(other, /exited with status 0 while it was needed$/);
  });

  test('a fleet without its prefill worker is not ready, and the report says which is missing', async (t) => {
    const python = `${dynamo.env['PATH']?.split(':')[0]}/python3`;
    const script = `#!/bin/sh\ncase "$*" in *"--disaggregation-mode prefill"*) exec sleep 600 ;; esac\nexec ${python} "$@"\n`;
    const folder = folderWith(t, { python3: script });
    const run = await apply(t, { set: ['health_check.max_attempts=15'], env: { PATH: `${folder}:${dynamo.env['PATH']}` } });
    assert.deepEqual(await run.end(), { code: 5, signal: null }, run.program.stdout);
    const { report, processes } = await run.status();
    assert.match(
      report?.summary ?? '',
      /^prefill-0 on n0 did not become ready, .*: http:\/\/127\.[\d.]+:7500\/health: nobody listens there/,
    );
    assert.notEqual(processes.find(({ id }) => id === 'decode-0')?.readyAt, null);
  });

  test('a worker whose bootstrap port was taken is found before any request is sent to it, and named', async (t) => {
    const server = net.createServer().listen(0, '127.0.255.254');
    await once(server, 'listening');
    t.after(() => server.close());
    // On another address: only a listener on all addresses, such as the mocker's, meets it.
    const { port } = server.address() as net.AddressInfo;
    const set = [`backend.sglang_config.prefill.bootstrap-ports=${port}`, 'health_check.max_attempts=15'];
    const run = await apply(t, { set });
    assert.deepEqual(await run.end(), { code: 5, signal: null }, run.program.stdout);
    const { report } = await run.status();
    assert.equal(report?.process, 'prefill-0');
    assert.match(report.summary, /it has registered and cannot serve \(is its bootstrap port taken\?\)/);
    assert.match(report.hints[0] ?? '', /^Port conflict/);
  });

  test('without Dynamo nothing is started, and what is missing is named with what to do', async (t) => {
    const folder = folderWith(t, { python3: '#!/bin/sh\necho dynamo.mocker\n' });
    const run = await apply(t, { env: { PATH: `${folder}:${dynamo.env['PATH']}` } });
    assert.equal((await run.program.exit()).code, 4);
    assert.match(
      run.program.stderr,
      /python3 has no module dynamo\.mocker, and prefill-0 needs it: make a Python that has it \(python3 -m venv DIR; /,
    );
    assert.deepEqual(readdirSync(run.outputs), []);
  });
});

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'srtctl-dynamo-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), text);
    chmodSync(path.join(folder, name), 0o755);
  }
  return folder;
}

interface RunEvent {
  readonly type: string;
  readonly id?: string;
  readonly state?: string;
}

function eventsOf(directory: string): readonly RunEvent[] {
  return readFileSync(path.join(directory, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
}

function scratchOf(directory: string): string {
  return path.join(directory, 'scratch');
}

/** Addresses outside of 127.0.0.0/8 that these processes listen on, as /proc/net writes them. */
function strangers(pids: readonly number[]): readonly string[] {
  const own = new Set(pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).flatMap((fd) => readLink(`/proc/${pid}/fd/${fd}`) ?? [])));
  return ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/net/${file}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === LISTENING && own.has(`socket:[${inode}]`))
      .flatMap(([, address = '']) => (/^[0-9A-F]{6}7F:/.test(address) ? [] : [`${file} ${address}`])),
  );
}

const LISTENING = '0A';

function readLink(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
}
