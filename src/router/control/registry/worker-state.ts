/**
 * Whether one worker may take requests, as a pure state machine: event in, state out. Who sends the events and who probes is
 * decided elsewhere; so is what a published snapshot looks like.
 *
 *              probe passed
 *   pending ────────────────────► ready ◄──────────────────────┐
 *     │  (any other probe:          │                          │
 *     │   stays pending)            │ probe refused            │ probe passed
 *     │                             │ attempt found no connection
 *     │                             │ two doubts in a row ─────┤
 *     │                             ▼                          │
 *     │              unreachable ◄────► draining ──────────────┤
 *     │                   └────────────────────────────────────┘
 *     │                    (unreachable: nobody there; draining: answers its probes with 503,
 *     │                     that is, it is shutting down or starting again)
 *     └──────────► removed ◄── from every phase, final
 *
 * A doubt is a sign that alone proves nothing: an attempt reset before any byte, a probe answered with 503, a probe whose
 * connection timed out or broke. The second in a row, with no answered attempt and no passed probe between, counts.
 * An answer that was cut off only asks for a probe. A probe that is merely slow says nothing: a busy engine is slow.
 */

export type Phase = 'pending' | 'ready' | 'unreachable' | 'draining' | 'removed';

export type WorkerEvent =
  | 'probe-passed'
  | 'probe-refused' // no connection: refused, no route, no such name
  | 'probe-broken' // the connection timed out or broke, or what came is not HTTP
  | 'probe-unready' // an answer of 5xx
  | 'probe-slow' // connected, no answer in time
  | 'attempt-answered' // any answer came, whatever its status
  | 'attempt-unreachable'
  | 'attempt-reset' // before any byte of the answer
  | 'attempt-cut' // in the middle of the answer
  | 'removed';

export interface WorkerState {
  readonly phase: Phase;
  /** Doubts in a row, 0 or 1; only a ready worker has one. */
  readonly doubts: number;
}

export interface Step {
  readonly state: WorkerState;
  /** A probe is wanted: `now` to clear up a doubt, `soon` to find out when a worker that just left is back. */
  readonly probe: 'no' | 'now' | 'soon';
}

const PENDING: WorkerState = { phase: 'pending', doubts: 0 };
const READY: WorkerState = { phase: 'ready', doubts: 0 };
const DOUBTFUL: WorkerState = { phase: 'ready', doubts: 1 };
const UNREACHABLE: WorkerState = { phase: 'unreachable', doubts: 0 };
const DRAINING: WorkerState = { phase: 'draining', doubts: 0 };
const REMOVED: WorkerState = { phase: 'removed', doubts: 0 };

export const INITIAL_STATE: WorkerState = PENDING;

/** Returns the same state object when nothing changes. Never throws; `removed` is final. */
export function step(state: WorkerState, event: WorkerEvent): Step {
  if (state.phase === 'removed') return stay(state);
  if (event === 'removed') return stay(REMOVED);
  if (event === 'probe-passed') return stay(READY);
  switch (state.phase) {
    case 'pending':
      return stay(state);
    case 'ready':
      return stepReady(state, event);
    case 'unreachable':
      return stay(event === 'probe-unready' ? DRAINING : state);
    case 'draining':
      return stay(event === 'probe-refused' || event === 'attempt-unreachable' ? UNREACHABLE : state);
  }
}

function stepReady(state: WorkerState, event: Exclude<WorkerEvent, 'removed' | 'probe-passed'>): Step {
  switch (event) {
    case 'attempt-answered':
      return stay(READY);
    case 'probe-slow':
      return stay(state);
    case 'attempt-cut':
      return { state, probe: 'now' };
    case 'probe-refused':
    case 'attempt-unreachable':
      return { state: UNREACHABLE, probe: 'soon' };
    case 'attempt-reset':
    case 'probe-broken':
    case 'probe-unready':
      if (state.doubts === 0) return { state: DOUBTFUL, probe: 'now' };
      return { state: event === 'probe-unready' ? DRAINING : UNREACHABLE, probe: 'soon' };
  }
}

function stay(state: WorkerState): Step {
  return { state, probe: 'no' };
}
