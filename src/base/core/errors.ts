/** The errors that clients see: one table from their codes to HTTP, and the body they come in. */

export type ErrorSource = 'client' | 'worker' | 'router';

export interface ErrorEntry {
  readonly status: number;
  /** `error.type` of the OpenAI error object. */
  readonly type: string;
  readonly source: ErrorSource;
  readonly meaning: string;
}

const client = (status: number, meaning: string, type = 'invalid_request_error'): ErrorEntry => ({
  status,
  type,
  source: 'client',
  meaning,
});
const router = (status: number, meaning: string, type = 'service_unavailable'): ErrorEntry => ({ status, type, source: 'router', meaning });
const worker = (status: number, meaning: string): ErrorEntry => ({
  status,
  type: 'upstream_error',
  source: 'worker',
  meaning,
});

/** `error.type` of requests that came when the limits were reached: clients retry them. */
const BUSY = 'rate_limit_error';

/** Source of the names that exist there: sglang_router 0.3.2 (`X-SMG-Error-Code`). The page docs/errors.md is generated from this. */
export const ERRORS = {
  bad_request: client(400, 'The request breaks the rules of HTTP/1.1; the connection is closed.'),
  json_parse_error: client(400, 'The router must write a rank or a room into the body, and the body is not valid JSON.'),
  invalid_request: client(400, 'A value of the request is not what the route expects.'),
  unauthorized: client(401, 'No key, or one that the router does not know.', 'authentication_error'),
  forbidden: client(403, 'The role of the key does not allow this.', 'permission_error'),
  not_found: client(404, 'No such route, or the route to that path is closed.'),
  unsupported_method: client(405, 'The path exists, but not with this method; see the Allow field.'),
  request_timeout: client(408, 'Head or body of the request came too slowly; the connection is closed.'),
  payload_too_large: client(413, 'The body is larger than --max-payload-size; it was not read to its end.'),
  uri_too_long: client(414, 'The request target is longer than 16 KiB.'),
  unsupported_media_type: client(
    415,
    'The body is not of a type that the route takes, or compressed in a way that the router cannot read where it must.',
  ),
  expectation_failed: client(417, 'Expect holds something other than 100-continue.'),
  header_fields_too_large: client(431, 'The head is larger than 64 KiB or has more than 128 fields.'),
  http_version_not_supported: client(505, 'The HTTP version is neither 1.0 nor 1.1.'),
  not_implemented: router(501, 'The route is not served while prefill and decode are divided.', 'not_implemented'),
  admission_queue_full: router(429, 'As many requests as the limits allow are under way, and as many wait as --queue-size allows.', BUSY),
  admission_queue_timeout: router(408, 'The request has waited behind the limits for --queue-timeout-secs.', BUSY),
  scheduler_queue_full: router(429, 'As many requests of this priority class wait as its queue holds.', BUSY),
  scheduler_queue_timeout: router(408, 'The request has waited for the time that its priority class may wait.', BUSY),
  internal_error: router(500, 'A bug in the router; the log has the details.', 'internal_error'),
  no_workers: router(503, 'No worker is registered.'),
  no_available_workers: router(503, 'Workers are registered, but none can take a request now.'),
  worker_overload_protection_shed: router(
    503,
    'The load of every worker is at or above --worker-overload-waiting-requests or --worker-overload-token-usage.',
    BUSY,
  ),
  too_many_connections: router(503, 'The router has as many connections as --max-connections allows.'),
  body_memory_full: router(503, 'The request bodies that the router holds take all the memory that they may.'),
  merge_too_large: router(502, 'The logprobs or experts of the prompt are more than the router keeps to put them into the answer.'),
  too_many_pairs: router(503, 'As many prefill-decode pairs are at work as the router keeps.'),
  router_busy: router(503, 'As many questions to all workers are under way as the router keeps.'),
  health_generate_failed: router(503, 'A worker of the pair that was tried generates nothing.'),
  upstream_queue_full: router(503, 'All connections to the worker are in use and its queue is full.'),
  upstream_queue_timeout: router(503, 'No connection to the worker became free in time.'),
  shutting_down: router(503, 'The router is shutting down.'),
  call_upstream_connection_failed: worker(502, 'No connection to the worker.'),
  call_upstream_reset: worker(502, 'The worker closed the connection before it answered.'),
  call_upstream_malformed: worker(502, 'The worker sent something that is not HTTP/1.1.'),
  call_upstream_cut: worker(502, 'The worker closed the connection in the middle of its answer.'),
  call_upstream_refused: worker(502, 'A worker refused a request whose answer had begun; in an event stream, the last event says so.'),
  call_upstream_timeout: worker(504, 'The worker did not answer in time.'),
  call_upstream_hung: worker(
    504,
    'The worker sent nothing for long and failed its health check, and no other worker could take the request.',
  ),
  request_lost_workers: worker(502, 'Two workers were lost while they worked on the request; a third one does not get it.'),
  no_worker_response: worker(502, 'No worker had an answer.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The OpenAI error object as JSON text. `message` must hold no internal address, path or stack. */
export function errorBody(code: ErrorCode, message: string, param: string | null = null): string {
  return JSON.stringify({
    error: { message, type: ERRORS[code].type, param, code },
  });
}
