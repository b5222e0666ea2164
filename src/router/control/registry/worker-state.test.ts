import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { initialState, isUp, type Phase, step, type WorkerEvent, type WorkerState } from './worker-state.ts';

const EVENTS: readonly WorkerEvent[] = [
  'probe-passed',
  'probe-refused',
  'probe-broken',
  'probe-unready',
  'probe-wrong',
  'probe-late',
  'probe-slow',
  'health-passed',
  'health-failed',
  'silent',
  'unchecked',
  'attempt-answered',
  'attempt-unreachable',
  'attempt-reset',
  'attempt-cut',
  'ranks-known',
  'removed',
];

const THRESHOLDS = { failureThreshold: 3, successThreshold: 2 };

function after(...events: WorkerEvent[]): WorkerState {
  return events.reduce((state, event) => step(state, event, THRESHOLDS).state, initialState(true));
}

const UNREADY: readonly WorkerEvent[] = ['probe-passed', 'probe-unready', 'probe-unready', 'probe-unready'];

const cases: readonly (readonly [name: string, events: readonly WorkerEvent[], phase: Phase])[] = [
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
  ['three probes of 503 make it unready', ['probe-passed', 'probe-unready', 'probe-unready', 'probe-unready'], 'unready'],
  ['two do not', ['probe-passed', 'probe-unready', 'probe-unready'], 'ready'],
  [
    'a passed probe between them starts the count anew',
    ['probe-passed', 'probe-unready', 'probe-unready', 'probe-passed', 'probe-unready'],
    'ready',
  ],
  [
    'answers do not: an engine that shuts down answers',
    ['probe-passed', 'probe-unready', 'probe-unready', 'attempt-answered', 'probe-unready'],
    'unready',
  ],
  ['three probes that no engine answers so take it out', ['probe-passed', 'probe-wrong', 'probe-wrong', 'probe-wrong'], 'unreachable'],
  ['three probes that are late where that counts make it unready', ['probe-passed', 'probe-late', 'probe-late', 'probe-late'], 'unready'],
  ['one passed probe does not bring an unready worker back', [...UNREADY, 'probe-passed'], 'unready'],
  ['two do', [...UNREADY, 'probe-passed', 'probe-passed'], 'ready'],
  ['two with a failed one between do not', [...UNREADY, 'probe-passed', 'probe-unready', 'probe-passed'], 'unready'],
  [
    'a failed /health never makes an unready worker hung: it is paused',
    [...UNREADY, 'health-failed', 'health-failed', 'health-failed'],
    'unready',
  ],
  ['one that was silent before it was unready hangs', [...UNREADY, 'silent'], 'hung'],
  ['a worker that is silent and fails /health hangs', ['probe-passed', 'silent'], 'hung'],
  ['so does one that fails /health three times', ['probe-passed', 'health-failed', 'health-failed', 'health-failed'], 'hung'],
  [
    'a passed /health between starts the count anew',
    ['probe-passed', 'health-failed', 'health-failed', 'health-passed', 'health-failed'],
    'ready',
  ],
  ['passed probes of /ready do not', ['probe-passed', 'health-failed', 'health-failed', 'probe-passed', 'health-failed'], 'hung'],
  ['a flag does not bring a hung worker back', ['probe-passed', 'silent', 'probe-unready', 'probe-passed', 'probe-passed'], 'hung'],
  ['a passed /health does', ['probe-passed', 'silent', 'health-passed'], 'ready'],
  ['a hung worker that restarts is back with a probe', ['probe-passed', 'silent', 'probe-refused', 'probe-passed'], 'ready'],
  ['without checks it is ready at once', ['unchecked'], 'ready'],
  ['and again after it was unreachable', ['unchecked', 'attempt-unreachable', 'unchecked'], 'ready'],
  ['but not while it hangs', ['unchecked', 'silent', 'unchecked'], 'hung'],
  ['slow probes never take it out', ['probe-passed', 'probe-slow', 'probe-slow', 'probe-slow'], 'ready'],
  ['answers that were cut off do not take it out', ['probe-passed', 'attempt-cut', 'attempt-cut', 'attempt-cut'], 'ready'],
  ['an unready worker that is gone is unreachable', [...UNREADY, 'probe-refused'], 'unreachable'],
  ['an unready worker that resets two requests is unreachable', [...UNREADY, 'attempt-reset', 'attempt-reset'], 'unreachable'],
  ['an unreachable worker that answers 503 is unready', ['probe-passed', 'probe-refused', 'probe-unready'], 'unready'],
  ['an old request that ends well does not bring it back', ['probe-passed', 'probe-refused', 'attempt-answered'], 'unreachable'],
  ['removed is final', ['probe-passed', 'removed', 'probe-passed'], 'removed'],
];
for (const [name, events, phase] of cases) {
  test(name, () => assert.equal(after(...events).phase, phase));
}

