/** A short part of the soak (`npm run test:soak` is the long one), and what its judges say of runs that are not right. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Seen } from './soak/client.ts';
import { SoakEngine } from './soak/engine.ts';
import { explain } from './soak/explain.ts';
import { Lane } from './soak/lane.ts';
import { judgeMemory } from './soak/memory.ts';
import type { PlannedFault } from './soak/plan.ts';
import { table } from './soak/report.ts';
import { runSoak, type SoakSettings, verdicts } from './soak/soak.ts';

const SHORT: SoakSettings = { seconds: 12, restartEverySecs: 3, clients: 8, seed: 1 };

test('in a short soak every outcome is explained, every count returns to zero and no descriptor is left', {
  timeout: 120_000,
}, async (t) => {
  const reports = await runSoak(t, SHORT);
  t.diagnostic(`\n${table(reports)}`);
  for (const report of reports) {
    for (const { isRight, text } of verdicts(report, SHORT)) assert.ok(isRight, `${report.name}: ${text}`);
  }
});

const settingsOf = (seconds: number) => ({ ...SHORT, seconds, name: 'single', isPaired: false, flags: ['--disable-retries'] });

test('a router without retries does not pass the soak', { timeout: 60_000 }, async (t: TestContext) => {
  // On a busy machine few requests fit into the time.
  let report = await (await Lane.start(t, settingsOf(4))).run();
  if (report.unexplainedCount === 0) report = await (await Lane.start(t, settingsOf(20))).run();
  assert.ok(report.unexplainedCount > 0, `${report.requests} requests, ${report.faults} faults`);
  assert.ok(verdicts(report, settingsOf(4)).some(({ isRight }) => !isRight));
});

function seen(words: string, fault: PlannedFault | null, engine: number | null, bodyBytes = 100): Seen {
  const plan = { id: 'a', isStream: true, parts: 4, partBytes: 10, delayMs: 0, gapMs: 0, fault };
  return { plan, bodyBytes, words, engine, startMs: 10_000, endMs: 12_000 };
}

/** Engines 0 and 1 are regular; engine 1 was killed at this time. */
function circumstances(killedAtMs: number): { engines: SoakEngine[]; maxReplayBytes: number } {
  const engines = [new SoakEngine(0, 'regular'), new SoakEngine(1, 'regular')];
  engines[1]?.killedAtMs.push(killedAtMs);
  return { engines, maxReplayBytes: 1000 };
}

test('only what a rule says explains an outcome', () => {
  const early: PlannedFault = { name: 'reset', at: 0 };
  const late: PlannedFault = { name: 'late reset', at: 0 };
  const at11 = circumstances(11_000);
  assert.equal(explain(seen('200 whole', null, 0), at11), 'whole');
  assert.equal(explain(seen('200 wrong', null, 0), at11), null);
  assert.equal(explain(seen('silent', null, null), at11), null);
  assert.equal(explain(seen('503 no_available_workers', null, null), at11), null);
  assert.equal(explain(seen('502 call_upstream_reset', early, null), at11), null, 'another worker would have answered');
  assert.equal(explain(seen('502 call_upstream_reset', early, null, 2000), at11), 'too long to repeat');
  assert.equal(explain(seen('429 whole', { name: '429', at: 0 }, null, 2000), at11), 'too long to repeat');
  assert.equal(explain(seen('200 cut call_upstream_cut', late, 0), at11), 'cut by its fault');
  assert.equal(explain(seen('200 whole', late, 0), at11), null, 'what was cut looks whole');
  assert.equal(explain(seen('200 cut call_upstream_cut', null, 1), at11), 'cut with its worker');
  assert.equal(explain(seen('200 cut call_upstream_cut', null, 0), at11), null, 'another worker was killed');
  assert.equal(explain(seen('200 cut call_upstream_cut', null, 1), circumstances(20_000)), null, 'it was killed later');
  assert.equal(explain(seen('429 whole', { name: '429', at: 'all' }, null), at11), 'every worker');
  assert.equal(explain(seen('429 whole', { name: '429', at: 0 }, null), at11), null);
});

test('memory that grows through the whole run is not flat, memory that grows at its beginning is', () => {
  const at = (bytes: (i: number) => number) => Array.from({ length: 100 }, (_, i) => ({ atMs: i * 1000, bytes: bytes(i) }));
  assert.ok(judgeMemory(at((i) => 100e6 + i * 1e6)).growth > 0.1);
  assert.ok(judgeMemory(at((i) => (i < 20 ? 50e6 + i * 5e6 : 150e6))).growth < 0.01);
});
