/** Settings of limits on requests to workers. */

import { setting } from '../setting/setting.ts';
import { choice, float, int, text, toggle } from '../setting/shape.ts';
import { PRIORITY_CLASSES } from './priority-classes.ts';
import { MAX_SECONDS } from './settings-main.ts';

const ANY = Number.MAX_SAFE_INTEGER;

export const LIMITS = {
  maxConcurrentRequests: setting(int('COUNT', { min: -ANY, max: ANY }), {
    group: 'limits',
    describe: 'Requests that may be under way at workers; further ones wait in the queue. 0 or less for no limit',
    origin: '0.3.2',
    default: -1,
    reloadable: true,
  }),
  rateLimitTokensPerSecond: setting(int('COUNT', { min: -ANY, max: ANY }), {
    group: 'limits',
    describe: 'Requests that may begin per second, with bursts of one second; further ones wait in the queue. 0 or less for no limit',
    origin: '0.3.2',
    default: null,
    whenUnset: 'no limit',
    reloadable: true,
  }),
  queueSize: setting(int('COUNT', { min: 0, max: 1_000_000 }), {
    group: 'limits',
    describe: 'Requests that may wait behind these limits; further ones are answered 429',
    origin: '0.3.2',
    default: 100,
    reloadable: true,
  }),
  queueTimeoutSecs: setting(int('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'limits',
    describe: 'Time that a request may wait in that queue, --request-timeout-secs at most; then it is answered 408. 0: none waits',
    origin: '0.3.2',
    default: 60,
    unit: 'seconds',
    reloadable: true,
  }),
  workerOverloadWaitingRequests: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'limits',
    describe:
      'Requests in the queues of an engine from which on it takes no new ones; if every worker has as many, requests are answered 503 at once',
    origin: 'smg',
    default: null,
    whenUnset: 'no bound',
    reloadable: true,
  }),
  workerOverloadTokenUsage: setting(float('SHARE', { min: 0.001, max: 1 }), {
    group: 'limits',
    describe: 'The same for the share of its KV cache that an engine uses',
    origin: 'smg',
    default: null,
    whenUnset: 'no bound',
    reloadable: true,
  }),
  prioritySchedulerEnabled: setting(toggle(), {
    group: 'limits',
    describe: 'Share the slots of the workers among classes of requests, which the header field x-smg-priority names',
    origin: 'smg',
    default: false,
  }),
  prioritySchedulerDefaultMaxClass: setting(choice('CLASS', PRIORITY_CLASSES), {
    group: 'limits',
    describe: 'Highest class that a request can have; a higher one in its header field counts as this one',
    origin: 'smg',
    default: 'default',
    reloadable: true,
  }),
  prioritySchedulerConfig: setting(text('FILE', 'the path of a file'), {
    group: 'limits',
    describe: 'YAML file with the slots, the queue and the weight of each class',
    origin: 'smg',
    default: null,
    whenUnset: 'the defaults of docs/limits.md',
    reloadable: true,
  }),
};
