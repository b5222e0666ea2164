import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '../../../base/runtime/fake-clock.ts';
import { ProbeLanes } from './probe-lanes.ts';

/** Three probes named a, b and c that start when they may and run until their `leave` is called. */
function enterAll(lanes: ProbeLanes, started: string[], leave: (() => void)[]): void {
  for (const name of ['a', 'b', 'c']) {
    lanes.whenFree(() => {
      started.push(name);
      leave.push(lanes.enter());
    });
  }
}

test('waiting probes start in order as lanes become free', () => {
  const lanes = new ProbeLanes(new FakeClock(), { lanes: 1, holdMs: 100, open: 10 });
  const started: string[] = [];
  const leave: (() => void)[] = [];
  enterAll(lanes, started, leave);
  assert.deepEqual(started, ['a']);
  leave[0]!();
  leave[0]!();
  assert.deepEqual(started, ['a', 'b'], 'leaving twice frees one lane');
  leave[1]!();
  assert.deepEqual(started, ['a', 'b', 'c']);
});

test('a probe that hangs frees its lane after a while and still counts as open', () => {
  const clock = new FakeClock();
  const lanes = new ProbeLanes(clock, { lanes: 1, holdMs: 100, open: 2 });
  const started: string[] = [];
  const leave: (() => void)[] = [];
  enterAll(lanes, started, leave);
  assert.equal(lanes.isCrowded, true);
  clock.advance(100);
  assert.deepEqual(started, ['a', 'b']);
  clock.advance(1000);
  assert.deepEqual(started, ['a', 'b'], 'two may be open');
  leave[0]!();
  assert.deepEqual(started, ['a', 'b', 'c']);
});

test('a withdrawn probe is not started', () => {
  const lanes = new ProbeLanes(new FakeClock(), { lanes: 1, holdMs: 100, open: 10 });
  const leave = lanes.enter();
  let starts = 0;
  const start = (): void => void starts++;
  lanes.whenFree(start);
  lanes.whenFree(start);
  lanes.withdraw(start);
  leave();
  assert.equal(starts, 0);
});
