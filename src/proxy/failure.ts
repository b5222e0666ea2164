/** What a client is told when an attempt ends without an answer. No address, no path: only what happened. */
import type { ErrorCode } from '../core/errors.ts';
import type { OutcomeKind } from '../core/outcome.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

export function failureOf(kind: OutcomeKind): Failure {
  switch (kind) {
    case 'connect-failed':
      return { code: 'call_upstream_connection_failed', message: 'the worker could not be reached' };
    case 'connect-timeout':
      return { code: 'call_upstream_timeout', message: 'connecting to the worker took too long' };
    case 'reset':
      return { code: 'call_upstream_reset', message: 'the worker closed the connection before it answered' };
    case 'malformed':
      return { code: 'call_upstream_malformed', message: 'the answer of the worker is not valid HTTP/1.1' };
    case 'queue-full':
      return { code: 'upstream_queue_full', message: 'all connections to the worker are in use and its queue is full' };
    case 'queue-timeout':
      return { code: 'upstream_queue_timeout', message: 'no connection to the worker became free in time' };
    case 'timeout':
      return { code: 'call_upstream_timeout', message: 'the worker did not answer in time' };
    case 'cut':
    case 'status':
      return { code: 'call_upstream_cut', message: 'the worker closed the connection in the middle of its answer' };
    case 'ok':
    case 'client-gone':
    case 'cancelled':
      return { code: 'shutting_down', message: 'the router is shutting down' };
  }
}
