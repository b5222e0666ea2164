import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { admits, type BreakerEvent, type BreakerPhase, type BreakerSettings, type BreakerState, CLOSED, stepBreaker } from './breaker.ts';

const SETTINGS: BreakerSettings = { isOn: true, failureThreshold: 3, successThreshold: 2, timeoutMs: 1000, windowMs: 5000 };

type Timed = BreakerEvent | readonly [BreakerEvent, atMs: number];

function after(events: readonly Timed[], settings: BreakerSettings = SETTINGS): BreakerState {
  return events.reduce<BreakerState>((state, timed) => {
    const [event, atMs] = typeof timed === 'string' ? [timed, 0] : timed;
    return stepBreaker(state, event, atMs, settings);
  }, CLOSED);
}

const [FAILED, LOST] = ['failed-status', 'failed-connection'] as const;
const OPEN = [FAILED, FAILED, FAILED] as const;
const OPEN_LOST = [LOST, LOST, LOST] as const;
const HALF = [...OPEN, 'timed-out'] as const;

const cases: readonly (readonly [name: string, events: readonly Timed[], phase: BreakerPhase])[] = [
  ['it is closed', [], 'closed'],
  ['one failure less than the threshold leaves it closed', [FAILED, LOST], 'closed'],
  ['the threshold opens it, whatever the kinds', [FAILED, LOST, FAILED], 'open'],
  ['a success between starts the count anew', [FAILED, FAILED, 'succeeded', FAILED], 'closed'],
  ['what says nothing does not', [FAILED, 'ended', FAILED, 'ended', FAILED], 'open'],
  [
    'a failure older than the window does not count',
    [
      [FAILED, 0],
      [FAILED, 3000],
      [FAILED, 5001],
    ],
    'closed',
  ],
  [
    'one as old as the window does',
    [
      [FAILED, 0],
      [FAILED, 3000],
      [FAILED, 5000],
    ],
    'open',
  ],
  ['a failure that is forgiven does not count', [FAILED, FAILED, 'forgiven', FAILED], 'closed'],
  ['the one that opened it, forgiven, closes it', [...OPEN, 'forgiven'], 'closed'],
  ['and the next failure opens it again', [...OPEN, 'forgiven', FAILED], 'open'],
  ['lost connections are not forgiven', [...OPEN_LOST, 'forgiven'], 'open'],
  ['answers to attempts from before do not close it', [...OPEN, 'succeeded', 'succeeded'], 'open'],
  ['opened by statuses, probes do not close it', [...OPEN, 'probe-failed', 'probe-passed'], 'open'],
  ['nor if one of its failures was a status', [LOST, FAILED, LOST, 'probe-failed', 'probe-passed'], 'open'],
  ['opened by lost connections, a restart closes it', [...OPEN_LOST, 'probe-failed', 'probe-passed'], 'closed'],
  ['a passed probe without a failed one does not', [...OPEN_LOST, 'probe-passed'], 'open'],
  ['nor does a probe that failed before it opened', ['probe-failed', ...OPEN_LOST, 'probe-passed'], 'open'],
  ['its time-out makes it half-open', [...HALF], 'half_open'],
  ['one success less than the threshold leaves it half-open', [...HALF, 'started', 'succeeded'], 'half_open'],
  ['the threshold closes it', [...HALF, 'started', 'succeeded', 'started', 'succeeded'], 'closed'],
  ['4xx never close it', [...HALF, 'started', 'ended', 'started', 'ended', 'started', 'ended'], 'half_open'],
  ['one failure opens it again', [...HALF, 'started', 'succeeded', 'started', FAILED], 'open'],
  ['that failure, forgiven, makes it half-open again', [...HALF, 'started', FAILED, 'forgiven'], 'half_open'],
];
for (const [name, events, phase] of cases) test(name, () => assert.equal(after(events).phase, phase));

test('half-open admits as many attempts at once as successes close it', () => {
  const one = after([...HALF, 'started']);
  const two = stepBreaker(one, 'started', 0, SETTINGS);
  assert.deepEqual([admits(one, SETTINGS), admits(two, SETTINGS)], [true, false]);
  assert.ok(admits(stepBreaker(two, 'ended', 0, SETTINGS), SETTINGS), 'an attempt that says nothing makes room');
  assert.ok(admits(stepBreaker(two, 'succeeded', 0, SETTINGS), SETTINGS));
  assert.ok(!admits(after(OPEN), SETTINGS));
});

test('switched off it never opens', () => {
  assert.equal(after([...OPEN, ...OPEN], { ...SETTINGS, isOn: false }), CLOSED);
});

const EVENTS: readonly BreakerEvent[] = [
  'started',
  'succeeded',
  FAILED,
  LOST,
  'ended',
  'forgiven',
  'timed-out',
  'probe-failed',
  'probe-passed',
];
const history = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.nat(2000)), { maxLength: 60, size: 'max' });
const anySettings = fc.record({
  isOn: fc.constant(true),
  failureThreshold: fc.integer({ min: 1, max: 5 }),
  successThreshold: fc.integer({ min: 1, max: 4 }),
  timeoutMs: fc.constant(1000),
  windowMs: fc.integer({ min: 0, max: 10_000 }),
});

test('after any history: bounded counts, no way out of open but time, a restart or forgiveness, and a way back to closed', () => {
  fc.assert(
    fc.property(history, anySettings, (events, settings) => {
      let state: BreakerState = CLOSED;
      let nowMs = 0;
      for (const [event, passMs] of events) {
        nowMs += passMs;
        const before = state;
        state = stepBreaker(state, event, nowMs, settings);
        if (state.phase !== before.phase)
          assert.ok(allows(before.phase, state.phase, event), `${event}: ${before.phase} to ${state.phase}`);
        if (event === 'ended' || event === 'started') assert.equal(state.phase, before.phase);
        assert.ok(state.phase !== 'closed' || state.strikes.length < settings.failureThreshold);
        assert.ok(state.phase !== 'half_open' || state.successes < settings.successThreshold);
        assert.ok(state.trials >= 0 && (state.trials === 0 || state.phase === 'half_open'));
      }
      state = stepBreaker(state, 'timed-out', nowMs, settings);
      for (let i = 0; i < settings.successThreshold; i++) state = stepBreaker(state, 'succeeded', nowMs, settings);
      assert.deepEqual(state, CLOSED);
    }),
  );
});

function allows(from: BreakerPhase, to: BreakerPhase, event: BreakerEvent): boolean {
  const isFailure = event === FAILED || event === LOST;
  if (to === 'open') return isFailure;
  if (from === 'open')
    return to === 'half_open' ? event === 'timed-out' || event === 'forgiven' : event === 'probe-passed' || event === 'forgiven';
  return from === 'half_open' && to === 'closed' && event === 'succeeded';
}

test('clients’ mistakes and backpressure alone change nothing, whatever their number', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<BreakerEvent>('started', 'ended'), { maxLength: 100 }), anySettings, (events, settings) => {
      assert.equal(
        events.reduce<BreakerState>((state, event) => stepBreaker(state, event, 0, settings), CLOSED),
        CLOSED,
      );
    }),
  );
});
