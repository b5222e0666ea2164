/** The only wiring of the router: a configuration in, a running router out. */

import type { Clock } from '../base/core/clock.ts';
import { FleetCell } from '../base/core/fleet.ts';
import { LoadTable } from '../base/core/load.ts';
import type { LocalResponse, LocalRoute } from '../base/core/local-route.ts';
import type { Logger } from '../base/core/logger.ts';
import type { Rng } from '../base/core/rng.ts';
import { HTTP1, WORKER_TYPES, type WorkerType } from '../base/core/worker.ts';
import { EndOfTurn } from '../base/runtime/end-of-turn.ts';
import { Pause } from '../base/runtime/pause.ts';
import { stayAlive } from '../base/runtime/stay-alive.ts';
import { TimerWheel } from '../base/runtime/timer-wheel.ts';
import type { Config } from './config/load-config.ts';
import { createControl } from './control/control.ts';
import { commandLine } from './control/sources/command-line.ts';
import { WorkersFile } from './control/sources/workers-file.ts';
import { clientKeyOf, controlKeysOf } from './keys/configured-keys.ts';
import { concurrencySettings, controlSettings, prioritySettings, proxySettings } from './part-settings.ts';
import { startPolicy } from './policy/catalogue.ts';
import type { IndexStats, PoolPolicy } from './policy/contract.ts';
import type { ProbeReport } from './probes/probe-answer.ts';
import { ProbePort } from './probes/probe-port.ts';
import { writeAccess } from './proxy/answer/write-access.ts';
import { writeAudit } from './proxy/answer/write-audit.ts';
import { handleWriters } from './proxy/client/handle-writer.ts';
import type { Address } from './proxy/client/listener.ts';
import { settleSocketShape } from './proxy/client/socket-shape.ts';
import { streamWriter } from './proxy/client/stream-writer.ts';
import { DataPlane, type PairDeps } from './proxy/data-plane.ts';
import { closedPaths } from './proxy/gate/closed-paths.ts';
import { Concurrency } from './proxy/gate/concurrency.ts';
import { contentType } from './proxy/gate/content-type.ts';
import { expectedBody } from './proxy/gate/expected-body.ts';
import { type Check, Gate } from './proxy/gate/gate.ts';
import { keys } from './proxy/gate/keys.ts';
import type { LimiterParts } from './proxy/gate/limiter.ts';
import { method } from './proxy/gate/method.ts';
import { payloadSize } from './proxy/gate/payload-size.ts';
import { Priority, type PrioritySettings } from './proxy/gate/priority.ts';
import { unservedInPairs } from './proxy/gate/unserved-in-pairs.ts';
import { pairLedgerRoute } from './proxy/pairs/ledger-route.ts';
import { isRoutedPath } from './proxy/routing/route-table.ts';
import { http1Upstreams, upstreamsByProtocol } from './proxy/upstream/upstreams.ts';
import { AccessLog } from './telemetry/access-record.ts';
import { RouterMetrics } from './telemetry/metrics.ts';
import { type MetricsServer, metricsRoute, startMetricsServer } from './telemetry/metrics-server.ts';

export interface RouterRuntime {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Lines that the log has lost. */
  readonly droppedLogLines?: () => number;
}

/** How long the router looks at the workers named at its start before it listens. Workers that are up answer much sooner. */
const FIRST_LOOK_MS = 1000;

export interface RunningRouter {
  readonly address: Address;
  /** Where metrics are served besides the main port; null: nowhere (the default port was taken). */
  readonly metricsAddress: Address | null;
  /** Where probes are answered in a thread of their own; null: nowhere. */
  readonly probeAddress: Address | null;
  readonly fleet: FleetCell;
  readonly load: LoadTable;
  /** Client connections open now. */
  connections(): number;
  /** Connections open now to all workers of the fleet, probes apart. */
  workerConnections(): number;
  /**
   * Readiness turns 503 at once. The port stays open for the settle time, then requests in flight have the grace period to end. Resolves
   * with the number of connections cut. Idempotent.
   */
  stop(): Promise<number>;
  /** Ends the waits of `stop`: those of now, and those of a `stop` that follows. */
  hurry(): void;
}

