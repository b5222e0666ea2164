/** What is known of one request for metrics and the access record, from its head to its end. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { OutcomeKind } from '../../../base/core/outcome.ts';
import type { RequestHead } from '../../../wire/http1/request-head.ts';
import type { Route } from './routes.ts';

/** `refused`: the router answered with an error of its own, and no worker is to blame. */
export type RecordOutcome = OutcomeKind | 'refused';

export class RequestRecord {
  readonly requestId: string;
  readonly head: RequestHead;
  readonly route: Route;
  readonly startMs: number;
  /** Field lines of the answer that say which web pages may read it. */
  readonly cors: string;
  status = 0;
  /** Code of the router's own error, '' when the answer is a worker's. */
  errorCode: ErrorCode | '' = '';
  worker = '';
  /** Of a pair, whose `worker` is the decode worker (or the leg that answered). */
  prefillWorker = '';
  /** Who sent it, where keys tell: the id of a key for the control API. */
  principal = '';
  model = '';
  /** Milliseconds from the head to the first event; -1: no event. */
  ttftMs = -1;
  /** Milliseconds behind a limit. */
  queuedMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  attempts = 0;
  outcome: RecordOutcome = 'ok';
  /** The body did not fit into the replay limit, so the request could not be sent again. */
  streamedBody = false;

  constructor(requestId: string, head: RequestHead, route: Route, startMs: number, cors: string) {
    this.requestId = requestId;
    this.head = head;
    this.route = route;
    this.startMs = startMs;
    this.cors = cors;
  }

  /** What a worker is asked for: the client's target, with the path as engines know it. */
  get engineTarget(): string {
    const { target, path } = this.head;
    const { enginePath, keepsSlash } = this.route;
    if (enginePath !== null) return enginePath + target.substring(path.length);
    if (keepsSlash || path.length < 2 || !path.endsWith('/')) return target;
    return path.slice(0, -1) + target.substring(path.length);
  }
}
