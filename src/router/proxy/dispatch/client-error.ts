/** The error that a client gets when an attempt ended without an answer. No address, no path: only what happened. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';

export interface ClientError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A second worker was lost while it had the request. */
export const POISON: ClientError = {
  code: 'request_lost_workers',
  message: 'two workers were lost while they worked on this request: it is not sent to a third',
};

/** `who`: the worker as the client may know it. */
export function clientErrorOf(kind: OutcomeKind, who = 'the worker'): ClientError {
  switch (kind) {
    case 'connect-failed':
      return { code: 'call_upstream_connection_failed', message: `${who} could not be reached` };
    case 'connect-timeout':
      return { code: 'call_upstream_timeout', message: `connecting to ${who} took too long` };
    case 'reset':
      return { code: 'call_upstream_reset', message: `${who} closed the connection before it answered` };
    case 'malformed':
      return { code: 'call_upstream_malformed', message: `the answer of ${who} is not valid HTTP/1.1` };
    case 'queue-full':
      return { code: 'upstream_queue_full', message: `all connections to ${who} are in use and its queue is full` };
    case 'queue-timeout':
      return { code: 'upstream_queue_timeout', message: `no connection to ${who} became free in time` };
    case 'timeout':
      return { code: 'call_upstream_timeout', message: `${who} did not answer in time` };
    case 'hung':
      return { code: 'call_upstream_hung', message: `${who} hangs: it sent nothing, and its health check failed` };
    case 'cut':
    case 'status':
      return { code: 'call_upstream_cut', message: `${who} closed the connection in the middle of its answer` };
    case 'ok':
    case 'client-gone':
    case 'cancelled':
      return { code: 'shutting_down', message: 'the router is shutting down' };
  }
}
