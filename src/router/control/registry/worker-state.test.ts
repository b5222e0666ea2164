import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { INITIAL_STATE, type Phase, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

const EVENTS: readonly WorkerEvent[] = [
  'probe-passed',
  'probe-refused',
  'probe-broken',
  'probe-unready',
  'probe-slow',
  'attempt-answered',
  'attempt-unreachable',
  'attempt-reset',
  'attempt-cut',
  'removed',
];

function after(...events: WorkerEvent[]): WorkerState {
  return events.reduce((state, event) => step(state, event).state, INITIAL_STATE);
}

const cases: readonly (readonly [name: string, events: WorkerEvent[], phase: Phase])[] = [
  ['a new worker is pending', [], 'pending'],
  ['a passed probe makes it ready', ['probe-passed'], 'ready'],
  ['a new worker stays pending while its probes do not pass', ['probe-refused', 'probe-unready', 'probe-slow', 'probe-broken'], 'pending'],
  ['an attempt without a connection takes a ready worker out at once', ['probe-passed', 'attempt-unreachable'], 'unreachable'],
  ['a refused probe takes a ready worker out at once', ['probe-passed', 'probe-refused'], 'unreachable'],
  ['a passed probe brings it back', ['probe-passed', 'probe-refused', 'probe-passed'], 'ready'],
  ['one reset leaves it ready', ['probe-passed', 'attempt-reset'], 'ready'],
  ['two resets in a row take it out', ['probe-passed', 'attempt-reset', 'attempt-reset'], 'unreachable'],
  ['an answered attempt between two resets keeps it', ['probe-passed', 'attempt-reset', 'attempt-answered', 'attempt-reset'], 'ready'],
  ['a passed probe between two resets keeps it', ['probe-passed', 'attempt-reset', 'probe-passed', 'attempt-reset'], 'ready'],
  ['a reset and a broken probe take it out', ['probe-passed', 'attempt-reset', 'probe-broken'], 'unreachable'],
  ['two probes of 503 mean that it is draining', ['probe-passed', 'probe-unready', 'probe-unready'], 'draining'],
  ['slow probes never take it out', ['probe-passed', 'probe-slow', 'probe-slow', 'probe-slow'], 'ready'],
  ['answers that were cut off do not take it out', ['probe-passed', 'attempt-cut', 'attempt-cut', 'attempt-cut'], 'ready'],
  ['a draining worker that is gone is unreachable', ['probe-passed', 'probe-unready', 'probe-unready', 'probe-refused'], 'unreachable'],
  ['an unreachable worker that answers 503 is draining', ['probe-passed', 'probe-refused', 'probe-unready'], 'draining'],
  ['an old request that ends well does not bring it back', ['probe-passed', 'probe-refused', 'attempt-answered'], 'unreachable'],
  ['removed is final', ['probe-passed', 'removed', 'probe-passed'], 'removed'],
];
for (const [name, events, phase] of cases) {
  test(name, () => assert.equal(after(...events).phase, phase));
}

test('the first doubt asks for a probe now, leaving asks for one soon, and nothing else asks', () => {
  const wanted = (events: WorkerEvent[], last: WorkerEvent): string => step(after(...events), last).probe;
  assert.equal(wanted(['probe-passed'], 'attempt-reset'), 'now');
  assert.equal(wanted(['probe-passed'], 'attempt-cut'), 'now');
  assert.equal(wanted(['probe-passed', 'attempt-reset'], 'attempt-reset'), 'soon');
  assert.equal(wanted(['probe-passed'], 'attempt-unreachable'), 'soon');
  assert.equal(wanted(['probe-passed', 'attempt-unreachable'], 'attempt-unreachable'), 'no');
  assert.equal(wanted(['probe-passed'], 'attempt-answered'), 'no');
  assert.equal(wanted([], 'probe-refused'), 'no');
});

test('after any history a passed probe makes ready, removed stays, and only a ready worker is in doubt', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40, size: 'max' }), (events) => {
      const state = after(...events);
      const wasRemoved = events.includes('removed');
      assert.equal(state.phase === 'removed', wasRemoved);
      assert.equal(step(state, 'probe-passed').state.phase, wasRemoved ? 'removed' : 'ready');
      assert.ok(state.doubts === 0 || (state.doubts === 1 && state.phase === 'ready'));
      assert.ok(
        events.includes('probe-passed') || state.phase === 'pending' || state.phase === 'removed',
        'ready only after a passed probe',
      );
    }),
  );
});
