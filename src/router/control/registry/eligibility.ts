/** The only decision whether a worker may take requests now. */
import type { WorkerRecord } from './worker-record.ts';

type Judged = Pick<WorkerRecord, 'state' | 'isAdmitted' | 'overload'>;

export function isEligible(record: Judged): boolean {
  return isWell(record) && record.overload === null;
}

/** Takes no requests only because of its load. */
export function isShed(record: Judged): boolean {
  return isWell(record) && record.overload !== null;
}

/** It passes its probes, and its breaker lets requests through. */
export function isWell({ state, isAdmitted }: Judged): boolean {
  return state.phase === 'ready' && isAdmitted;
}

/**
 * Takes requests only while no worker of its type is well. An engine that is paused holds them until it continues, one that shuts
 * down still serves them; the router cannot tell which of the two it is.
 */
export function isLastResort({ state, isAdmitted }: Judged): boolean {
  return state.phase === 'unready' && state.areRanksKnown && isAdmitted;
}
