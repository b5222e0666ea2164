/** A supervisor that is killed leaves nothing behind. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { GUARD_NAME } from '../src/srtctl/local/guard.ts';
import type { StatusFile } from '../src/srtctl/supervise/run-directory.ts';
import { Program, ROOT } from './support/program.ts';
import { isAlive, newDirectory, pidsOfRun, smallFleet, startRun } from './support/small-fleet.ts';

interface Killed {
  readonly program: Program;
  readonly directory: string;
  readonly id: string;
  /** Pids that the processes of the run told, those of children outside of their group among them. */
  readonly pids: readonly number[];
}

/** A supervisor as a process of its own, its fleet (deaf to SIGTERM, with children) serving. */
async function serving(t: TestContext, id: string): Promise<Killed> {
  const directory = await newDirectory(t);
  const plan = JSON.stringify(smallFleet({ worker: { hasChildren: true, ignoresTerm: true } }, null));
  const program = Program.run(t, process.execPath, [`${ROOT}.build/test/support/supervisor.main.js`, directory, id, plan]);
  await program.says('"serving"');
  const said = [...program.stdout.matchAll(/"(?:child|stray) (\d+)"/g)].map((match) => Number(match[1]));
  assert.equal(said.length, 2);
  const pids = [...new Set([...said, ...(await pidsOfRun(id))])];
  assert.ok(pids.length >= 5);
  return { program, directory, id, pids };
}

async function assertNothingLeft({ id, pids }: Killed): Promise<void> {
  let left: number[] = [];
  const look = async (): Promise<void> => {
    left = await pidsOfRun(id);
    for (const pid of pids) if (await isAlive(pid)) left.push(pid);
  };
  const limitMs = performance.now() + 20_000;
  for (await look(); left.length > 0 && performance.now() < limitMs; await look()) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(left, []);
}

describe('after kill -9 of the supervisor', { concurrency: 2 }, () => {
  test('its processes, their children and those that left their group end, and the next run finds its place free', async (t) => {
    const killed = await serving(t, `orphans-a-${process.pid}`);
    process.kill(killed.program.child.pid ?? 0, 'SIGKILL');
    const next = await startRun(t, smallFleet());
    await assertNothingLeft(killed);
    assert.equal((await next.result).outcome, 'ok');
    assert.match(
      await readFile(join(killed.directory, 'logs', 'guard.log'), 'utf8'),
      /^srtctl: the supervisor is gone; ending process groups:( \d+){3}\n$/,
    );
    const status = JSON.parse(await readFile(join(killed.directory, 'status.json'), 'utf8')) as StatusFile;
    assert.notEqual(status.state, 'ended');
    assert.equal(status.supervisor.pid, killed.program.child.pid);
    assert.equal(await isAlive(status.supervisor.pid), false);
  });

  test('they end even if their guard had been killed before', async (t) => {
    const killed = await serving(t, `orphans-b-${process.pid}`);
    const first = await guardOf(killed.id);
    assert.notEqual(first, null);
    process.kill(first ?? 0, 'SIGKILL');
    let second: number | null = null;
    for (const limitMs = performance.now() + 20_000; (second === null || second === first) && performance.now() < limitMs; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      second = await guardOf(killed.id);
    }
    assert.ok(second !== null && second !== first, 'there is no other guard');
    process.kill(killed.program.child.pid ?? 0, 'SIGKILL');
    await assertNothingLeft(killed);
  });
});

async function guardOf(id: string): Promise<number | null> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (!words.includes(GUARD_NAME)) continue;
    assert.doesNotMatch(words, /srtctl|sglang|python|node/, 'a word that people end processes by');
    const variables = (await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')).split('\0');
    if (variables.some((variable) => variable.startsWith(`KEEPER_MARK=${id}@`))) return Number(name);
  }
  return null;
}
