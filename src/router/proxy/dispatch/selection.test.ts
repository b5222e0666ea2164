import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { workerOf } from '../../../../test/support/worker-of.ts';
import { LoadTable } from '../../../base/core/load.ts';
import { NONE, type Worker, type WorkerRank } from '../../../base/core/worker.ts';
import { createRng } from '../../../base/runtime/rng.ts';
import type { Policy } from '../../policy/contract.ts';
import { random } from '../../policy/random.ts';
import { NO_PROMPT } from '../request/scanned-prompt.ts';
import { Selection } from './selection.ts';

const HEAD = { find: () => undefined };

/** Workers 0, 1, ...: each one is a rank of the engine named, or an engine without ranks where the name is ''. */
function selectionOf(...engines: readonly string[]): Selection {
  const selection = new Selection({ policy: random as Policy, state: null }, 'regular', new LoadTable(), createRng(1), () => ({
    value: 0,
  }));
  const workers = engines.map((engine, index): Worker => {
    const rank: WorkerRank | null = engine === '' ? null : { number: index, size: engines.length, engineUrl: engine };
    return workerOf(index, { rank });
  });
  const eligible = { regular: Int32Array.from(engines.keys()), prefill: new Int32Array(0), decode: new Int32Array(0) };
  selection.snapshotChanged({ version: 1, workers, eligible, total: workers.length });
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
