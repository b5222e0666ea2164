/** Settings of the first version, of client connections and of requests. */

import { parseHost } from '../../base/core/host.ts';
import { headerNames, paths, texts, workerUrls } from '../setting/list-shape.ts';
import { setting } from '../setting/setting.ts';
import { float, int, parsedText, text, toggle } from '../setting/shape.ts';
import { policyName } from './policy-name.ts';

/** Timers take at most 2^31-1 ms. */
export const MAX_SECONDS = 2_147_483;
const ANY = Number.MAX_SAFE_INTEGER;

export function bindHost(placeholder: string) {
  return parsedText(placeholder, 'a host name, an IPv4 address or an IPv6 address', (word) => {
    const bracketed = /^\[(.*)\]$/.exec(word)?.[1];
    const host = parseHost(bracketed ?? word);
    return host === null || (bracketed !== undefined && host.kind !== 'ipv6') ? null : host.text;
  });
}

export const MAIN = {
  host: setting(bindHost('HOST'), {
    group: 'main',
    describe: 'Address or host name to listen on; 0.0.0.0 or :: for all interfaces',
    origin: 'seed',
    default: '127.0.0.1',
    launchRouterDefault: '0.0.0.0',
  }),
  port: setting(int('PORT', { min: 0, max: 65535 }), {
    group: 'main',
    describe: 'Port to listen on; 0 for any free one',
    origin: 'seed',
    default: 3001,
    launchRouterDefault: 30000,
  }),
  workerUrls: setting(workerUrls('WORKER_URLS'), {
    group: 'main',
    describe: 'URLs of workers, separated by commas, spaces or repetition of the flag; more can join later',
    origin: 'seed',
    default: [],
    reloadable: true,
  }),
  policy: setting(policyName('regular'), {
    group: 'main',
    describe: 'How a worker is chosen for a request',
    origin: 'seed',
    default: 'round_robin',
    launchRouterDefault: 'cache_aware',
    reloadable: true,
  }),
};

/** As browsers send it: no path. */
const ORIGIN = /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]+)$/i;

export const CLIENTS = {
  maxConnections: setting(int('COUNT', { min: 1, max: 1_000_000 }), {
    group: 'clients',
    describe: 'Open client connections at most; further ones are answered 503 and closed',
    origin: 'ours',
    default: 16_384,
    reloadable: true,
  }),
  headerTimeoutSecs: setting(float('SECONDS', { min: 0.1, max: MAX_SECONDS }), {
    group: 'clients',
    describe: 'Time for the head of a request to arrive',
    origin: 'ours',
    default: 30,
    unit: 'seconds',
    reloadable: true,
  }),
  bodyTimeoutSecs: setting(float('SECONDS', { min: 0.1, max: MAX_SECONDS }), {
    group: 'clients',
    describe: 'Longest pause between two pieces of the body of a request',
    origin: 'ours',
    default: 60,
    unit: 'seconds',
    reloadable: true,
  }),
  keepAliveTimeoutSecs: setting(float('SECONDS', { min: 0.1, max: MAX_SECONDS }), {
    group: 'clients',
    describe: 'Time after which an idle client connection is closed',
    origin: 'ours',
    default: 75,
    unit: 'seconds',
    reloadable: true,
  }),
  corsAllowedOrigins: setting(texts('ORIGINS', 'an origin such as https://app.example', { pattern: ORIGIN }), {
    group: 'clients',
    describe: 'Origins of web pages that may read answers, such as https://app.example:8443; none or * for all',
    origin: '0.3.2',
    default: [],
  }),
  healthCheckPort: setting(int('PORT', { min: 0, max: 65535 }), {
    group: 'clients',
    describe:
      'Port of a listener in a thread of its own that answers /readiness, /liveness and /health while the router is busy; 0 for any free one',
    origin: 'smg',
    default: null,
    whenUnset: 'no such listener',
  }),
  shutdownSettleSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'clients',
    describe: 'Time between SIGTERM and the end of the listener: readiness is 503, requests are served, load balancers notice',
    origin: 'ours',
    default: 0,
    unit: 'seconds',
    reloadable: true,
  }),
  shutdownGracePeriodSecs: setting(int('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'clients',
    describe: 'Time that requests in flight have to end after the port has closed; then the router closes their connections',
    origin: '0.3.2',
    default: 180,
    unit: 'seconds',
    reloadable: true,
  }),
};

