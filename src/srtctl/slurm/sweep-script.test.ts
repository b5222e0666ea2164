import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../../test/support/small-fleet.ts';
import { readSwept, sweepArgv } from './sweep-script.ts';

const DEAF = "trap '' TERM; while :; do sleep 1; done";

function sweep(mark: string, tasks: Parameters<typeof sweepArgv>[1]): readonly string[] {
  const [program = '', ...args] = sweepArgv(mark, tasks);
  const { stdout } = spawnSync(program, args, { encoding: 'utf8', env: { PATH: process.env['PATH'], SLURMD_NODENAME: 'node1' } });
  return readSwept(stdout);
}

test('what carries the mark of a run is ended, whatever started it, and nothing else', async (t) => {
  const mark = `12 /runs/it's ${randomUUID()}`;
  const marked = spawn('sh', ['-c', DEAF], { detached: true, stdio: 'ignore', env: { PATH: process.env['PATH'], SRTCTL_RUN_ID: mark } });
  const other = spawn('sleep', ['60'], { stdio: 'ignore', env: { PATH: process.env['PATH'], SRTCTL_RUN_ID: `${mark}0` } });
  t.after(() => other.kill('SIGKILL'));
  const ended = new Promise((resolve) => marked.once('exit', resolve));
  const swept = sweep(mark, []);
  await ended;
  assert.ok(swept.includes(`pid ${marked.pid} (sh -c ${DEAF}) had left its step and was killed`), swept.join('; '));
  assert.ok(await isAlive(other.pid!));
  assert.deepEqual(sweep(mark, []), []);
});

test('what is left of the group of an ended task is ended, on its own node, unless somebody else has the number now', async (t) => {
  const leader = spawn('sh', ['-c', `sh -c "${DEAF}" & echo $!; exec sleep 60`], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const child = await new Promise<number>((resolve) => leader.stdout!.once('data', (bytes: Buffer) => resolve(Number(bytes.toString()))));
  const pid = leader.pid!;
  t.after(() => spawnSync('sh', ['-c', `kill -s KILL -- -${pid}`]));
  const none = randomUUID();
  assert.deepEqual(sweep(none, [{ node: 'node1', pid }]), [], 'its leader lives');
  const ended = new Promise((resolve) => leader.once('exit', resolve));
  process.kill(pid, 'SIGKILL');
  await ended;
  assert.deepEqual(sweep(none, [{ node: 'node2', pid }]), [], 'it is a task of another node');
  assert.ok(await isAlive(child));
  assert.deepEqual(sweep(none, [{ node: 'node1', pid }]), [
    `pid ${pid} (what was left of its process group) had left its step and was killed`,
  ]);
  // A signal takes its time to arrive.
  for (const deadline = performance.now() + 5000; (await isAlive(child)) && performance.now() < deadline; ) await sleep(5);
  assert.equal(await isAlive(child), false);
});
