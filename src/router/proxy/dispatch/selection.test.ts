import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { workerOf } from '../../../../test/support/worker-of.ts';
import { LoadTable } from '../../../base/core/load.ts';
import { NONE, type Worker, type WorkerRank } from '../../../base/core/worker.ts';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import type { Policy } from '../../policy/contract.ts';
import { random } from '../../policy/random.ts';
import type { RouterMetrics } from '../../telemetry/metrics.ts';
import { NO_PROMPT } from '../request/scanned-prompt.ts';
import { Turn } from '../turn.ts';
import { Attempt } from './attempt.ts';
import { Selection } from './selection.ts';
import { SeriesTable } from './series-table.ts';

const HEAD = { find: () => undefined };

/** Workers 0, 1, ...: each one is a rank of the engine named, or an engine without ranks where the name is ''. */
function selectionOf(...engines: readonly string[]): Selection {
  const selection = new Selection({ policy: random as Policy, state: null }, 'regular', new LoadTable(), createRng(1), () => () => ({
    value: 0,
  }));
  const workers = engines.map((engine, index): Worker => {
    const rank: WorkerRank | null = engine === '' ? null : { number: index, size: engines.length, engineUrl: engine };
    return workerOf(index, { rank });
  });
  const eligible = { regular: Int32Array.from(engines.keys()), prefill: new Int32Array(0), decode: new Int32Array(0) };
  selection.snapshotChanged({ version: 1, workers, eligible, overloaded: { regular: 0, prefill: 0, decode: 0 }, total: workers.length });
  return selection;
}
const chosen = (selection: Selection, ...failed: readonly number[]): number[] => {
  const workers = Array.from({ length: 200 }, () => selection.choose(NO_PROMPT, HEAD, 0, failed).worker);
  return [...new Set(workers)].sort((a, b) => a - b);
};

describe('a selection after failures', () => {
  it('avoids all workers that failed', () => {
    const selection = selectionOf('', '', '', '');
    assert.deepEqual(chosen(selection, 1), [0, 2, 3]);
    assert.deepEqual(chosen(selection, 1, 3), [0, 2]);
    assert.deepEqual(chosen(selection), [0, 1, 2, 3], 'and none for the next request');
  });

  it('returns to those that failed first when nothing else is left, and never to the last one', () => {
    const selection = selectionOf('', '', '');
    assert.deepEqual(chosen(selection, 0, 1, 2), [0]);
    assert.deepEqual(chosen(selectionOf(''), 0), [NONE]);
  });

  it('avoids the other ranks of the engines that failed, until only these are left', () => {
    const selection = selectionOf('a', 'a', 'b', 'b', 'c', 'c');
    assert.deepEqual(chosen(selection, 0), [2, 3, 4, 5]);
    assert.deepEqual(chosen(selection, 0, 3), [4, 5]);
    assert.deepEqual(chosen(selection, 0, 3, 4), [1, 2, 5], 'ranks that have not failed themselves');
    assert.deepEqual(chosen(selectionOf('a', 'a'), 0), [1]);
  });

  it('knows whether another worker or another engine is left', () => {
    const selection = selectionOf('a', 'a', '');
    assert.equal(selection.hasOther([0], 'engines'), true);
    assert.equal(selection.hasOther([0, 2], 'engines'), false);
    assert.equal(selection.hasOther([0, 2], 'workers'), true);
    assert.equal(selection.hasOther([0, 1, 2], 'workers'), false);
    assert.equal(selection.hasOther([], 'engines'), true);
    assert.equal(selectionOf().hasOther([], 'workers'), false);
  });
});

describe('a selection that adopts another policy', () => {
  it('makes all its workers known to it, and chooses with it from then on', () => {
    const selection = selectionOf('', '', '');
    const joined: number[] = [];
    const last: Policy = {
      ...(random as Policy),
      name: 'last',
      select: (view) => ({ worker: view.at(view.count - 1), because: 'last', matchedBytes: 0 }),
      join: (_, { index }) => joined.push(index),
    };
    selection.adopt({ policy: last, state: null });
    assert.deepEqual(joined, [0, 1, 2]);
    assert.deepEqual(chosen(selection), [2]);
    assert.equal(selection.policy.name, 'last');
  });

  it('lets an attempt end with the policy that chose its worker', () => {
    const selection = selectionOf('', '');
    const settled: string[] = [];
    const learning = (name: string): Policy => ({ ...(random as Policy), name, settled: () => settled.push(name) });
    selection.adopt({ policy: learning('before'), state: null });
    const parts = {
      turn: new Turn(new FakeClock()),
      load: new LoadTable(),
      series: new SeriesTable({} as RouterMetrics),
      attempts: { attemptStarted: () => {}, attemptEnded: () => {}, forgive: () => {}, isInDoubt: () => false },
    };
    const choice = selection.choose(NO_PROMPT, HEAD, 0);
    const attempt = new Attempt(parts, choice.worker, choice, selection);
    selection.adopt({ policy: learning('after'), state: null });
    attempt.end('ok', 200);
    assert.deepEqual(settled, ['before']);
  });
});