test('the first doubt asks for a probe now, leaving asks for one soon, and nothing else asks', () => {
  const wanted = (events: WorkerEvent[], last: WorkerEvent): string => step(after(...events), last, THRESHOLDS).probe;
  assert.equal(wanted(['probe-passed'], 'attempt-reset'), 'now');
  assert.equal(wanted(['probe-passed'], 'attempt-cut'), 'now');
  assert.equal(wanted(['probe-passed', 'attempt-reset'], 'attempt-reset'), 'soon');
  assert.equal(wanted(['probe-passed'], 'attempt-unreachable'), 'soon');
  assert.equal(wanted(['probe-passed', 'attempt-unreachable'], 'attempt-unreachable'), 'no');
  assert.equal(wanted(['probe-passed'], 'attempt-answered'), 'no');
  assert.equal(wanted([], 'probe-refused'), 'no');
});

const ranked: readonly (readonly [name: string, events: readonly WorkerEvent[], phase: Phase])[] = [
  ['an engine whose ranks are unknown is asked for them when a probe passes', ['probe-passed'], 'asking'],
  ['further passed probes do not make it ready', ['probe-passed', 'probe-passed'], 'asking'],
  ['its ranks make it ready', ['probe-passed', 'ranks-known'], 'ready'],
  ['an engine that is asked can leave', ['probe-passed', 'probe-refused'], 'unreachable'],
  ['three probes of 503 make it unready, asked or not', UNREADY, 'unready'],
  ['ranks alone do not make a pending engine ready', ['ranks-known'], 'pending'],
  ['ranks that became known before its first probe make it ready with that', ['ranks-known', 'probe-passed'], 'ready'],
  ['ranks that became known while it was away make it ready when it is back', ['probe-refused', 'ranks-known', 'probe-passed'], 'ready'],
  ['ranks stay known', ['probe-passed', 'ranks-known', 'probe-refused', 'probe-passed'], 'ready'],
];
for (const [name, events, phase] of ranked) {
  test(name, () => {
    const state = events.reduce((before, event) => step(before, event, THRESHOLDS).state, initialState(false));
    assert.equal(state.phase, phase);
  });
}

test('after any history a restart makes a worker ready or asking, and removed stays', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(fc.constantFrom(...EVENTS), { maxLength: 40, size: 'max' }), (areRanksKnown, events) => {
      const state = events.reduce((before, event) => step(before, event, THRESHOLDS).state, initialState(areRanksKnown));
      const wasRemoved = events.includes('removed');
      assert.equal(state.phase === 'removed', wasRemoved);
      if (!wasRemoved) assert.equal(state.areRanksKnown, areRanksKnown || events.includes('ranks-known'));
      const up = state.areRanksKnown ? 'ready' : 'asking';
      const restarted = (['probe-refused', 'probe-passed'] as const).reduce(
        (before, event) => step(before, event, THRESHOLDS).state,
        state,
      );
      assert.equal(restarted.phase, wasRemoved ? 'removed' : up);
      assert.ok(isUp(state) || state.failures + state.healthFailures === 0, 'only a worker that is up fails');
      assert.ok(state.passes === 0 || state.phase === 'unready', 'only an unready worker counts passes');
      assert.ok(state.failures < 3 && state.healthFailures < 3 && state.passes < 2 && state.doubts < 2);
      const wasWell = events.includes('probe-passed') || events.includes('unchecked');
      assert.ok(wasWell || state.phase === 'pending' || state.phase === 'removed', 'up only after a passed probe, or without checks');
      const again = step(state, 'attempt-answered', THRESHOLDS).state;
      if (state.doubts === 0) assert.equal(again, state, 'what changes nothing makes no new state');
    }),
  );
});
