/** Maps the outcome of an attempt to an event of the breaker of its worker. */
import type { Outcome } from '../../../base/core/outcome.ts';
import type { BreakerEvent } from './breaker.ts';

/** Statuses that speak against the worker. 503 asks for patience, and 501 and the like are what every engine answers. */
const FAULTS: ReadonlySet<number> = new Set([500, 502, 504]);

export function breakerEventOf({ kind, status }: Outcome): BreakerEvent {
  switch (kind) {
    case 'ok':
      return status < 400 ? 'succeeded' : 'ended';
    case 'status':
      return FAULTS.has(status) ? 'failed-status' : 'ended';
    case 'timeout':
      return 'failed-status';
    case 'connect-failed':
    case 'connect-timeout':
    case 'reset':
    case 'cut':
    case 'malformed':
      return 'failed-connection';
    // What the router or the client did says nothing about the worker, and `/health` says when one that hung is well again.
    case 'hung':
    case 'queue-full':
    case 'queue-timeout':
    case 'client-gone':
    case 'cancelled':
      return 'ended';
  }
}