/** A setting that only turns out to be wrong when the parts are put together. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

/** `mustServeMetrics`: a person chose where metrics are served, so not getting that port is an error. */
export async function startRouter(config: Config, runtime: RouterRuntime, mustServeMetrics: boolean): Promise<RunningRouter> {
  const { clock, rng, logger } = runtime;
  settleSocketShape();
  const settings = proxySettings(config, rng);
  const salt = rng.nextUint32();
  const pairs = pairDeps(config, salt);
  const fleet = new FleetCell();
  const load = new LoadTable();
  const wheel = new TimerWheel(clock);
  const endOfTurn = new EndOfTurn();
  const metrics: RouterMetrics = new RouterMetrics({
    clock,
    policy: config.policy,
    ...(pairs === null ? {} : { pairPolicies: { prefill: pairs.prefillPolicy.policy.name, decode: pairs.decodePolicy.policy.name } }),
    workers: {
      inflight: (worker) => load.inflight[worker] ?? 0,
      processed: (worker) => load.processed[worker] ?? 0,
      isHealthy: (worker) => control.isEligible(worker),
      breaker: (worker) => control.findBreaker(worker),
      staleConnections: (worker) => proxy.upstreams.staleConnections(worker),
    },
    ...(config.prometheusDurationBuckets === null ? {} : { durationBuckets: config.prometheusDurationBuckets }),
  });

  // Which workers exist, and which may take requests.
  const control = createControl({
    cell: fleet,
    load,
    clock,
    rng,
    logger,
    counters: metrics,
    settings: controlSettings(config),
    traffic: {
      reads: (worker) => proxy.upstreams.reads(worker),
      giveUp: (worker) => proxy.upstreams.giveUp(worker),
    },
  });

  const limits = requestLimits(config, fleet, metrics, { clock, wheel, endOfTurn });

  const access = writeAccess(new AccessLog(config.accessLog, logger, metrics.accessRecordsSkipped), clock);

  // A request, from its client to its worker.
  const proxy: DataPlane = new DataPlane({
    settings,
    clock,
    rng,
    wheel,
    endOfTurn,
    logger,
    makeSocketWriter: handleWriters(process) ?? streamWriter,
    locals: localRoutes(
      config,
      control.routes,
      metrics,
      pairs === null ? [] : [pairLedgerRoute(() => proxy.pairing?.ledger ?? null, clock)],
    ),
    gate: new Gate([
      ...keyChecks(config), // 401, 403
      method, // 405
      closedPaths, // 404
      payloadSize(settings.maxPayloadBytes), // 413
      contentType, // 415
      ...(pairs === null ? [] : [unservedInPairs]), // 501
      expectedBody(fleet, pairs !== null), // 503
      ...limits, // 429, 408
    ]),
    policy: startPolicy(config.policy, config, salt),
    ...(pairs === null ? {} : { pairs }),
    isDpAware: config.dpAware,
    fleet,
    load,
    attempts: control.attemptListener,
    makeUpstream: upstreamsByProtocol(new Map([[HTTP1, http1Upstreams(settings.upstream, clock, wheel, endOfTurn)]])),
    metrics,
    access: config.controlPlaneAuditEnabled ? writeAudit(logger, access) : access,
  });
  readGauges(metrics, proxy, runtime);

  const end = async (graceMs: number, metricsServer: MetricsServer | null): Promise<number> => {
    const cut = await proxy.close(graceMs);
    await Promise.all([control.stop(), metricsServer?.stop()]);
    await probes?.stop();
    metrics.stop();
    wheel.stop();
    return cut;
  };
  let probes: ProbePort | null = null;
  let address: Address;
  let metricsServer: MetricsServer | null = null;
  try {
    const files = await workersFiles(config, runtime);
    control.start([commandLine(config), ...files]);
    if (config.healthCheckPort !== null) {
      probes = await ProbePort.start({ host: config.host, port: config.healthCheckPort, clock, logger });
    }
    // A client that finds the router alive may send a request at once, and a worker that is up must be known by then.
    const looked = stayAlive();
    await control.firstLook(FIRST_LOOK_MS).finally(looked);
    address = await proxy.listen(config.host, config.port);
    const { prometheusHost: host, prometheusPort: port } = config;
    metricsServer = await startMetricsServer({ host, port, explicit: mustServeMetrics, metrics, logger });
    probes?.begin(() => probeReport(control.readiness()));
  } catch (error) {
    await end(0, null);
    throw error;
  }
  const settling = new Pause(clock);
  let stopping: Promise<number> | null = null;
  return {
    address,
    metricsAddress: metricsServer === null ? null : { host: metricsServer.host, port: metricsServer.port },
    probeAddress: probes?.address ?? null,
    fleet,
    load,
    connections: () => proxy.connections,
    workerConnections: () => proxy.upstreams.connections,
    stop: () => {
      if (stopping === null) {
        control.beginDrain();
        probes?.report();
        const graceMs = config.shutdownGracePeriodSecs * 1000;
        stopping = settling.wait(config.shutdownSettleSecs * 1000).then(() => end(settling.isOver ? 0 : graceMs, metricsServer));
      }
      return stopping;
    },
    hurry: () => {
      settling.end();
      proxy.hurry();
    },
  };
}

