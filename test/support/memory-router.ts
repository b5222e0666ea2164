/** A data plane on a real listening socket whose workers are in memory. */
import type { TestContext } from 'node:test';
import { FleetCell } from '../../src/base/core/fleet.ts';
import { LoadTable } from '../../src/base/core/load.ts';
import type { LocalRoute } from '../../src/base/core/local-route.ts';
import { SILENT_LOGGER } from '../../src/base/core/logger.ts';
import type { Outcome } from '../../src/base/core/outcome.ts';
import type { Worker, WorkerIndex } from '../../src/base/core/worker.ts';
import { realClock } from '../../src/base/runtime/clock.ts';
import { EndOfTurn } from '../../src/base/runtime/end-of-turn.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { TimerWheel } from '../../src/base/runtime/timer-wheel.ts';
import { findPolicy } from '../../src/router/policy/catalogue.ts';
import type { Policy } from '../../src/router/policy/contract.ts';
import { handleWriters } from '../../src/router/proxy/client/handle-writer.ts';
import type { MakeSocketWriter } from '../../src/router/proxy/client/socket-writer.ts';
import { streamWriter } from '../../src/router/proxy/client/stream-writer.ts';
import { DataPlane } from '../../src/router/proxy/data-plane.ts';
import type { Check } from '../../src/router/proxy/gate/gate.ts';
import type { RequestRecord } from '../../src/router/proxy/routing/request-record.ts';
import type { ProxySettings } from '../../src/router/proxy/settings.ts';
import { upstreamsByProtocol } from '../../src/router/proxy/upstream/upstreams.ts';
import { RouterMetrics } from '../../src/router/telemetry/metrics.ts';
import { MemoryUpstream } from './memory-upstream.ts';
import { startForTest } from './policy-pool.ts';
import { RawClient } from './raw-client.ts';
import { standardGate } from './standard-gate.ts';
import { until } from './until.ts';
import { workerOf } from './worker-of.ts';

const SETTINGS: ProxySettings = {
  maxPayloadBytes: 1024 * 1024,
  maxReplayBytes: 64 * 1024,
  maxConnections: 100,
  corsOrigins: [],
  requestIdHeaders: ['x-request-id'],
  forwardHeaders: [],
  transparentProxy: true,
  forwardPaths: ['/*'],
  headerTimeoutMs: 5000,
  bodyTimeoutMs: 5000,
  keepAliveTimeoutMs: 5000,
  requestTimeoutMs: 20_000,
  streamIdleTimeoutMs: 0,
  sseKeepaliveMs: 0,
  upstream: { connectTimeoutMs: 1000, keepAliveMs: 1000, maxConnections: 10, queueSize: 10, queueTimeoutMs: 1000 },
  retries: { maxAttempts: 3, repeatsSent: false, statuses: new Set(), backoffMs: () => 0 },
  retryBudgetRatio: 1,
  checksKeys: false,
  guardsControl: false,
};

export interface MemoryRouter {
  readonly port: number;
  readonly upstreams: readonly MemoryUpstream[];
  readonly load: LoadTable;
  /** Records of requests that have ended, in order. */
  readonly records: readonly RequestRecord[];
  /** Attempts that have ended, in order. */
  readonly outcomes: readonly { readonly worker: WorkerIndex; readonly outcome: Outcome }[];
  connect(): Promise<RawClient>;
  /** Waits until nothing is in flight and no client is connected. */
  quiet(): Promise<void>;
}

/** Closed, with a check that nothing is left, when the test ends. `checks`: of the gate, after the usual ones. */
export async function startMemoryRouter(
  t: TestContext,
  workerCount: number,
  settings: Partial<ProxySettings> = {},
  policyOrName: Policy | string = 'round_robin',
  makeSocketWriter: MakeSocketWriter = handleWriters(process) ?? streamWriter,
  locals: readonly LocalRoute[] = [],
  checks: readonly Check[] = [],
): Promise<MemoryRouter> {
  const policy = typeof policyOrName === 'string' ? findPolicy(policyOrName) : policyOrName;
  if (policy === undefined) throw new Error(`no policy ${String(policyOrName)}`);
  const fleet = new FleetCell();
  const load = new LoadTable();
  const wheel = new TimerWheel(realClock);
  const upstreams: MemoryUpstream[] = [];
  const records: RequestRecord[] = [];
  const outcomes: { worker: WorkerIndex; outcome: Outcome }[] = [];
  const metrics = new RouterMetrics({
    clock: realClock,
    policy: policy.name,
    workers: {
      inflight: (worker) => load.inflight[worker] ?? 0,
      processed: (worker) => load.processed[worker] ?? 0,
      isHealthy: () => true,
      staleConnections: () => 0,
      breaker: () => null,
    },
    processMetrics: false,
  });
  const makeUpstream = (worker: Worker): MemoryUpstream => {
    const upstream = new MemoryUpstream(worker);
    upstreams.push(upstream);
    return upstream;
  };
  const proxy = new DataPlane({
    settings: { ...SETTINGS, ...settings },
    clock: realClock,
    rng: createRng(1),
    wheel,
    endOfTurn: new EndOfTurn(),
    logger: SILENT_LOGGER,
    metrics,
    gate: standardGate(4 * 1024 * 1024, false, checks),
    fleet,
    load,
    attempts: {
      attemptEnded: (worker, outcome) => outcomes.push({ worker, outcome }),
      attemptStarted: () => {},
      isInDoubt: () => false,
      forgive: () => {},
    },
    policy: { policy, state: startForTest(policy) },
    makeUpstream: upstreamsByProtocol(new Map([['memory', makeUpstream]])),
    makeSocketWriter,
    locals,
    access: (record) => records.push(record),
  });
  const workers = Array.from({ length: workerCount }, (_, index) => workerOf(index, { protocol: 'memory' }));
  for (const { index } of workers) load.reset(index);
  const eligible = { regular: Int32Array.from(workers.map(({ index }) => index)), prefill: new Int32Array(0), decode: new Int32Array(0) };
  fleet.publish({ version: 1, workers, eligible, overloaded: { regular: 0, prefill: 0, decode: 0 }, total: workers.length }, workers, []);
  const { port } = await proxy.listen('127.0.0.1', 0);
  const clients: RawClient[] = [];
  const quiet = (): Promise<void> =>
    until(
      () => load.inflight.every((count) => count === 0) && proxy.connections === 0 && proxy.memory.heldBytes === 0,
      () => `nothing in flight: ${load.inflight.slice(0, workerCount)}, clients ${proxy.connections}, held ${proxy.memory.heldBytes}`,
    );
  t.after(async () => {
    for (const client of clients) client.destroy();
    try {
      await quiet();
    } finally {
      await proxy.close(0);
      wheel.stop();
    }
  });
  return {
    port,
    upstreams,
    load,
    records,
    outcomes,
    quiet,
    connect: async () => {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
  };
}
