import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';
import { RankQuestions } from './rank-questions.ts';

const RECORD = {} as WorkerRecord; // Only its identity counts.

test('pauses grow to ten seconds, one question at a time, until somebody forgets it', () => {
  const clock = new FakeClock();
  const asked: number[] = [];
  const questions = new RankQuestions(clock, (record) => {
    assert.equal(record, RECORD);
    asked.push(clock.nowMs());
    questions.askLater(record);
    questions.askLater(record);
  });
  questions.askLater(RECORD);
  clock.advance(40_000);
  assert.deepEqual(
    asked.map((ms, at) => ms - (asked[at - 1] ?? 0)),
    [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  questions.forget(RECORD);
  assert.equal(clock.pending, 0);
  questions.askLater(RECORD);
  clock.advance(250);
  assert.equal(asked.length, 9, 'a new question begins with a short pause');
  questions.stop();
  assert.equal(clock.pending, 0);
});
