/** Whether another pair is tried when a leg of one has failed and the client has not got a byte. */
import type { OutcomeKind } from '../core/outcome.ts';
import type { LegRole } from './pair-leg.ts';

export interface LegFailure {
  readonly role: LegRole;
  readonly kind: OutcomeKind;
  /** What the engine answered, also in an event of a stream; 0: it did not answer. */
  readonly status: number;
}

/** Pairs tried for one request. */
const MAX_PAIRS = 3;

/** `tries`: pairs so far, the failed one included. That there is another worker for the role is for the caller to see. */
export function mayTryAnotherPair({ kind, status }: LegFailure, tries: number): boolean {
  if (tries >= MAX_PAIRS) return false;
  switch (kind) {
    case 'connect-failed':
    case 'connect-timeout':
    case 'reset':
    case 'cut':
    case 'malformed':
    case 'queue-full':
    case 'queue-timeout':
    case 'timeout':
      return true;
    case 'status':
      // 501 and their like are said by every engine of the fleet.
      return status === 500 || status === 502 || status === 503 || status === 504;
    case 'ok':
    case 'client-gone':
    case 'cancelled':
      return false;
  }
}
