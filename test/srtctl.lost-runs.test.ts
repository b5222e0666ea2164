/** Runs whose supervisor is gone, silent or never began, and runs with damaged files: what every command says of them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { bootId, processStartTime, runOf } from '../src/srtctl/launch/proc.ts';
import type { JobFile, StatusFile, SupervisorIdentity } from '../src/srtctl/supervise/run-directory.ts';
import { isAlive } from './support/small-fleet.ts';
import { type Ran, srtctl } from './support/srtctl-command.ts';

const MINUTE_MS = 60_000;

interface Made {
  readonly outputs: string;
  readonly directory: string;
  readonly run: (...args: string[]) => Promise<Ran>;
}

function outputsOf(t: TestContext): string {
  const outputs = mkdtempSync(path.join(tmpdir(), 'srtctl-lost-'));
  t.after(() => rmSync(outputs, { recursive: true, force: true }));
  return outputs;
}

async function identity(pid: number): Promise<SupervisorIdentity> {
  return { pid, startTime: (await processStartTime(pid)) ?? 1, host: hostname(), bootId: await bootId() };
}

/** The supervisor of a run: this process lives; a number that nobody has is gone. */
const GONE = 2 ** 22 + 1;

/** A run that is measured, `ageMs` after its last sign. `pid`: of its supervisor. */
async function made(t: TestContext, id: string, { outputs = outputsOf(t), pid = GONE, ageMs = 0, hasStatus = true } = {}): Promise<Made> {
  const directory = path.join(outputs, id);
  mkdirSync(path.join(directory, 'logs'), { recursive: true });
  const supervisor = await identity(pid);
  const createdAt = new Date(Date.now() - ageMs - MINUTE_MS).toISOString();
  const job: JobFile = {
    version: 1,
    id,
    name: 'lost',
    launcher: 'local',
    createdAt,
    host: hostname(),
    recipeFile: null,
    tags: [],
    supervisor,
  };
  const dead = { exitCode: null, signal: null, endedAt: null, detail: null, silentSince: null };
  const status: StatusFile = {
    version: 1,
    id,
    name: 'lost',
    state: 'benchmarking',
    tier: null,
    outcome: null,
    exitCode: null,
    startedAt: createdAt,
    updatedAt: new Date(Date.now() - ageMs).toISOString(),
    endedAt: null,
    endpoint: 'http://127.0.0.10:8000',
    nodes: [],
    supervisor,
    processes: [
      {
        ...{
          id: 'decode-0',
          role: 'decode',
          node: 'n1',
          tier: 1,
          state: 'ready',
          pid: 1,
          log: 'logs/decode-0.out',
          lastLine: 'Decode batch.',
        },
        ...{ startedAt: createdAt, readyAt: createdAt, ...dead },
      },
    ],
    report: null,
  };
  writeFileSync(path.join(directory, 'plan.json'), '{}');
  writeFileSync(path.join(directory, 'job.json'), JSON.stringify(job));
  if (hasStatus) writeFileSync(path.join(directory, 'status.json'), JSON.stringify(status));
  return { outputs, directory, run: (...args) => srtctl([...args, '-o', outputs]) };
}

