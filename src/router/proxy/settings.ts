/** What the data plane can be told, in its own units. compose.ts fills it from the configuration. */
export interface ProxySettings {
  readonly maxPayloadBytes: number;
  /** Bodies up to this size are held whole and can be sent again. */
  readonly maxReplayBytes: number;
  readonly maxConnections: number;
  /** Lower-case names of header fields that carry a request id, in order of preference. */
  readonly requestIdHeaders: readonly string[];
  /** Lower-case names forwarded besides the standard ones; `*`: all but hop-by-hop. */
  readonly forwardHeaders: readonly string[];
  readonly transparentProxy: boolean;
  readonly headerTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** From the last byte of the request to the end of the answer. */
  readonly requestTimeoutMs: number;
  /** Longest silence of a worker within an answer; 0: no limit. */
  readonly streamIdleTimeoutMs: number;
  readonly upstream: UpstreamSettings;
}

export interface UpstreamSettings {
  readonly connectTimeoutMs: number;
  /** Idle pooled connections are closed after this, or after half a second less than the worker's own `Keep-Alive: timeout`. */
  readonly keepAliveMs: number;
  readonly maxConnections: number;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
}
