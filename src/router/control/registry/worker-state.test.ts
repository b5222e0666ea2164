import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { initialState, type Phase, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

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
  'ranks-known',
  'removed',
];

function after(...events: WorkerEvent[]): WorkerState {
  return events.reduce((state, event) => step(state, event).state, initialState(true));
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

const ranked: readonly (readonly [name: string, events: WorkerEvent[], phase: Phase])[] = [
  ['an engine whose ranks are unknown is asked for them when a probe passes', ['probe-passed'], 'asking'],
  ['further passed probes do not make it ready', ['probe-passed', 'probe-passed'], 'asking'],
  ['its ranks make it ready', ['probe-passed', 'ranks-known'], 'ready'],
  ['an engine that is asked can leave', ['probe-passed', 'probe-refused'], 'unreachable'],
  ['two probes of 503 mean that it is draining, asked or not', ['probe-passed', 'probe-unready', 'probe-unready'], 'draining'],
  ['ranks alone do not make a pending engine ready', ['ranks-known'], 'pending'],
  ['ranks that became known before its first probe make it ready with that', ['ranks-known', 'probe-passed'], 'ready'],
  ['ranks that became known while it was away make it ready when it is back', ['probe-refused', 'ranks-known', 'probe-passed'], 'ready'],
  ['ranks stay known', ['probe-passed', 'ranks-known', 'probe-refused', 'probe-passed'], 'ready'],
];
for (const [name, events, phase] of ranked) {
  test(name, () => {
    const state = events.reduce((before, event) => step(before, event).state, initialState(false));
    assert.equal(state.phase, phase);
  });
}

test('after any history a passed probe makes ready or asking, removed stays, and only a worker that is up is in doubt', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(fc.constantFrom(...EVENTS), { maxLength: 40, size: 'max' }), (areRanksKnown, events) => {
      const state = events.reduce((before, event) => step(before, event).state, initialState(areRanksKnown));
      const wasRemoved = events.includes('removed');
      assert.equal(state.phase === 'removed', wasRemoved);
      if (!wasRemoved) assert.equal(state.areRanksKnown, areRanksKnown || events.includes('ranks-known'));
      const up = state.areRanksKnown ? 'ready' : 'asking';
      assert.equal(step(state, 'probe-passed').state.phase, wasRemoved ? 'removed' : up);
      assert.ok(state.doubts === 0 || (state.doubts === 1 && state.phase === up));
      assert.ok(events.includes('probe-passed') || state.phase === 'pending' || state.phase === 'removed', 'up only after a passed probe');
      const again = step(state, 'attempt-answered').state;
      if (state.doubts === 0) assert.equal(again, state, 'what changes nothing makes no new state');
    }),
  );
});
