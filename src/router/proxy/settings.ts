/** What the data plane can be told, in its own units. */
import type { ClientSettings } from './client/connection-host.ts';
import type { RetrySettings } from './dispatch/retry-plan.ts';
import type { SingleSettings } from './exchange/single.ts';
import type { UpstreamSettings } from './upstream/http1/pool.ts';

export interface ProxySettings extends ClientSettings, SingleSettings {
  /** Origins of web pages that may read answers; empty: all. */
  readonly corsOrigins: readonly string[];
  /** Lower-case names of header fields that carry a request id, in order of preference. */
  readonly requestIdHeaders: readonly string[];
  /** Lower-case names forwarded besides the standard ones; `*`: all but hop-by-hop. */
  readonly forwardHeaders: readonly string[];
  /** Clients have a key of the router, which no worker gets to see. */
  readonly checksKeys: boolean;
  /** Requests to the control API have a key of the router, which no worker gets to see. */
  readonly guardsControl: boolean;
  /** Routes of engines that are not in the router's own table go to a worker. */
  readonly transparentProxy: boolean;
  /** Paths that go to a worker besides; `/*` at the end: everything below. */
  readonly forwardPaths: readonly string[];
  readonly upstream: UpstreamSettings;
  readonly retries: RetrySettings;
  /** Retries per request at most, beside a floor. */
  readonly retryBudgetRatio: number;
}
