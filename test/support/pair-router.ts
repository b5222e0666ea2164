/** A data plane that makes pairs, on a real listening socket, with scripted prefill and decode workers on real sockets. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { FleetCell } from '../../src/base/core/fleet.ts';
import { LoadTable } from '../../src/base/core/load.ts';
import { SILENT_LOGGER } from '../../src/base/core/logger.ts';
import type { Outcome } from '../../src/base/core/outcome.ts';
import { HTTP1, type Worker, type WorkerType } from '../../src/base/core/worker.ts';
import { realClock } from '../../src/base/runtime/clock.ts';
import { EndOfTurn } from '../../src/base/runtime/end-of-turn.ts';
import { createRng } from '../../src/base/runtime/rng.ts';
import { TimerWheel } from '../../src/base/runtime/timer-wheel.ts';
import { findPolicy } from '../../src/router/policy/catalogue.ts';
import type { Policy } from '../../src/router/policy/contract.ts';
import { streamWriter } from '../../src/router/proxy/client/stream-writer.ts';
import { DataPlane } from '../../src/router/proxy/data-plane.ts';
import type { Pairing } from '../../src/router/proxy/pairs/pairing.ts';
import type { RequestRecord } from '../../src/router/proxy/routing/request-record.ts';
import type { ProxySettings } from '../../src/router/proxy/settings.ts';
import { http1Upstreams } from '../../src/router/proxy/upstream/upstreams.ts';
import { RouterMetrics } from '../../src/router/telemetry/metrics.ts';
import { startForTest } from './policy-pool.ts';
import { RawClient } from './raw-client.ts';
import { type Call, ScriptedWorker } from './scripted-worker.ts';
import { standardGate } from './standard-gate.ts';
import { until } from './until.ts';

const SETTINGS: ProxySettings = {
  maxPayloadBytes: 4 * 1024 * 1024,
  maxReplayBytes: 64 * 1024,
  maxConnections: 1000,
  corsOrigins: [],
  requestIdHeaders: ['x-request-id'],
  forwardHeaders: [],
  transparentProxy: true,
  forwardPaths: [],
  headerTimeoutMs: 5000,
  bodyTimeoutMs: 5000,
  keepAliveTimeoutMs: 5000,
  requestTimeoutMs: 20_000,
  streamIdleTimeoutMs: 0,
  sseKeepaliveMs: 0,
  upstream: { connectTimeoutMs: 1000, keepAliveMs: 5000, maxConnections: 100, queueSize: 10, queueTimeoutMs: 1000 },
  retries: { maxAttempts: 3, repeatsSent: true, statuses: new Set([500, 502, 503, 504]), backoffMs: () => 0 },
  retryBudgetRatio: 1,
  checksKeys: false,
  guardsControl: false,
};

/** An engine: what it does with requests, and which it was told to forget. */
export class PairEngine {
  readonly worker: ScriptedWorker;
  readonly type: WorkerType;
  readonly aborted: string[] = [];
  /** Header fields of the last abort. */
  abort: Call | null = null;
  #taken = 0;

  constructor(worker: ScriptedWorker, type: WorkerType) {
    this.worker = worker;
    this.type = type;
  }

  /** Requests without aborts, in order of arrival. */
  get calls(): readonly Call[] {
    return this.worker.calls.filter((call) => call.target !== '/abort_request');
  }

  /** The next request that is no abort, whole. */
  async next(): Promise<Call> {
    const index = this.#taken++;
    await until(() => this.calls.length > index, `request ${index + 1} at the ${this.type} worker`);
    const call = this.calls[index]!; // There are more than `index`.
    await call.body();
    return call;
  }

  set script(script: (call: Call) => void | Promise<void>) {
    this.worker.script = async (call) => {
      if (call.target !== '/abort_request') {
        await script(call);
        return;
      }
      this.abort = call;
      const { rid } = JSON.parse((await call.body()).toString()) as { rid: string };
      this.aborted.push(rid);
      await call.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    };
  }
}

/** Leaves requests to the test. */
export async function startEngine(t: TestContext, type: WorkerType, host = '127.0.0.1'): Promise<PairEngine> {
  const engine = new PairEngine(await ScriptedWorker.start(t, undefined, host), type);
  engine.script = (call) => call.forever();
  return engine;
}

export interface PairRouterOptions {
  readonly settings?: Partial<ProxySettings>;
  readonly bootstrapTimeoutMs?: number;
  readonly streamStartMs?: number;
  readonly policy?: string | Policy;
  /** Of all workers; null: none. */
  readonly apiKey?: string;
  /** Of all prefill workers. */
  readonly bootstrapPort?: number | null;
}

export interface PairRouter {
  readonly port: number;
  readonly load: LoadTable;
  readonly pairing: Pairing;
  readonly metrics: RouterMetrics;
  readonly records: readonly RequestRecord[];
  /** Attempts that have ended, in order: `prefill0 reset 0`. */
  readonly outcomes: readonly string[];
  /** Attempts under way at this engine. */
  inflight(engine: PairEngine): number;
  connect(): Promise<RawClient>;
  /** Nothing is left: no load, no pair, no abort under way, no client, no body. */
  quiet(): Promise<void>;
  /** The end of the router, at once. */
  close(): Promise<number>;
  /** Takes an engine out of the choice, or back in. */
  setEligible(engine: PairEngine, isEligible: boolean): void;
}

