/** Settings of retries. Names and defaults of `retry-*`: sglang_router 0.3.2. */
import { statusCodes } from '../setting/list-shape.ts';
import { setting } from '../setting/setting.ts';
import { float, int, toggle } from '../setting/shape.ts';

const ANY = Number.MAX_SAFE_INTEGER;
const MAX_MS = 24 * 3600 * 1000;

export const FAILURES = {
  retryMaxRetries: setting(int('COUNT', { min: 0, max: 1000 }), {
    group: 'failures',
    describe: 'Attempts of one request at most, the first one included, as sglang_router counts them; 0 and 1 send every request once',
    origin: '0.3.2',
    default: 5,
    reloadable: true,
  }),
  retryInitialBackoffMs: setting(int('MS', { min: 0, max: MAX_MS }), {
    group: 'failures',
    describe: 'Milliseconds before the second attempt; a request that never left, or met 429 or 503, goes to another worker at once',
    origin: '0.3.2',
    default: 50,
    reloadable: true,
  }),
  retryMaxBackoffMs: setting(int('MS', { min: 0, max: MAX_MS }), {
    group: 'failures',
    describe: 'Milliseconds before a further attempt at most',
    origin: '0.3.2',
    default: 30_000,
    reloadable: true,
  }),
  retryBackoffMultiplier: setting(float('FACTOR', { min: 1, max: ANY }), {
    group: 'failures',
    describe: 'Factor by which the pause grows from one attempt to the next',
    origin: '0.3.2',
    default: 1.5,
    reloadable: true,
  }),
  retryJitterFactor: setting(float('SHARE', { min: 0, max: 1 }), {
    group: 'failures',
    describe: 'Share of the pause by which chance lengthens or shortens it',
    origin: '0.3.2',
    default: 0.2,
    reloadable: true,
  }),
  disableRetries: setting(toggle(), {
    group: 'failures',
    describe: 'Send every request once; only one that never left goes to another worker',
    origin: '0.3.2',
    default: false,
    reloadable: true,
  }),
  retryStatusCodes: setting(statusCodes('STATUS'), {
    group: 'failures',
    describe: "Statuses of workers after which another attempt is made; '502,503,504' repeats no request that an engine has judged",
    origin: 'ours',
    default: null,
    whenUnset: '408, 429, 500, 502, 503, 504',
    reloadable: true,
  }),
  retryBudgetRatio: setting(float('SHARE', { min: 0, max: 1000 }), {
    group: 'failures',
    describe:
      'Retries of the last 10 s at most, as a share of the requests of that time, beside 10 a second that are always allowed; ' +
      'it keeps an outage from multiplying the traffic',
    origin: 'ours',
    default: 0.5,
    reloadable: true,
  }),
};
