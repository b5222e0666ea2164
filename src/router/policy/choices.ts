/** Choices that every policy may make. */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import type { Choice } from './contract.ts';

/** No worker may be chosen. */
export const NOBODY: Choice = { worker: NONE, because: 'none', matchedBytes: 0 };

/** A choice that does not follow from what the worker holds of the prompt. */
export function choose(worker: WorkerIndex, because: string): Choice {
  return { worker, because, matchedBytes: 0 };
}