/** Fields that the router frames or names itself; a client's own never pass. */
const NEVER_FORWARDED = [
  'host',
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

export const REQUESTS = {
  maxPayloadSize: setting(int('BYTES', { min: 1, max: ANY }), {
    group: 'requests',
    describe: 'Largest body of a request; a larger one is answered 413',
    origin: '0.3.2',
    default: 512 * 1024 * 1024,
    unit: 'bytes',
    reloadable: true,
  }),
  requestTimeoutSecs: setting(int('SECONDS', { min: 1, max: MAX_SECONDS }), {
    group: 'requests',
    describe: 'Time for a request to be answered to its end',
    origin: '0.3.2',
    default: 1800,
    unit: 'seconds',
    reloadable: true,
  }),
  streamIdleTimeoutSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'requests',
    describe: 'Longest silence of a worker in the middle of an answer; 0 for no limit',
    origin: 'ours',
    default: 600,
    unit: 'seconds',
    reloadable: true,
  }),
  sseKeepaliveSecs: setting(float('SECONDS', { min: 0, max: MAX_SECONDS }), {
    group: 'requests',
    describe:
      'Silence of the engine after which an event stream gets a comment, so that proxies in front do not close it; clients of event ' +
      'streams skip comments. 0 for none',
    origin: 'ours',
    default: 0,
    unit: 'seconds',
    reloadable: true,
  }),
  maxReplayBytes: setting(int('BYTES', { min: 0, max: 1024 * 1024 * 1024 }), {
    group: 'requests',
    describe: 'Part of a body that is held so that it can be sent to another worker; a larger body is streamed and sent once',
    origin: 'ours',
    default: 2 * 1024 * 1024,
    unit: 'bytes',
    reloadable: true,
  }),
  requestIdHeaders: setting(headerNames('HEADERS'), {
    group: 'requests',
    describe: 'Header fields that may carry the id of a request; the first one present is taken, else an id is made',
    origin: '0.3.2',
    default: ['x-request-id', 'x-correlation-id', 'x-trace-id', 'request-id'],
    reloadable: true,
  }),
  forwardHeaders: setting(headerNames('HEADERS', { refused: NEVER_FORWARDED, all: true }), {
    group: 'requests',
    describe: "Further header fields of clients that workers get to see; '*' for all but hop-by-hop fields",
    origin: 'ours',
    default: [],
  }),
  disableTransparentProxy: setting(toggle(), {
    group: 'requests',
    describe: 'Answer 404 on the routes of engines that sglang_router 0.3.2 does not have, instead of asking a worker',
    origin: 'ours',
    default: false,
  }),
  forwardPaths: setting(paths('PATHS'), {
    group: 'requests',
    describe: 'Further paths that go to a worker as they are; /* at the end takes everything below that does not change an engine',
    origin: 'ours',
    default: [],
  }),
  seed: setting(int('SEED', { min: 0, max: 2 ** 32 - 1 }), {
    group: 'other',
    describe: 'Start of the random numbers, for choices that can be repeated in tests',
    origin: 'ours',
    default: null,
    whenUnset: 'drawn at start',
  }),
};

/** What the command line says about itself; not part of Config. */
export const META = {
  config: setting(text('FILE'), {
    group: 'other',
    describe: 'YAML file with settings, named like the flags; flags and environment go before it',
    origin: 'ours',
    default: null,
    whenUnset: 'no file',
  }),
  configWatch: setting(toggle(), {
    group: 'other',
    describe: 'Reload when the file of --config changes, as SIGHUP does (docs/reload.md)',
    origin: 'ours',
    default: false,
  }),
  checkConfig: setting(toggle(), {
    group: 'other',
    describe: 'Check all settings, print those in force as JSON, and exit',
    origin: 'ours',
    default: false,
  }),
};