/** A process that outlived its run, in a session of its own. */
function orphan(t: TestContext, mark: string): ChildProcess {
  const child = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'], SRTCTL_RUN_ID: mark }, detached: true, stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Resolves when the mark can be read: between fork and exec it is that of the test. */
async function marked({ pid = 0 }: ChildProcess): Promise<void> {
  while ((await runOf(pid)) === null) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a run whose supervisor is gone', () => {
  test('is lost in every command, and nothing of it is ready', async (t) => {
    const { run } = await made(t, 'a');
    const status = await run('status');
    assert.equal(status.code, 7);
    assert.match(status.stdout, /^lost {2}a: its supervisor is gone without having ended it; none of its processes runs here any more\n/);
    assert.match(status.stdout, /decode-0 +n1 +lost /);
    assert.doesNotMatch(status.stdout, /ready/);
    const json = JSON.parse((await run('status', '--json')).stdout) as { state: string; processes: { state: string }[] };
    assert.deepEqual([json.state, json.processes[0]?.state], ['lost', 'lost']);
    assert.match((await run('list')).stdout, /^a .* lost\n$/);
    const wait = await run('wait');
    assert.deepEqual([wait.code, wait.stderr.startsWith('lost  a: ')], [7, true]);
    const cancel = await run('cancel');
    assert.deepEqual([cancel.code, cancel.stdout.startsWith('lost  a: ')], [0, true]);
  });

  test('before it wrote a status is not waited for', async (t) => {
    const { run } = await made(t, 'b', { hasStatus: false });
    assert.match((await run('status')).stdout, /^lost {2}b: /);
    assert.equal((await run('wait')).code, 4);
    assert.equal((await run('cancel')).code, 0);
  });

  test('and whose processes still run, says so, and cancel --force ends those with its mark alone', async (t) => {
    const { run, directory } = await made(t, 'c');
    const [own, other] = [orphan(t, `c@${directory}`), orphan(t, `c@${directory}-2`)];
    await marked(own);
    assert.match(
      (await run('status')).stdout,
      new RegExp(`1 of its processes still run: pid ${own.pid} \\(sleep 60\\); "srtctl cancel --force c"`),
    );
    assert.equal((await run('cancel')).code, 7);
    const forced = await run('cancel', '--force', 'c');
    assert.equal(forced.code, 0, forced.stderr);
    assert.match(
      forced.stdout,
      new RegExp(`c: ended pid ${own.pid} \\(sleep 60\\)\\nc: no process with its mark is left on this machine\\n`),
    );
    assert.deepEqual([await isAlive(own.pid ?? 0), await isAlive(other.pid ?? 0)], [false, true]);
  });
});

test('a supervisor that has given no sign for long is told with the age of the last one', async (t) => {
  const { run } = await made(t, 'd', { pid: process.pid, ageMs: 22 * MINUTE_MS });
  const { code, stdout } = await run('status');
  assert.equal(code, 0);
  assert.match(stdout, /^no sign of the supervisor of d for 22 m \d\d s: what follows is as old\n/);
});

test('cancel without a name takes the only run that lasts, and else names the choice', async (t) => {
  const { run, outputs } = await made(t, 'e', { pid: process.pid });
  await made(t, 'f', { outputs });
  assert.match((await run('cancel', '--no-wait')).stdout, /^e: asked to stop\n$/);
  await made(t, 'g', { outputs, pid: process.pid });
  const { code, stderr } = await run('cancel');
  assert.equal(code, 2);
  assert.match(stderr, /^error: 2 runs last: name one of (e, g|g, e)\n$/);
});

describe('damaged files', () => {
  for (const [kind, text] of [
    ['empty', ''],
    ['cut or overwritten', '{"version": 1, "id": "x", "na'],
    ['zeroed', '\0'.repeat(300)],
    ['not an object', '[]'],
  ] as const)
    test(`are named, and hide no other run: ${kind}`, async (t) => {
      const { run, outputs, directory } = await made(t, 'whole', { pid: process.pid });
      const job = await made(t, 'job', { outputs, pid: process.pid });
      writeFileSync(path.join(job.directory, 'job.json'), text);
      const status = await made(t, 'status', { outputs, pid: process.pid });
      writeFileSync(path.join(status.directory, 'status.json'), text);
      const list = await run('list');
      assert.equal(list.code, 0, list.stderr);
      assert.match(list.stdout, /^whole .* benchmarking /m);
      assert.match(list.stdout, new RegExp(`^job .* unreadable: job\\.json is unreadable \\(${kind}\\)`, 'm'));
      assert.match(list.stdout, new RegExp(`^status .* unreadable: status\\.json is unreadable \\(${kind}\\)`, 'm'));
      const shown = await run('status', 'status');
      assert.deepEqual([shown.code, shown.stdout.split('\n')[0]], [7, `status  unreadable: status.json is unreadable (${kind})`]);
      assert.equal((await run('status', directory)).code, 0);
    });
});