export async function startPairRouter(
  t: TestContext,
  engines: readonly PairEngine[],
  {
    settings = {},
    bootstrapTimeoutMs = 10_000,
    streamStartMs = 30_000,
    policy = 'round_robin',
    apiKey,
    bootstrapPort = 8998,
  }: PairRouterOptions = {},
): Promise<PairRouter> {
  const fleet = new FleetCell();
  const load = new LoadTable();
  const wheel = new TimerWheel(realClock, 10);
  const endOfTurn = new EndOfTurn();
  const records: RequestRecord[] = [];
  const outcomes: string[] = [];
  const named = typeof policy === 'string' ? policyNamed(policy) : policy;
  const started = () => ({ policy: named, state: startForTest(named) });
  const all: ProxySettings = { ...SETTINGS, ...settings };
  const metrics = new RouterMetrics({
    clock: realClock,
    policy: named.name,
    workers: {
      inflight: (worker) => load.inflight[worker] ?? 0,
      processed: (worker) => load.processed[worker] ?? 0,
      isHealthy: () => true,
      staleConnections: () => 0,
      breaker: () => null,
    },
    processMetrics: false,
  });
  const workers = engines.map(({ worker, type }, index) => pairWorker(index, worker, type, apiKey ?? null, bootstrapPort));
  const nameOf = (index: number): string => {
    const type = workers[index]!.type;
    return `${type}${workers.filter((worker) => worker.type === type && worker.index < index).length}`;
  };
  const proxy = new DataPlane({
    settings: all,
    clock: realClock,
    rng: createRng(1),
    wheel,
    endOfTurn,
    logger: SILENT_LOGGER,
    metrics,
    gate: standardGate(4 * 1024 * 1024, true),
    fleet,
    load,
    attempts: {
      attemptEnded: (worker, { kind, status }: Outcome) => {
        outcomes.push(`${nameOf(worker)} ${kind} ${status}`);
      },
      attemptStarted: () => {},
      isInDoubt: () => false,
      forgive: () => {},
    },
    policy: started(),
    pairs: { prefillPolicy: started(), decodePolicy: started(), settings: { bootstrapTimeoutMs, streamStartMs } },
    makeUpstream: http1Upstreams(all.upstream, realClock, wheel, endOfTurn),
    makeSocketWriter: streamWriter,
    locals: [],
    access: (record) => records.push(record),
  });
  const { pairing } = proxy;
  assert.ok(pairing !== null);
  for (const { index } of workers) load.reset(index);
  let version = 0;
  const hidden = new Set<number>();
  const publish = (isFirst: boolean): void => {
    const eligible = (type: WorkerType): Int32Array =>
      Int32Array.from(workers.filter((worker) => worker.type === type && !hidden.has(worker.index)).map(({ index }) => index));
    fleet.publish(
      {
        version: ++version,
        workers,
        overloaded: { regular: 0, prefill: 0, decode: 0 },
        eligible: { regular: eligible('regular'), prefill: eligible('prefill'), decode: eligible('decode') },
        total: workers.length,
      },
      isFirst ? workers : [],
      [],
    );
  };
  publish(true);
  const { port } = await proxy.listen('127.0.0.1', 0);
  const clients: RawClient[] = [];
  const quiet = (): Promise<void> =>
    until(
      () =>
        load.inflight.every((count) => count === 0) &&
        pairing.ledger.size === 0 &&
        pairing.aborts.open === 0 &&
        proxy.memory.heldBytes === 0,
      () =>
        `nothing in flight: ${load.inflight.slice(0, workers.length)}, pairs ${pairing.ledger.size}, aborts ${pairing.aborts.open}, ` +
        `clients ${proxy.connections}, held ${proxy.memory.heldBytes}; outcomes ${outcomes.join('; ')}`,
    );
  t.after(async () => {
    for (const client of clients) client.destroy();
    try {
      await quiet();
      await until(
        () => proxy.connections === 0,
        () => `no client: ${proxy.connections}`,
      );
      await until(
        () => engines.every(({ worker }) => worker.busySockets === 0),
        () => `the workers to be let go: busy ${engines.map(({ worker, type }) => `${type} ${worker.busySockets}`).join(', ')}`,
      );
      assert.equal(pairing.ledger.roomCount, 0);
      assert.equal(pairing.lingering.size, 0);
    } finally {
      await proxy.close(0);
      wheel.stop();
    }
    await until(
      () => proxy.upstreams.connections === 0 && engines.every(({ worker }) => worker.openSockets === 0),
      () => `no connection to be left: ${proxy.upstreams.connections}`,
    );
  });
  return {
    port,
    load,
    pairing,
    metrics,
    records,
    outcomes,
    inflight: (engine) => load.inflight[engines.indexOf(engine)]!,
    quiet,
    close: () => proxy.close(0),
    setEligible: (engine, isEligible) => {
      if (isEligible) hidden.delete(engines.indexOf(engine));
      else hidden.add(engines.indexOf(engine));
      publish(false);
    },
    connect: async () => {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
  };
}

function policyNamed(name: string): Policy {
  const policy = findPolicy(name);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  return policy;
}

function pairWorker(
  index: number,
  { url, port }: ScriptedWorker,
  type: WorkerType,
  apiKey: string | null,
  bootstrapPort: number | null,
): Worker {
  const { hostname } = new URL(url);
  return {
    index,
    id: `00000000-0000-4000-8000-00000000000${index}`,
    url,
    scheme: 'http',
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    authority: `${hostname}:${port}`,
    basePath: '',
    type,
    protocol: HTTP1,
    apiKey,
    modelId: 'unknown',
    priority: 50,
    cost: 1,
    bootstrapPort: type === 'prefill' ? bootstrapPort : null,
    rank: null,
    maxRunningRequests: null,
    kvTokens: null,
    labels: {},
  };
}
