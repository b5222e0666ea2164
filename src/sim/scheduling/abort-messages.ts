/** Messages of requests that the scheduler ends before their time. Source: recorded from SGLang 0.5.23. */

export const QUEUE_FULL = 'The request queue is full.';
/** POST /abort_request or a pause reached a request that runs. */
export const ABORTED_RUNNING = 'Aborted';
/** POST /abort_request or a pause reached a request that waits to be computed. */
export const ABORTED_IN_QUEUE = 'Abort in waiting queue';
