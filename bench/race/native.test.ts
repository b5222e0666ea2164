import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Entrant, Running } from './entrants/entrant.ts';
import { nodeServer, nodeServers } from './entrants/node-servers.ts';
import { waitForAnswers } from './entrants/readiness.ts';
import { buildNative, startWorker } from './native.ts';
import { findProgram, type Program, Programs } from './processes.ts';
import { measureWindow } from './window.ts';
import { WORKLOADS } from './workloads.ts';

const skip = process.platform !== 'linux' || !findProgram('g++') ? 'needs Linux and g++' : false;
const SETTINGS = { seconds: 0.1, warmup: 0.1, phases: 20 };

let programs: Programs;
const workers: Program[] = [];

before(async () => {
  programs = new Programs(mkdtempSync(join(tmpdir(), 'race-test-')));
  if (skip) return;
  await buildNative(programs);
  for (const name of ['a', 'b']) workers.push(await startWorker(programs, name, 'plain'));
});

after(async () => {
  await programs.stopAll();
  rmSync(programs.dir, { recursive: true, force: true });
});

async function measured(entrant: Entrant, workload: string) {
  const field = { programs, workerPorts: workers.map((worker) => worker.port), prefillPort: 0, decodePort: 0 };
  const running: Running = await entrant.start(field);
  await waitForAnswers(running.port, running.program);
  return measureWindow({ entrant, running }, WORKLOADS[workload]!, { programs, workers, allWorkers: workers }, SETTINGS);
}

const entrant = (name: string): Entrant => nodeServers.find((server) => server.name === name)!;

for (const server of ['raw-sockets', 'http-undici']) {
  test(`${server} answers requests of every size and streams without a wrong byte`, { skip }, async () => {
    for (const workload of ['json1k5', 'json60k', 'sseburst']) {
      const result = await measured(entrant(server), workload);
      assert.deepEqual(result.first_errors, [], workload);
      assert.ok(result.units > 0 && result.cpu_us > 0 && result.rss_mib > 10, workload);
      assert.equal(result.split.length, 2);
      assert.ok(result.split.every((count) => count > 0));
    }
  });
}

test('a paced stream gives its events, and their delay is measured', { skip }, async () => {
  const result = await measured(entrant('raw-sockets'), 'sse100');
  assert.deepEqual(result.first_errors, []);
  assert.ok(result.events > 0.8 * result.expected_events && result.p50_us > 0);
});

test('a changed byte in an answer is an error', { skip }, async () => {
  const result = await measured(nodeServer('spoiler', 'raw-sockets.js', { SPOIL_EVERY: '20' }), 'json1k5');
  assert.ok(result.errors > 0);
  assert.match(result.first_errors[0]!, /answer changed/);
});

test('a proxy that has died is an error, not a figure', { skip }, async () => {
  const server = entrant('raw-sockets');
  const field = { programs, workerPorts: workers.map((worker) => worker.port), prefillPort: 0, decodePort: 0 };
  const running = await server.start(field);
  await waitForAnswers(running.port, running.program);
  await running.program!.stop();
  const result = await measureWindow(
    { entrant: server, running },
    WORKLOADS['json1k5']!,
    { programs, workers, allWorkers: workers },
    SETTINGS,
  );
  assert.equal(result.units, 0);
  assert.match(result.first_errors[0]!, /died|not listen/);
});