/** The file of workers, if there is one. Throws WorkersFileError if it is not valid. */
async function workersFiles(
  { workersFile, pdDisaggregation: isPaired, dpAware: isDpAware }: Config,
  { clock, logger }: RouterRuntime,
): Promise<readonly WorkersFile[]> {
  return workersFile === null ? [] : [await WorkersFile.open(workersFile, { clock, logger, mode: { isPaired, isDpAware } })];
}

function probeReport({ status, body }: LocalResponse): ProbeReport {
  return { status, body: body.toString() };
}

/** The routes that the router answers itself. */
function localRoutes(
  { metricsPath }: Config,
  ofControl: readonly LocalRoute[],
  metrics: RouterMetrics,
  ofPairs: readonly LocalRoute[],
): LocalRoute[] {
  const locals = [...ofControl, ...ofPairs];
  if (metricsPath === '') return locals;
  if (isRoutedPath(metricsPath, locals)) {
    throw new SettingError(`--metrics-path ${metricsPath}: the router has another use for that path; choose another, such as /metrics`);
  }
  return [...locals, metricsRoute(metricsPath, metrics)];
}

/** The check of keys; none where there are none. */
function keyChecks(config: Config): readonly Check[] {
  const [client, control] = [clientKeyOf(config), controlKeysOf(config)];
  return client === null && control === null ? [] : [keys({ client, control })];
}

/** The checks of limits on requests; none where there is no limit. */
function requestLimits(config: Config, fleet: FleetCell, metrics: RouterMetrics, parts: LimiterParts): readonly Check[] {
  const classes = prioritySettings(config);
  if (classes !== null) return [priorityClasses(classes, config.pdDisaggregation ? 'decode' : 'regular', fleet, metrics, parts)];
  const settings = concurrencySettings(config);
  if (settings === null) return [];
  const concurrency = new Concurrency(settings, metrics.admission(), parts);
  metrics.readFrom('admissionInUse', () => concurrency.inUse);
  metrics.readFrom('admissionQueue', () => concurrency.waiting);
  return [concurrency.check];
}

function priorityClasses(
  settings: PrioritySettings,
  workers: WorkerType,
  fleet: FleetCell,
  metrics: RouterMetrics,
  parts: LimiterParts,
): Check {
  const series = metrics.scheduler();
  const priority = new Priority(settings, workers, fleet.current, series, parts);
  fleet.subscribe(priority);
  metrics.readFrom('schedulerSlots', () => priority.slots);
  for (const [rank, { name, queueSize }] of settings.classes.entries()) {
    series.read(name, { inUse: () => priority.inUse(rank), waiting: () => priority.waiting(rank), queueSize });
  }
  return priority.check;
}

/** Metrics that are read from the data plane when someone scrapes. */
function readGauges(metrics: RouterMetrics, proxy: DataPlane, { droppedLogLines }: RouterRuntime): void {
  const { upstreams, selection, pairing } = proxy;
  for (const type of WORKER_TYPES) {
    if ((type === 'regular') === (pairing === null)) metrics.readWorkerConnections(type, () => upstreams.connectionsTo(type));
  }
  const indexSum = (key: keyof IndexStats) => () => (selection.index?.[key] ?? 0) + (pairing?.decode.index?.[key] ?? 0);
  metrics.readFrom('prefixBlocks', indexSum('blocks'));
  metrics.readFrom('prefixBytes', indexSum('bytes'));
  metrics.readFrom('prefixEvictions', indexSum('evictions'));
  if (pairing !== null) metrics.readFrom('pdLivePairs', () => pairing.ledger.size);
  metrics.readFrom('inflightDrift', () => proxy.drift);
  metrics.readFrom('logLinesDropped', () => droppedLogLines?.() ?? 0);
}

/** Null: prefill and decode are not divided. */
function pairDeps(config: Config, salt: number): PairDeps | null {
  if (!config.pdDisaggregation) return null;
  const policy = (own: string | null): PoolPolicy => startPolicy(config.miniLb ? 'random' : (own ?? config.policy), config, salt);
  return {
    prefillPolicy: policy(config.prefillPolicy),
    decodePolicy: policy(config.decodePolicy),
    settings: { bootstrapTimeoutMs: config.pdBootstrapTimeoutSecs * 1000, isDpAware: config.dpAware },
  };
}
