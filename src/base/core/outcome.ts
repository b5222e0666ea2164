/** How an attempt (one try at one worker) ended. Values are a closed set: they become metric labels. */
export type OutcomeKind =
  | 'ok' // an answer below 500 came through whole
  | 'status' // the worker answered 5xx (whole)
  | 'connect-failed' // no connection: refused, unreachable, name not found
  | 'connect-timeout'
  | 'reset' // the connection broke before any byte of the answer
  | 'cut' // the connection broke after the answer began
  | 'malformed' // the answer broke the rules of HTTP/1.1 that we hold workers to
  | 'queue-full' // no connection to the worker was free, and its queue was full
  | 'queue-timeout' // no connection to the worker became free in time
  | 'timeout' // a deadline of ours
  | 'hung' // the worker hangs: the router gave up all of its requests
  | 'client-gone' // the client left first: says nothing about the worker
  | 'cancelled'; // the router gave up for a reason of its own (shutdown, removal)

export interface Outcome {
  readonly kind: OutcomeKind;
  /** Status of the worker's answer, 0 if none came. */
  readonly status: number;
}

/** True when the outcome says that the worker could not be reached at all. */
export function isUnreachable(kind: OutcomeKind): boolean {
  return kind === 'connect-failed' || kind === 'connect-timeout';
}
