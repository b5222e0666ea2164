/**
 * Where one worker is in its life, as a pure state machine: event in, state out. Other parts send the events and run the probes.
 * eligibility.ts decides from the state whether the worker may take requests.
 *
 *               ┌──────────────── up ────────────────┐
 *               │            ranks known             │   /health passed
 *   pending ───►│   asking ─────────────────► ready  │◄──────────────── hung ◄─┐
 *     │  probe  │                                    │                         │
 *     │  passed └─┬────────┬───────────────────────┬─┘                         │
 *     │           │        │                       └───────────────────────────┘
 *     │           │        │          silent in flight and /health failed (also from unready), or /health failed
 *     │           │        │          `failureThreshold` times
 *     │           │        │ `failureThreshold` probes of 5xx
 *     │           │        ▼
 *     │           │     unready ── `successThreshold` probes passed ──► up
 *     │           │        │ ▲
 *     │           │ no     │ │ probe of 5xx
 *     │           │ connec-▼ │
 *     │           └────► unreachable ── one probe passed ──► up
 *     │             tion
 *     └──────────► removed ◄── from every phase, final
 *
 *   unready      it takes connections and answers its probes with 5xx: paused, shutting down, or starting again
 *   hung         `/ready` passes, but the engine computes nothing; only a passed `/health` or a restart ends this
 *   unreachable  no connection, or what answers is no engine
 *
 * A worker whose data-parallel ranks are not known yet enters `up` as asking, every other one as ready. If its ranks become known in
 * another phase, the state remembers it.
 *
 * A doubt is an attempt that was reset before any byte. The second in a row counts, with no answered attempt and no passed probe between,
 * and so does a probe whose connection breaks after the first. An answer that was cut off only asks for a probe.
 */
import type { HealthSettings } from './health-settings.ts';

export type Phase = 'pending' | 'asking' | 'ready' | 'unready' | 'hung' | 'unreachable' | 'removed';

export type WorkerEvent =
  | 'probe-passed'
  | 'probe-refused' // no connection: refused, no route, no such name
  | 'probe-broken' // the connection timed out or broke, or the answer is not HTTP
  | 'probe-unready' // an answer of 5xx
  | 'probe-wrong' // an answer that no engine gives, such as 404, 401 or a redirect
  | 'probe-late' // connected, no answer in time, where this counts as a failure
  | 'probe-slow' // connected, no answer in time, where a busy engine may be slow
  | 'health-passed' // of the slower `/health`, which asks the scheduler
  | 'health-failed'
  | 'silent' // `/health` failed, and no byte of requests in flight came for long
  | 'unchecked' // no probes: the worker is taken for well
  | 'attempt-answered' // any answer, whatever its status
  | 'attempt-unreachable'
  | 'attempt-reset' // before any byte of the answer
  | 'attempt-cut' // in the middle of the answer
  | 'ranks-known'
  | 'removed';

export type Thresholds = Pick<HealthSettings, 'failureThreshold' | 'successThreshold'>;

export interface WorkerState {
  readonly phase: Phase;
  /** Attempts reset in a row, 0 or 1. */
  readonly doubts: number;
  /** Probes that failed in a row while the worker is up. */
  readonly failures: number;
  /** The same of `/health`. */
  readonly healthFailures: number;
  /** Probes that passed in a row while the worker is unready. */
  readonly passes: number;
  /** False only with `--dp-aware`, until the engine has reported how many ranks it has. */
  readonly areRanksKnown: boolean;
}

export interface Step {
  readonly state: WorkerState;
  /** A probe is wanted: `now` to settle a doubt, `soon` to find out what follows the last one. */
  readonly probe: 'no' | 'now' | 'soon';
}

const NO_SIGNS = { doubts: 0, failures: 0, healthFailures: 0, passes: 0 };

export function initialState(areRanksKnown: boolean): WorkerState {
  return { phase: 'pending', ...NO_SIGNS, areRanksKnown };
}

/** The worker passed its last probe. */
export function isUp({ phase }: WorkerState): boolean {
  return phase === 'ready' || phase === 'asking';
}

/** Returns the same state object when nothing changes. Never throws; `removed` is final. */
export function step(state: WorkerState, event: WorkerEvent, thresholds: Thresholds): Step {
  if (state.phase === 'removed') return stay(state);
  switch (event) {
    case 'removed':
      return stay(to(state, 'removed'));
    case 'ranks-known':
      return stay(knowRanks(state));
    default:
      return isUp(state) ? stepUp(state, event, thresholds) : stepAway(state, event, thresholds);
  }
}

