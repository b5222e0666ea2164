/** Choices that several policies make. */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { Choice, Reason } from './contract.ts';

/** Nobody is eligible. */
export const NOBODY: Choice = { worker: NONE, because: 'none', matchedBytes: 0 };

/** A choice that does not rest on the prompt. */
export function choose(worker: WorkerIndex, because: Reason): Choice {
  return { worker, because, matchedBytes: 0 };
}
