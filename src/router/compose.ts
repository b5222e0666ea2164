/** The only wiring of the router: a configuration in, a running router out. */

import type { Clock } from '../base/core/clock.ts';
import { FleetCell } from '../base/core/fleet.ts';
import { LoadTable } from '../base/core/load.ts';
import type { LocalResponse, LocalRoute } from '../base/core/local-route.ts';
import type { Logger } from '../base/core/logger.ts';
import type { Rng } from '../base/core/rng.ts';
import { HTTP1, WORKER_TYPES } from '../base/core/worker.ts';
import { EndOfTurn } from '../base/runtime/end-of-turn.ts';
import { Pause } from '../base/runtime/pause.ts';
import { stayAlive } from '../base/runtime/stay-alive.ts';
import { TimerWheel } from '../base/runtime/timer-wheel.ts';
import type { Config } from './config/load-config.ts';
import { createControl } from './control/control.ts';
import { commandLine } from './control/sources/command-line.ts';
import { WorkersFile } from './control/sources/workers-file.ts';
import { clientKeyOf, controlKeysOf } from './keys/configured-keys.ts';
import { controlSettings, pairSettings, policyNames, proxySettings, workersFileMode } from './part-settings.ts';
import { adjustPolicy, startPolicy } from './policy/catalogue.ts';
import type { IndexStats, PoolPolicy } from './policy/contract.ts';
import type { ProbeReport } from './probes/probe-answer.ts';
import { ProbePort } from './probes/probe-port.ts';
import { writeAccess } from './proxy/answer/write-access.ts';
import { writeAudit } from './proxy/answer/write-audit.ts';
import { handleWriters } from './proxy/client/handle-writer.ts';
import type { Address } from './proxy/client/listener.ts';
import { type MakeServer, plainServer, tlsServer } from './proxy/client/make-server.ts';
import { settleSocketShape } from './proxy/client/socket-shape.ts';
import { streamWriter } from './proxy/client/stream-writer.ts';
import { DataPlane, type PairDeps } from './proxy/data-plane.ts';
import type { Selection } from './proxy/dispatch/selection.ts';
import { closedPaths } from './proxy/gate/closed-paths.ts';
import { contentType } from './proxy/gate/content-type.ts';
import { expectedBody } from './proxy/gate/expected-body.ts';
import { type Check, Gate } from './proxy/gate/gate.ts';
import { keys } from './proxy/gate/keys.ts';
import { method } from './proxy/gate/method.ts';
import { payloadSize } from './proxy/gate/payload-size.ts';
import { unservedInPairs } from './proxy/gate/unserved-in-pairs.ts';
import { pairLedgerRoute } from './proxy/pairs/ledger-route.ts';
import { isRoutedPath } from './proxy/routing/route-table.ts';
import type { ProxySettings } from './proxy/settings.ts';
import { http1Upstreams, upstreamsByProtocol } from './proxy/upstream/upstreams.ts';
import { type ReloadCause, type ReloadResult, Reloads, reloadRoute, type SettingsSource } from './reload.ts';
import { requestLimits } from './request-limits.ts';
import { AccessLog } from './telemetry/access-record.ts';
import { RouterMetrics } from './telemetry/metrics.ts';
import { type MetricsServer, metricsRoute, startMetricsServer } from './telemetry/metrics-server.ts';
import { openTls, type RouterTls } from './tls/router-tls.ts';

