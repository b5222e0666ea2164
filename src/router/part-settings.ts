/** What each part gets of the configuration, in its own units: durations in milliseconds, sizes in bytes. */
import type { Config } from './config/load-config.ts';
import type { ControlSettings } from './control/control.ts';
import type { ProxySettings } from './proxy/settings.ts';

const SECOND_MS = 1000;

export function proxySettings(config: Config): ProxySettings {
  return {
    maxPayloadBytes: config.maxPayloadSize,
    maxReplayBytes: config.maxReplayBytes,
    maxConnections: config.maxConnections,
    requestIdHeaders: config.requestIdHeaders,
    forwardHeaders: config.forwardHeaders,
    transparentProxy: !config.disableTransparentProxy,
    headerTimeoutMs: config.headerTimeoutSecs * SECOND_MS,
    bodyTimeoutMs: config.bodyTimeoutSecs * SECOND_MS,
    keepAliveTimeoutMs: config.keepAliveTimeoutSecs * SECOND_MS,
    requestTimeoutMs: config.requestTimeoutSecs * SECOND_MS,
    streamIdleTimeoutMs: config.streamIdleTimeoutSecs * SECOND_MS,
    upstream: {
      connectTimeoutMs: config.connectTimeoutSecs * SECOND_MS,
      keepAliveMs: config.upstreamKeepAliveSecs * SECOND_MS,
      maxConnections: config.maxConnectionsPerWorker,
      queueSize: config.upstreamQueueSize,
      queueTimeoutMs: config.upstreamQueueTimeoutSecs * SECOND_MS,
    },
    retries: {
      // Nothing was sent when connecting fails: another worker can get the request at once.
      single: { maxAttempts: 3, repeatsSent: false, backoffMs: () => 0 },
      pairs: { maxAttempts: 3, repeatsSent: true, backoffMs: () => 0 },
    },
  };
}

export function controlSettings(config: Config): ControlSettings {
  return {
    startupTimeoutMs: config.workerStartupTimeoutSecs * SECOND_MS,
    startupCheckIntervalMs: config.workerStartupCheckInterval * SECOND_MS,
    healthCheckTimeoutMs: config.healthCheckTimeoutSecs * SECOND_MS,
    healthCheckEndpoint: config.healthCheckEndpoint,
    readyProbeIntervalMs: config.healthCheckIntervalSecs * SECOND_MS,
    isPaired: config.pdDisaggregation,
    isDpAware: config.dpAware,
  };
}
