/** The only decision whether a worker may take requests now. */
import type { WorkerRecord } from './worker-record.ts';

export function isEligible({ state }: Pick<WorkerRecord, 'state'>): boolean {
  return state.phase === 'ready';
}
