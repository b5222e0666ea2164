/** Messages of requests that the scheduler aborts. Source: recorded from SGLang 0.5.23. */

export const QUEUE_FULL = 'The request queue is full.';
/** Of a running request, after POST /abort_request or a pause. */
export const ABORTED_RUNNING = 'Aborted';
/** Of a queued request, after POST /abort_request or a pause. */
export const ABORTED_IN_QUEUE = 'Abort in waiting queue';
