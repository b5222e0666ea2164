/** What each part gets of the configuration, in its own units: durations in milliseconds, sizes in bytes. */
import type { Rng } from '../base/core/rng.ts';
import type { Config } from './config/load-config.ts';
import type { ControlSettings } from './control/control.ts';
import type { OverloadBounds } from './control/probing/overload-watch.ts';
import type { WorkersFileMode } from './control/sources/workers-file-text.ts';
import { backoff, type RetrySettings } from './proxy/dispatch/retry-plan.ts';
import type { ConcurrencySettings } from './proxy/gate/concurrency.ts';
import type { PrioritySettings } from './proxy/gate/priority.ts';
import type { PairSettings } from './proxy/pairs/pairing.ts';
import type { ProxySettings } from './proxy/settings.ts';

const SECOND_MS = 1000;

/** `rng`: for the jitter of pauses. */
export function proxySettings(config: Config, rng: Rng): ProxySettings {
  return {
    maxPayloadBytes: config.maxPayloadSize,
    maxReplayBytes: config.maxReplayBytes,
    maxConnections: config.maxConnections,
    corsOrigins: config.corsAllowedOrigins,
    requestIdHeaders: config.requestIdHeaders,
    forwardHeaders: config.forwardHeaders,
    checksKeys: config.apiKey !== null,
    guardsControl: config.apiKey !== null || config.controlPlaneApiKeys.length > 0,
    transparentProxy: !config.disableTransparentProxy,
    forwardPaths: config.forwardPaths,
    headerTimeoutMs: config.headerTimeoutSecs * SECOND_MS,
    bodyTimeoutMs: config.bodyTimeoutSecs * SECOND_MS,
    keepAliveTimeoutMs: config.keepAliveTimeoutSecs * SECOND_MS,
    requestTimeoutMs: config.requestTimeoutSecs * SECOND_MS,
    streamIdleTimeoutMs: config.streamIdleTimeoutSecs * SECOND_MS,
    sseKeepaliveMs: config.sseKeepaliveSecs * SECOND_MS,
    upstream: {
      connectTimeoutMs: config.connectTimeoutSecs * SECOND_MS,
      keepAliveMs: config.upstreamKeepAliveSecs * SECOND_MS,
      maxConnections: config.maxConnectionsPerWorker,
      queueSize: config.upstreamQueueSize,
      queueTimeoutMs: config.upstreamQueueTimeoutSecs * SECOND_MS,
    },
    retries: retrySettings(config, rng),
    retryBudgetRatio: config.retryBudgetRatio,
  };
}

/** Attempts of a request that never left, also where no other request is tried again. */
const UNSENT_ATTEMPTS = 3;
/** Source: sglang_router 0.3.2. */
const RETRY_STATUSES = [408, 429, 500, 502, 503, 504];

function retrySettings(config: Config, rng: Rng): RetrySettings {
  const repeatsSent = !config.disableRetries && config.retryMaxRetries > 1;
  return {
    maxAttempts: repeatsSent ? config.retryMaxRetries : UNSENT_ATTEMPTS,
    repeatsSent,
    statuses: new Set(repeatsSent ? (config.retryStatusCodes ?? RETRY_STATUSES) : []),
    backoffMs: backoff(
      {
        initialMs: config.retryInitialBackoffMs,
        maxMs: config.retryMaxBackoffMs,
        multiplier: config.retryBackoffMultiplier,
        jitter: config.retryJitterFactor,
      },
      () => rng.nextUint32() / 2 ** 32,
    ),
  };
}

export function pairSettings(config: Config): PairSettings {
  return {
    bootstrapTimeoutMs: config.pdBootstrapTimeoutSecs * SECOND_MS,
    streamStartMs: config.streamStartSecs * SECOND_MS,
    isDpAware: config.dpAware,
  };
}

export function workersFileMode({ pdDisaggregation: isPaired, dpAware: isDpAware, apiKey }: Config): WorkersFileMode {
  return { isPaired, isDpAware, apiKey };
}