type SmallEvent = Exclude<WorkerEvent, 'removed' | 'ranks-known'>;

function stepUp(state: WorkerState, event: SmallEvent, { failureThreshold }: Thresholds): Step {
  switch (event) {
    case 'probe-passed':
      return stay(set(state, { doubts: 0, failures: 0 }));
    case 'attempt-answered':
      return stay(set(state, { doubts: 0 }));
    case 'health-passed':
      return stay(set(state, { healthFailures: 0 }));
    case 'probe-slow':
    case 'unchecked':
      return stay(state);
    case 'attempt-cut':
      return { state, probe: 'now' };
    case 'probe-refused':
    case 'attempt-unreachable':
      return { state: to(state, 'unreachable'), probe: 'soon' };
    case 'silent':
      return { state: to(state, 'hung'), probe: 'soon' };
    case 'health-failed':
      if (state.healthFailures + 1 >= failureThreshold) return { state: to(state, 'hung'), probe: 'soon' };
      return { state: set(state, { healthFailures: state.healthFailures + 1 }), probe: 'now' };
    case 'attempt-reset':
      if (state.doubts > 0) return { state: to(state, 'unreachable'), probe: 'soon' };
      return { state: set(state, { doubts: 1 }), probe: 'now' };
    case 'probe-unready':
    case 'probe-wrong':
    case 'probe-late':
    case 'probe-broken': {
      const failures = state.failures + 1;
      const isOut = failures >= failureThreshold || (event === 'probe-broken' && state.doubts > 0);
      if (!isOut) return { state: set(state, { failures }), probe: 'soon' };
      return { state: to(state, event === 'probe-unready' || event === 'probe-late' ? 'unready' : 'unreachable'), probe: 'soon' };
    }
  }
}

function stepAway(state: WorkerState, event: SmallEvent, { successThreshold }: Thresholds): Step {
  switch (event) {
    case 'probe-passed':
      if (state.phase === 'hung') return stay(state);
      if (state.phase !== 'unready' || state.passes + 1 >= successThreshold) return stay(up(state));
      return { state: set(state, { passes: state.passes + 1 }), probe: 'soon' };
    case 'unchecked':
      return stay(state.phase === 'pending' || state.phase === 'unreachable' ? up(state) : state);
    case 'health-passed':
      return stepAwayWell(state);
    case 'silent':
      // A failed `/health` sets the flag that `/ready` shows, so the worker may be unready by now.
      return state.phase === 'unready' ? { state: to(state, 'hung'), probe: 'soon' } : stay(state);
    case 'probe-refused':
    case 'attempt-unreachable':
      return stay(state.phase === 'pending' ? state : to(state, 'unreachable'));
    case 'probe-unready':
      return stay(state.phase === 'unreachable' ? to(state, 'unready') : set(state, { passes: 0 }));
    case 'probe-wrong':
      return stay(state.phase === 'unready' ? to(state, 'unreachable') : state);
    case 'attempt-reset':
      if (state.phase !== 'unready') return stay(state);
      return stay(state.doubts > 0 ? to(state, 'unreachable') : set(state, { doubts: 1 }));
    case 'attempt-answered':
      return stay(set(state, { doubts: 0 }));
    default:
      return stay(set(state, { passes: 0 }));
  }
}

/** The scheduler computes again: a hung worker is up, and an unready one soon passes its probes. */
function stepAwayWell(state: WorkerState): Step {
  if (state.phase === 'hung') return stay(up(state));
  return state.phase === 'unready' ? { state, probe: 'now' } : stay(state);
}

function up(state: WorkerState): WorkerState {
  return to(state, state.areRanksKnown ? 'ready' : 'asking');
}

function knowRanks(state: WorkerState): WorkerState {
  if (state.areRanksKnown) return state;
  return { ...state, areRanksKnown: true, phase: state.phase === 'asking' ? 'ready' : state.phase };
}

/** In `phase`, without signs. */
function to(state: WorkerState, phase: Phase): WorkerState {
  return set(state, { phase, ...NO_SIGNS });
}

/** With these values; the same object if it has them. */
function set(state: WorkerState, values: Partial<WorkerState>): WorkerState {
  const next = { ...state, ...values };
  const isSame = (Object.keys(values) as (keyof WorkerState)[]).every((key) => state[key] === next[key]); // Keys of a Partial are keys.
  return isSame ? state : next;
}

function stay(state: WorkerState): Step {
  return { state, probe: 'no' };
}
