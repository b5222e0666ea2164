/** Maps the outcome of an attempt to an event of its worker. */
import { isUnreachable, type Outcome } from '../../../base/core/outcome.ts';
import type { WorkerEvent } from './worker-state.ts';

/** null: the outcome does not show whether the worker can be reached. */
export function eventOf(outcome: Outcome): WorkerEvent | null {
  if (isUnreachable(outcome.kind)) return 'attempt-unreachable';
  if (outcome.kind === 'reset') return 'attempt-reset';
  if (outcome.kind === 'cut') return 'attempt-cut';
  return outcome.kind === 'ok' || outcome.kind === 'status' ? 'attempt-answered' : null;
}
