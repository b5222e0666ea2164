/** The only decision whether a worker may take requests now. */
import type { WorkerRecord } from './worker-record.ts';

type Judged = Pick<WorkerRecord, 'state' | 'isAdmitted'>;

export function isEligible({ state, isAdmitted }: Judged): boolean {
  return state.phase === 'ready' && isAdmitted;
}

/**
 * Takes requests only while no worker of its type is eligible. An engine that is paused holds them until it continues, one that shuts
 * down still serves them; the router cannot tell which of the two it is.
 */
export function isLastResort({ state, isAdmitted }: Judged): boolean {
  return state.phase === 'unready' && state.areRanksKnown && isAdmitted;
}