/** Of the workers that requests are sent to first: regular ones, or prefill ones with pairs. `decode`: null without pairs. */
export function policyNames(config: Config): { readonly first: string; readonly decode: string | null } {
  const { policy, prefillPolicy, decodePolicy, miniLb } = config;
  if (!config.pdDisaggregation) return { first: policy, decode: null };
  if (miniLb) return { first: 'random', decode: 'random' };
  return { first: prefillPolicy ?? policy, decode: decodePolicy ?? policy };
}

/** Limits on requests. Null: they are without limit. */
export function concurrencySettings(config: Config): ConcurrencySettings | null {
  const { queueSize, queueTimeoutSecs } = config;
  const maxRequests = positive(config.maxConcurrentRequests);
  const requestsPerSecond = positive(config.rateLimitTokensPerSecond);
  if (maxRequests === null && requestsPerSecond === null) return null;
  const queueTimeoutMs = waitMs(queueTimeoutSecs, config);
  return { maxRequests, requestsPerSecond, queueSize: queueTimeoutSecs === 0 ? 0 : queueSize, queueTimeoutMs };
}

/** Null: requests have no classes. */
export function prioritySettings(config: Config): PrioritySettings | null {
  const { prioritySchedulerEnabled: isEnabled, prioritySchedulerDefaultMaxClass: ceiling } = config;
  if (!isEnabled) return null;
  const classes = config.priorityClasses.map(
    ({ name, reservedFloor, reservedShare, queueSize, queueTimeoutSecs, starvationSecs, weight }) => ({
      name,
      floor: reservedFloor,
      share: reservedShare,
      queueSize,
      queueTimeoutMs: waitMs(queueTimeoutSecs, config),
      starvationMs: starvationSecs * SECOND_MS,
      weight,
    }),
  );
  const requestsPerSecond = positive(config.rateLimitTokensPerSecond);
  return { classes, ceiling, standard: 'default', requestsPerSecond, maxRequests: positive(config.maxConcurrentRequests) };
}

function positive(limit: number | null): number | null {
  return limit !== null && limit > 0 ? limit : null;
}

/** A request whose time is over while it waits is told that it waited, not that a worker was late. */
function waitMs(secs: number, { requestTimeoutSecs }: Config): number {
  return Math.min(secs, requestTimeoutSecs) * SECOND_MS;
}

/** Null: no bounds. */
function overloadBounds(config: Config): OverloadBounds | null {
  const { workerOverloadWaitingRequests: waitingRequests, workerOverloadTokenUsage: tokenUsage } = config;
  return waitingRequests === null && tokenUsage === null ? null : { waitingRequests, tokenUsage };
}

export function controlSettings(config: Config): ControlSettings {
  return {
    startupTimeoutMs: config.workerStartupTimeoutSecs * SECOND_MS,
    startupCheckIntervalMs: config.workerStartupCheckInterval * SECOND_MS,
    healthCheckEndpoint: config.healthCheckEndpoint,
    drainSettleMs: config.drainSettleSecs * SECOND_MS,
    health: {
      isChecked: !config.disableHealthCheck,
      timeoutMs: config.healthCheckTimeoutSecs * SECOND_MS,
      intervalMs: config.healthCheckIntervalSecs * SECOND_MS,
      failureThreshold: config.healthFailureThreshold,
      successThreshold: config.healthSuccessThreshold,
    },
    breaker: {
      isOn: !config.disableCircuitBreaker,
      failureThreshold: config.cbFailureThreshold,
      successThreshold: config.cbSuccessThreshold,
      timeoutMs: config.cbTimeoutDurationSecs * SECOND_MS,
      windowMs: config.cbWindowDurationSecs * SECOND_MS,
    },
    overload: overloadBounds(config),
    isPaired: config.pdDisaggregation,
    isDpAware: config.dpAware,
  };
}
