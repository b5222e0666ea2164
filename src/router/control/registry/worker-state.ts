/**
 * Where one worker is in its life, as a pure state machine: event in, state out. Other parts send the events and run the probes.
 * eligibility.ts decides from the state whether the worker may take requests.
 *
 *               ┌──────────────── up ────────────────┐
 *               │            ranks known             │
 *   pending ───►│   asking ─────────────────► ready  │◄──────────────────┐
 *     │  probe  │                                    │                   │
 *     │  passed └────────────────────────────────────┘                   │
 *     │  (any other     │ probe refused                                  │ probe passed
 *     │   probe:        │ attempt found no connection                    │
 *     │   stays)        │ two doubts in a row                            │
 *     │                 ▼                                                │
 *     │            unreachable ◄──────────────► draining ────────────────┤
 *     │                 └────────────────────────────────────────────────┘
 *     │            (unreachable: no connection; draining: it answers its probes with 5xx,
 *     │             so it is shutting down or starting again)
 *     └──────────► removed ◄── from every phase, final
 *
 * A worker whose data-parallel ranks are not known yet enters `up` as asking, every other one as ready. If its ranks become known in
 * another phase, the state remembers it.
 *
 * A doubt is a sign that alone proves nothing: an attempt reset before any byte, a probe answered with 5xx, a probe whose
 * connection timed out or broke. The second in a row, with no answered attempt and no passed probe between, counts.
 * An answer that was cut off only asks for a probe. A slow probe changes nothing: a busy engine is slow.
 */

export type Phase = 'pending' | 'asking' | 'ready' | 'unreachable' | 'draining' | 'removed';

export type WorkerEvent =
  | 'probe-passed'
  | 'probe-refused' // no connection: refused, no route, no such name
  | 'probe-broken' // the connection timed out or broke, or the answer is not HTTP
  | 'probe-unready' // an answer of 5xx
  | 'probe-slow' // connected, no answer in time
  | 'attempt-answered' // any answer, whatever its status
  | 'attempt-unreachable'
  | 'attempt-reset' // before any byte of the answer
  | 'attempt-cut' // in the middle of the answer
  | 'ranks-known'
  | 'removed';

export interface WorkerState {
  readonly phase: Phase;
  /** Doubts in a row, 0 or 1; only a worker that is up has one. */
  readonly doubts: number;
  /** False only with `--dp-aware`, until the engine has reported how many ranks it has. */
  readonly areRanksKnown: boolean;
}

export interface Step {
  readonly state: WorkerState;
  /** A probe is wanted: `now` to settle a doubt, `soon` to find out when a worker that just failed is back. */
  readonly probe: 'no' | 'now' | 'soon';
}

export function initialState(areRanksKnown: boolean): WorkerState {
  return { phase: 'pending', doubts: 0, areRanksKnown };
}

/** The worker passed its last probe. */
export function isUp({ phase }: WorkerState): boolean {
  return phase === 'ready' || phase === 'asking';
}

/** Returns the same state object when nothing changes. Never throws; `removed` is final. */
export function step(state: WorkerState, event: WorkerEvent): Step {
  if (state.phase === 'removed') return stay(state);
  switch (event) {
    case 'removed':
      return stay(to(state, 'removed'));
    case 'probe-passed':
      return stay(to(state, state.areRanksKnown ? 'ready' : 'asking'));
    case 'ranks-known':
      return stay(knowRanks(state));
    default:
      return isUp(state) ? stepUp(state, event) : stay(stepAway(state, event));
  }
}

type SmallEvent = Exclude<WorkerEvent, 'removed' | 'probe-passed' | 'ranks-known'>;

function stepUp(state: WorkerState, event: SmallEvent): Step {
  switch (event) {
    case 'attempt-answered':
      return stay(to(state, state.phase));
    case 'probe-slow':
      return stay(state);
    case 'attempt-cut':
      return { state, probe: 'now' };
    case 'probe-refused':
    case 'attempt-unreachable':
      return { state: to(state, 'unreachable'), probe: 'soon' };
    case 'attempt-reset':
    case 'probe-broken':
    case 'probe-unready':
      if (state.doubts === 0) return { state: { ...state, doubts: 1 }, probe: 'now' };
      return { state: to(state, event === 'probe-unready' ? 'draining' : 'unreachable'), probe: 'soon' };
  }
}

function stepAway(state: WorkerState, event: SmallEvent): WorkerState {
  if (state.phase === 'unreachable' && event === 'probe-unready') return to(state, 'draining');
  if (state.phase === 'draining' && (event === 'probe-refused' || event === 'attempt-unreachable')) return to(state, 'unreachable');
  return state;
}

function knowRanks(state: WorkerState): WorkerState {
  if (state.areRanksKnown) return state;
  return { ...state, areRanksKnown: true, phase: state.phase === 'asking' ? 'ready' : state.phase };
}

/** In `phase`, without doubts. */
function to(state: WorkerState, phase: Phase): WorkerState {
  return state.phase === phase && state.doubts === 0 ? state : { ...state, phase, doubts: 0 };
}

function stay(state: WorkerState): Step {
  return { state, probe: 'no' };
}
