import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { RankRetries } from './rank-retries.ts';

const RECORD = {} as WorkerRecord; // Only its identity counts.

test('pauses grow to ten seconds, one retry at a time, until the engine is forgotten', () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const retries = new RankRetries(clock, (record) => {
    assert.equal(record, RECORD);
    asked.push(clock.nowMs());
    retries.askLater(record);
    retries.askLater(record);
  });
  retries.askLater(RECORD);
  clock.advance(40_000);
  assert.deepEqual(
    asked.map((ms, at) => ms - (asked[at - 1] ?? 0)),
    [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  retries.forget(RECORD);
  assert.equal(clock.pending, 0);
  retries.askLater(RECORD);
  clock.advance(250);
  assert.equal(asked.length, 9, 'the next retry begins with a short pause');
  retries.stop();
  assert.equal(clock.pending, 0);
});
