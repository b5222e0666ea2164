/** The simulated engines of a fleet: all alike. In tokens of about four bytes, the size of a model of 30 to 70 billion weights on one node. */
import type { SchedulerSettings } from '../sim/scheduling/scheduler.ts';

export const ENGINE: SchedulerSettings = {
  prefillTokensPerSec: 9000,
  stepOverheadMs: 8,
  itlMs: 11,
  itlPerRequestMs: 0.12,
  kvTokens: 600_000,
  pageSize: 1,
  radixCache: true,
  contextLength: 131_072,
  maxRunningRequests: 256,
  maxQueuedRequests: 0,
  chunkedPrefillSize: 8192,
  streamInterval: 1,
  meanOutputTokens: 0,
  speedup: 1,
  seed: 1,
};