export interface RouterRuntime {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Lines that the log has lost. */
  readonly droppedLogLines?: () => number;
  /** Where `config` came from; without it only the file of workers is read again. */
  readonly settings?: SettingsSource;
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
  /** Reads the settings and the file of workers again. All of it holds, or nothing changes. */
  reload(cause: ReloadCause): Promise<ReloadResult>;
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
  const named = commandLine(config);
  const workersFile = await openWorkersFile(config, runtime);
  const settings = proxySettings(config, rng);
  const tls = await openTls(config, { clock, logger });
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
      isHealthy: (worker) => control.isHealthy(worker),
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
    ...(tls.workers === null ? {} : { workerTls: tls.workers }),
    traffic: {
      reads: (worker) => proxy.upstreams.reads(worker),
      giveUp: (worker) => proxy.upstreams.giveUp(worker),
    },
  });

  const limits = requestLimits(config, fleet, metrics, { clock, wheel, endOfTurn });

  const accessLog = new AccessLog(config.accessLog, logger, metrics.accessRecordsSkipped);
  const access = writeAccess(accessLog, clock);

  // A request, from its client to its worker.
  const proxy: DataPlane = new DataPlane({
    settings,
    clock,
    rng,
    wheel,
    endOfTurn,
    logger,
    makeSocketWriter: handleWriters(process) ?? streamWriter,
    makeServer: makeServer(tls, settings),
    locals: localRoutes(config, control.routes, metrics, [
      reloadRoute((cause) => reloads.reload(cause)),
      ...(pairs === null ? [] : [pairLedgerRoute(() => proxy.pairing?.ledger ?? null, clock)]),
    ]),
    gate: new Gate([
      ...keyChecks(config), // 401, 403
      method, // 405
      closedPaths, // 404
      payloadSize(settings), // 413
      contentType, // 415
      ...(pairs === null ? [] : [unservedInPairs]), // 501
      expectedBody(fleet, pairs !== null), // 503
      limits.check, // 429, 408
    ]),
    policy: startPolicy(config.policy, config, salt),
    ...(pairs === null ? {} : { pairs }),
    isDpAware: config.dpAware,
    fleet,
    load,
    attempts: control.attemptListener,
    makeUpstream: upstreamsByProtocol(new Map([[HTTP1, http1Upstreams(settings.upstream, clock, wheel, endOfTurn, tls.workers ?? {})]])),
    metrics,
    access: config.controlPlaneAuditEnabled ? writeAudit(logger, access) : access,
  });
  readGauges(metrics, proxy, runtime);
  readExpiry(metrics, tls);
  metrics.readFrom('workersOverloaded', () => WORKER_TYPES.reduce((sum, type) => sum + fleet.current.overloaded[type], 0));

  const apply = (next: Config): void => {
    named.replace(next);
    proxy.reconfigure(proxySettings(next, rng), pairs === null ? null : pairSettings(next));
    changePolicies(next, proxy, metrics, salt);
    limits.configure(next);
    control.configure(controlSettings(next));
    accessLog.mode = next.accessLog;
  };
  const reloads: Reloads = new Reloads(config, { clock, logger, settings: runtime.settings ?? null, workersFile, apply });

  const end = async (graceMs: number, metricsServer: MetricsServer | null): Promise<number> => {
    await reloads.stop();
    const cut = await proxy.close(graceMs);
    await Promise.all([control.stop(), metricsServer?.stop()]);
    await probes?.stop();
    await tls.stop();
    metrics.stop();
    wheel.stop();
    return cut;
  };
  let probes: ProbePort | null = null;
  let address: Address;
  let metricsServer: MetricsServer | null = null;
  try {
    control.start([named, ...(workersFile === null ? [] : [workersFile])]);
    tls.start();
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
    reloads.start();
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
    reload: (cause) => reloads.reload(cause),
    stop: () => {
      if (stopping === null) {
        control.beginDrain();
        probes?.report();
        const { shutdownGracePeriodSecs, shutdownSettleSecs } = reloads.config;
        const graceMs = shutdownGracePeriodSecs * 1000;
        stopping = settling.wait(shutdownSettleSecs * 1000).then(() => end(settling.isOver ? 0 : graceMs, metricsServer));
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
async function openWorkersFile(config: Config, { clock, logger }: RouterRuntime): Promise<WorkersFile | null> {
  const { workersFile } = config;
  return workersFile === null ? null : WorkersFile.open(workersFile, { clock, logger, mode: workersFileMode(config) });
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

/** More sockets than connections: those in their handshake, and a few that get the answer that there are too many. */
const SPARE_SOCKETS = 256;

function makeServer({ server }: RouterTls, { headerTimeoutMs, maxConnections }: ProxySettings): MakeServer {
  if (server === null) return plainServer;
  return tlsServer(server, { handshakeTimeoutMs: headerTimeoutMs, maxSockets: maxConnections + SPARE_SOCKETS });
}

/** The check of keys; none where there are none. */
function keyChecks(config: Config): readonly Check[] {
  const [client, control] = [clientKeyOf(config), controlKeysOf(config)];
  return client === null && control === null ? [] : [keys({ client, control })];
}

/** When certificates end. */
function readExpiry(metrics: RouterMetrics, { server, workers }: RouterTls): void {
  if (server !== null) metrics.readFrom('tlsServerCertificateExpiry', () => (server.expiresMs ?? 0) / 1000);
  if (workers !== null && workers.expiresMs !== null) metrics.readFrom('tlsClientCertificateExpiry', () => (workers.expiresMs ?? 0) / 1000);
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
  const { first, decode } = policyNames(config);
  if (decode === null) return null;
  return {
    prefillPolicy: startPolicy(first, config, salt),
    decodePolicy: startPolicy(decode, config, salt),
    settings: pairSettings(config),
  };
}

/** Policies of a changed configuration choose from now on; one that stays keeps what it has learnt. */
function changePolicies(config: Config, proxy: DataPlane, metrics: RouterMetrics, salt: number): void {
  const names = policyNames(config);
  const changed = (selection: Selection | undefined, name: string | null): PoolPolicy | null => {
    if (selection === undefined || name === null) return null;
    if (selection.policy.name !== name) return startPolicy(name, config, salt);
    adjustPolicy(selection.chooser, config);
    return null;
  };
  proxy.adopt(changed(proxy.selection, names.first), changed(proxy.pairing?.decode, names.decode));
  metrics.usePolicies(config.policy, names.decode === null ? undefined : { prefill: names.first, decode: names.decode });
}
