/** Settings of routing that belong to no policy, and of the connections to workers. */

import { setting } from '../setting/setting.ts';
import { float, int, parsedText, text, toggle } from '../setting/shape.ts';
import { MAX_SECONDS } from './settings-main.ts';

export const ROUTING = {
  dpAware: setting(toggle(), {
    group: 'routing',
    describe:
      'Choose the data-parallel rank of an engine as well: an engine that says dp_size 2 in /server_info becomes two workers, URL@0 and ' +
      'URL@1, and requests name the rank',
    origin: '0.3.2',
    default: false,
  }),
};

export const WORKERS = {
  workerStartupTimeoutSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time for a new worker to answer for the first time; after it the worker is reported as failed',
    origin: '0.3.2',
    default: 1800,
    unit: 'seconds',
    reloadable: true,
  }),
  workerStartupCheckInterval: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Longest pause between two checks of a worker that does not answer yet; it is checked twice a second in any case',
    origin: '0.3.2',
    default: 30,
    unit: 'seconds',
    reloadable: true,
  }),
  workersFile: setting(text('FILE', 'the path of a file'), {
    group: 'workers',
    describe: 'YAML, JSON or text file with further workers, which the router watches and follows (docs/reload.md)',
    origin: 'ours',
    default: null,
    whenUnset: 'no file',
  }),
  drainSettleSecs: setting(int('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time that a removed worker stays listed as draining at least; it does so in any case until its last request has ended',
    origin: 'smg',
    default: 0,
    unit: 'seconds',
    reloadable: true,
  }),
  healthCheckEndpoint: setting(
    parsedText('PATH', 'a path that starts with / and holds no space, ? or #', (word) => (/^\/[!"$->@-~]*$/.test(word) ? word : null)),
    {
      group: 'workers',
      describe:
        'Path at which the router checks workers; with /health it asks the quicker /ready, and /health only of engines without /ready',
      origin: '0.3.2',
      default: '/health',
    },
  ),
  healthCheckIntervalSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Pause between two checks of a worker that is well; requests notice one that died without it',
    origin: '0.3.2',
    default: 10,
    launchRouterDefault: 60,
    unit: 'seconds',
    reloadable: true,
  }),
  healthCheckTimeoutSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time for a worker to answer a check; an engine takes at least one second for /health',
    origin: '0.3.2',
    default: 5,
    unit: 'seconds',
    reloadable: true,
  }),
  healthFailureThreshold: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'workers',
    describe: 'Failed checks in a row that take a worker out; a refused connection takes it out at once',
    origin: '0.3.2',
    default: 3,
    reloadable: true,
  }),
  healthSuccessThreshold: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'workers',
    describe: 'Passed checks in a row that bring back a worker whose checks failed; one that refused connections needs one',
    origin: '0.3.2',
    default: 2,
    reloadable: true,
  }),
  disableHealthCheck: setting(toggle(), {
    group: 'workers',
    describe:
      'Take workers for well when they are registered; only their connections, and silence while they have requests, speak against them',
    origin: '0.3.2',
    default: false,
    reloadable: true,
  }),
  cbFailureThreshold: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'workers',
    describe: 'Failures in a row (connection lost, 500, 502, 504) that open the circuit breaker of a worker: it takes no requests',
    origin: '0.3.2',
    default: 10,
    reloadable: true,
  }),
  cbSuccessThreshold: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'workers',
    describe: 'Successes that close a half-open breaker, and the requests that it lets through at once',
    origin: '0.3.2',
    default: 3,
    reloadable: true,
  }),
  cbTimeoutDurationSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time after which an open breaker is half-open; one opened by lost connections closes when the worker is back',
    origin: '0.3.2',
    default: 60,
    unit: 'seconds',
    reloadable: true,
  }),
  cbWindowDurationSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Age beyond which a failure no longer counts for the breaker',
    origin: '0.3.2',
    default: 120,
    unit: 'seconds',
    reloadable: true,
  }),
  disableCircuitBreaker: setting(toggle(), {
    group: 'workers',
    describe: 'Keep the circuit breakers of all workers closed',
    origin: '0.3.2',
    default: false,
    reloadable: true,
  }),
  connectTimeoutSecs: setting(float('SECONDS', { min: 0.01, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time for a connection to a worker to open',
    origin: 'ours',
    default: 5,
    unit: 'seconds',
    reloadable: true,
  }),
  maxConnectionsPerWorker: setting(int('COUNT', { min: 1, max: 65_535 }), {
    group: 'workers',
    describe: 'Open connections to one worker at most; further requests wait in its queue',
    origin: 'ours',
    default: 4096,
    reloadable: true,
  }),
  upstreamQueueSize: setting(int('COUNT', { min: 0, max: 1_000_000 }), {
    group: 'workers',
    describe: 'Requests that may wait for a connection to one worker; further ones are answered 503',
    origin: 'ours',
    default: 4096,
    reloadable: true,
  }),
  upstreamQueueTimeoutSecs: setting(float('SECONDS', { min: 0.01, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time that a request may wait for a connection to a worker',
    origin: 'ours',
    default: 60,
    unit: 'seconds',
    reloadable: true,
  }),
  upstreamKeepAliveSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'workers',
    describe: 'Time that an idle connection to a worker is kept; must stay below the 5 s after which SGLang closes it; 0 keeps none',
    origin: 'ours',
    default: 4,
    unit: 'seconds',
    aliases: [{ flag: '--upstream-pool-idle-timeout-secs' }],
    reloadable: true,
  }),
};
