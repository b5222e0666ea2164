/** The wiring of the control plane, and its start and end. */
import type { Clock } from '../../base/core/clock.ts';
import type { AttemptListener, FleetCell } from '../../base/core/fleet.ts';
import type { LoadTable } from '../../base/core/load.ts';
import type { LocalResponse, LocalRoute } from '../../base/core/local-route.ts';
import type { Logger } from '../../base/core/logger.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { WorkerIndex } from '../../base/core/worker.ts';
import { type CallTls, createWorkerClient } from './calls/worker-client.ts';
import { WorkerRounds } from './calls/worker-rounds.ts';
import { FactsFetcher } from './facts/facts-fetcher.ts';
import { HealthChecks } from './probing/health-checks.ts';
import { type OverloadBounds, OverloadWatch } from './probing/overload-watch.ts';
import { DEFAULT_ENDPOINT, probeTarget } from './probing/probe.ts';
import { Prober, type ProberSettings } from './probing/prober.ts';
import { SilenceWatch } from './probing/silence-watch.ts';
import type { BreakerSettings } from './registry/breaker.ts';
import { BreakerTimers } from './registry/breaker-timers.ts';
import { Drains } from './registry/drains.ts';
import { FirstLook } from './registry/first-look.ts';
import { FleetLog, type WorkerCounters } from './registry/fleet-log.ts';
import type { HealthSettings } from './registry/health-settings.ts';
import { NoWorkerWatch } from './registry/no-worker-watch.ts';
import { RegistrationJobs } from './registry/registration-jobs.ts';
import { type BreakerReading, Registry } from './registry/registry.ts';
import type { WorkerRecord } from './registry/worker-record.ts';
import { NO_TRAFFIC, type WorkerTraffic } from './registry/worker-traffic.ts';
import { createAdminRoutes } from './routes/admin-routes.ts';
import { createFanOutRoutes } from './routes/fan-out-routes.ts';
import { createHealthRoutes, readinessOf } from './routes/health-routes.ts';
import { createLegacyRoutes } from './routes/legacy-routes.ts';
import { createPairRoutes } from './routes/pair-routes.ts';
import { ControlApi } from './sources/control-api.ts';
import type { WorkerSource } from './sources/worker-source.ts';

export interface ControlSettings {
  /** A new worker that is not ready by then counts as failed; a worker that has been away for longer is probed every 1.5 s. */
  readonly startupTimeoutMs: number;
  /** Between probes of a worker that is away; larger values than 500 ms are lowered to 500 ms. */
  readonly startupCheckIntervalMs: number;
  /** `/health`, the default, means `/ready` with a rarer `/health` beside it. */
  readonly healthCheckEndpoint: string;
  /** Of workers whose source sets nothing else. */
  readonly health: HealthSettings;
  readonly breaker: BreakerSettings;
  /** How long a removed worker stays draining at least; 0 if absent. */
  readonly drainSettleMs?: number;
  /** Absolute bounds of the load of a worker. None if absent or null. */
  readonly overload?: OverloadBounds | null;
  /** Workers are prefill and decode ones, else regular ones. False if absent. */
  readonly isPaired?: boolean;
  /** Every data-parallel rank of an engine is a worker. False if absent. */
  readonly isDpAware?: boolean;
}

interface ControlDeps {
  readonly cell: FleetCell;
  readonly load: LoadTable;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly settings: ControlSettings;
  readonly counters?: WorkerCounters;
  /** For workers with https URLs. */
  readonly workerTls?: CallTls;
  /** The requests at a worker or rank. None if absent. */
  readonly traffic?: WorkerTraffic;
}

export interface Control {
  readonly routes: readonly LocalRoute[];
  readonly attemptListener: AttemptListener;
  /** Starts the sources, in this order, and probes the workers that they want. Throws what a source throws. */
  start(sources: readonly WorkerSource[]): void;
  /** Resolves when the first probe of every worker has ended and ranks are known, and at the latest after `limitMs`. */
  firstLook(limitMs: number): Promise<void>;
  /** Whether the worker or rank at this index may take requests now. */
  isEligible(worker: WorkerIndex): boolean;
  /** Whether it is well; it may be overloaded. */
  isHealthy(worker: WorkerIndex): boolean;
  /** The circuit breaker of the worker or rank at this index; null if no worker has it. */
  findBreaker(worker: WorkerIndex): BreakerReading | null;
  /** What `/readiness` answers now. */
  readiness(): LocalResponse;
  /** Other settings from now on; `healthCheckEndpoint`, `isPaired` and `isDpAware` stay. */
  configure(settings: ControlSettings): void;
  /** From now on `/readiness` answers 503. */
  beginDrain(): void;
  /** Ends the sources, probes and requests to workers; resolves when none is left. Idempotent. */
  stop(): Promise<void>;
}

