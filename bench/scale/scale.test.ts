import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { measureCost, measureStreams, type ScaleOptions, verdicts } from './scale.ts';

test('a small fleet and a few streams pass every step of the benchmark', { timeout: 120_000 }, async (t) => {
  const directory = mkdtempSync(`${tmpdir()}/scale-`);
  const lines: string[] = [];
  const options: ScaleOptions = {
    workers: 24,
    streams: 40,
    streamSecs: 7,
    rounds: 1,
    policies: ['round_robin'],
    windowMs: 300,
    settleMs: 200,
    directory,
    owner: t,
    say: (line) => void lines.push(line),
  };
  const costs = await measureCost(options);
  const streams = await measureStreams(options);
  rmSync(directory, { recursive: true });
  assert.deepEqual([costs[0]?.errors, streams.whole, streams.broken], [0, 40, 0]);
  assert.ok((costs[0]?.requests ?? 0) > 50 && streams.turnMs > 0 && streams.pageBytes > 10_000);
  assert.equal(lines.length, 2);
  // Figures of a loaded machine are not judged here; those that cannot be right are.
  const broken = verdicts(options, costs, { ...streams, whole: 39, broken: 1, turnMs: 51, listMs: 51 });
  assert.equal(broken.filter(({ isRight }) => !isRight).length >= 3, true);
  const dear = verdicts(options, [{ ...costs[0]!, ratio: 1.6 }], streams);
  assert.equal(dear[0]?.isRight, false);
});
