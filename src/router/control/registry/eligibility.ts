/** The only decision whether a worker may take requests now. */
import type { WorkerRecord } from './worker-record.ts';

export function isEligible({ state }: Pick<WorkerRecord, 'state'>): boolean {
  return state.phase === 'ready';
}

/**
 * Takes requests only while no worker of its type is eligible. An engine that is paused holds them until it continues, one that shuts
 * down still serves them; the router cannot tell which of the two it is.
 */
export function isLastResort({ state }: Pick<WorkerRecord, 'state'>): boolean {
  return state.phase === 'unready' && state.areRanksKnown;
}