/** With this pause a worker whose probe takes a second takes traffic within two seconds. */
const MAX_AWAY_INTERVAL_MS = 500;

export function createControl(deps: ControlDeps): Control {
  const { cell, load, clock, rng, logger, counters, settings, traffic = NO_TRAFFIC } = deps;
  const { isPaired = false, isDpAware = false } = settings;

  const registry = new Registry({ cell, load, rng, clock, isDpAware, health: settings.health, breaker: settings.breaker });
  const client = createWorkerClient(clock, deps.workerTls);
  const rounds = new WorkerRounds(client);

  const log = new FleetLog(logger, counters ?? null);
  const jobs = new RegistrationJobs(clock, logger, settings.startupTimeoutMs);
  const noWorker = new NoWorkerWatch({ clock, logger, isPaired });
  const drains = new Drains(clock, logger, load, settings.drainSettleMs ?? 0);
  const firstLook = new FirstLook(clock);
  const inflight = ({ ranks }: WorkerRecord): number => ranks.reduce((sum, { index }) => sum + (load.inflight[index] ?? 0), 0);
  const probing = { ...proberSettings(settings), isIdle: (record: WorkerRecord) => inflight(record) === 0 };
  const prober = new Prober(clock, rng, client, probing, registry);
  const health = new HealthChecks({
    clock,
    rng,
    client,
    path: settings.healthCheckEndpoint,
    isRegular: settings.healthCheckEndpoint === DEFAULT_ENDPOINT,
    reads: ({ worker }) => traffic.reads(worker.index),
    inflight,
    sink: registry,
  });
  const silence = new SilenceWatch({
    clock,
    client,
    load,
    traffic,
    path: settings.healthCheckEndpoint,
    sink: registry,
    probeNow: (record) => prober.probeNow(record),
  });
  const overload = new OverloadWatch({ clock, rng, client, sink: registry }, settings.overload ?? null);
  const breakers = new BreakerTimers(clock, settings.breaker.timeoutMs, registry);
  const facts = new FactsFetcher(clock, client, logger, registry);
  for (const observer of [log, jobs, noWorker, drains, firstLook, prober, health, silence, breakers, overload, facts])
    registry.observe(observer);

  const api = new ControlApi();
  api.start(registry);
  const started: WorkerSource[] = [api];

  let isDraining = false;
  const readiness = (): LocalResponse => readinessOf({ healthy: registry.healthy, total: cell.current.total, isPaired, isDraining });
  const admin = { registry, api, jobs, drains, load, isPaired, isDpAware };
  const routes = [
    ...(isPaired ? createPairRoutes({ cell, rounds, rng }) : []),
    ...createFanOutRoutes({ registry, rounds }),
    ...createHealthRoutes(readiness),
    ...createAdminRoutes(admin),
    ...createLegacyRoutes(admin),
  ];

  return {
    routes,
    attemptListener: registry,
    start: (sources) => {
      noWorker.start();
      for (const source of sources) {
        started.push(source);
        source.start(registry);
      }
    },
    firstLook: (limitMs) => firstLook.wait(limitMs),
    readiness,
    isEligible: (worker) => registry.isEligible(worker),
    isHealthy: (worker) => registry.isHealthy(worker),
    findBreaker: (worker) => registry.findBreaker(worker),
    configure: (next) => {
      jobs.timeoutMs = next.startupTimeoutMs;
      breakers.timeoutMs = next.breaker.timeoutMs;
      drains.settleMs = next.drainSettleMs ?? 0;
      // The prober reads them at every probe.
      Object.assign(probing, { ...proberSettings(next), target: probing.target });
      overload.configure(next.overload ?? null);
      registry.configure(next.health, next.breaker);
    },
    beginDrain: () => {
      isDraining = true;
    },
    stop: async () => {
      await Promise.all(started.map((source) => source.stop()));
      registry.stop();
      firstLook.stop();
      noWorker.stop();
      jobs.stop();
      breakers.stop();
      await Promise.all([prober.stop(), health.stop(), silence.stop(), overload.stop(), facts.stop(), rounds.stop()]);
    },
  };
}

function proberSettings(settings: ControlSettings): Omit<ProberSettings, 'isIdle'> {
  return {
    target: probeTarget(settings.healthCheckEndpoint),
    awayIntervalMs: Math.min(settings.startupCheckIntervalMs, MAX_AWAY_INTERVAL_MS),
    rareAfterMs: settings.startupTimeoutMs,
  };
}
