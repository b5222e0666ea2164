/**
 * The circuit breaker of one worker, as a pure state machine: event in, state out. It keeps requests from a worker that takes
 * connections and fails requests; worker-state.ts keeps them from one that takes no connections.
 *
 *            `failureThreshold` failures in a row, none older than `windowMs`
 *   closed ─────────────────────────────────────────────────────────────► open ◄─────────┐
 *     ▲ ▲                                                                 │  │           │
 *     │ └──── the worker failed probes and then passed them; only if      │  │ time-out  │ a failure
 *     │       every failure that counted was of the connection ───────────┘  ▼           │
 *     └────── `successThreshold` successes ──────────────────────────── half-open ───────┘
 *
 * While half-open, at most `successThreshold` attempts run at once. Source of names and numbers: sglang_router 0.3.2.
 */

export interface BreakerSettings {
  /** False: it never opens. */
  readonly isOn: boolean;
  /** 1 or more. */
  readonly failureThreshold: number;
  /** 1 or more. */
  readonly successThreshold: number;
  /** From open to half-open. */
  readonly timeoutMs: number;
  /** A failure that is older no longer counts. */
  readonly windowMs: number;
}

export const DEFAULT_BREAKER: BreakerSettings = {
  isOn: true,
  failureThreshold: 10,
  successThreshold: 3,
  timeoutMs: 60_000,
  windowMs: 120_000,
};

export type BreakerPhase = 'closed' | 'open' | 'half_open';

export type BreakerEvent =
  | 'started' // an attempt was sent to the worker
  | 'succeeded' // an answer below 400
  | 'failed-connection' // no connection, or it broke
  | 'failed-status' // 500, 502, 504, or no answer in time
  | 'ended' // an attempt ended that says nothing: 4xx, 429, 503, the client left
  | 'forgiven' // the last failure by status was the fault of the request
  | 'timed-out' // `timeoutMs` have passed since it opened
  | 'probe-failed'
  | 'probe-passed';

interface Strike {
  readonly atMs: number;
  readonly isConnection: boolean;
}

export interface BreakerState {
  readonly phase: BreakerPhase;
  /** Failures in a row that count, oldest first. */
  readonly strikes: readonly Strike[];
  /** Successes while half-open. */
  readonly successes: number;
  /** Attempts that started while half-open and have not ended. */
  readonly trials: number;
  /** The phase from which it opened. */
  readonly openedFrom: BreakerPhase;
  /** The worker failed a probe while open. */
  readonly hasFailedProbe: boolean;
}

export const CLOSED: BreakerState = { phase: 'closed', strikes: [], successes: 0, trials: 0, openedFrom: 'closed', hasFailedProbe: false };

/** Whether the worker may get an attempt. */
export function admits({ phase, trials }: BreakerState, { successThreshold }: BreakerSettings): boolean {
  return phase === 'closed' || (phase === 'half_open' && trials < successThreshold);
}

/** Returns the same state object when nothing changes. Never throws. */
export function stepBreaker(state: BreakerState, event: BreakerEvent, nowMs: number, settings: BreakerSettings): BreakerState {
  if (!settings.isOn) return state;
  switch (state.phase) {
    case 'closed':
      return stepClosed(state, event, nowMs, settings);
    case 'open':
      return stepOpen(state, event);
    case 'half_open':
      return stepHalfOpen(state, event, nowMs, settings);
  }
}

function stepClosed(state: BreakerState, event: BreakerEvent, nowMs: number, settings: BreakerSettings): BreakerState {
  switch (event) {
    case 'succeeded':
      return state.strikes.length === 0 ? state : CLOSED;
    case 'failed-connection':
    case 'failed-status': {
      const young = state.strikes.filter(({ atMs }) => nowMs - atMs <= settings.windowMs);
      const strikes = [...young, { atMs: nowMs, isConnection: event === 'failed-connection' }];
      return strikes.length >= settings.failureThreshold ? open(strikes, 'closed') : { ...state, strikes };
    }
    case 'forgiven': {
      const strikes = withoutLastStatus(state.strikes);
      return strikes === state.strikes ? state : { ...state, strikes };
    }
    default:
      return state;
  }
}

function stepOpen(state: BreakerState, event: BreakerEvent): BreakerState {
  switch (event) {
    case 'timed-out':
      return { ...CLOSED, phase: 'half_open' };
    case 'probe-failed':
      return state.hasFailedProbe ? state : { ...state, hasFailedProbe: true };
    case 'probe-passed':
      return state.hasFailedProbe && state.strikes.every(({ isConnection }) => isConnection) ? CLOSED : state;
    case 'forgiven': {
      const strikes = withoutLastStatus(state.strikes);
      if (strikes === state.strikes) return state;
      return { ...CLOSED, phase: state.openedFrom, strikes: state.openedFrom === 'closed' ? strikes : [] };
    }
    default:
      return state;
  }
}

function stepHalfOpen(state: BreakerState, event: BreakerEvent, nowMs: number, settings: BreakerSettings): BreakerState {
  switch (event) {
    case 'started':
      return { ...state, trials: state.trials + 1 };
    case 'ended':
      return state.trials === 0 ? state : { ...state, trials: state.trials - 1 };
    case 'succeeded': {
      const successes = state.successes + 1;
      return successes >= settings.successThreshold ? CLOSED : { ...state, successes, trials: Math.max(0, state.trials - 1) };
    }
    case 'failed-connection':
    case 'failed-status':
      return open([{ atMs: nowMs, isConnection: event === 'failed-connection' }], 'half_open');
    default:
      return state;
  }
}

function open(strikes: readonly Strike[], openedFrom: BreakerPhase): BreakerState {
  return { ...CLOSED, phase: 'open', strikes, openedFrom };
}

function withoutLastStatus(strikes: readonly Strike[]): readonly Strike[] {
  const at = strikes.findLastIndex(({ isConnection }) => !isConnection);
  return at < 0 ? strikes : strikes.filter((_, index) => index !== at);
}
