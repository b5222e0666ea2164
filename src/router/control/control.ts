/** The control plane as one part: wires registry, probing, registration, discovery and routes, and owns their start and end. */
import type { Clock } from '../../base/core/clock.ts';
import type { AttemptListener, FleetCell } from '../../base/core/fleet.ts';
import type { LoadTable } from '../../base/core/load.ts';
import type { LocalRoute } from '../../base/core/local-route.ts';
import type { Logger } from '../../base/core/logger.ts';
import type { Rng } from '../../base/core/rng.ts';
import type { WorkerIndex, WorkerType } from '../../base/core/worker.ts';
import type { WorkerAddress } from '../../base/core/worker-address.ts';
import { Discovery } from './facts/discovery.ts';
import { RankQuestions } from './facts/rank-questions.ts';
import { findMisfit } from './facts/server-facts.ts';
import { DEFAULT_PROBE_PATHS } from './probing/probe.ts';
import { Prober } from './probing/prober.ts';
import { isEligible } from './registry/eligibility.ts';
import { Registration } from './registry/registration.ts';
import { MAX_WORKERS, type NewWorker, Registry, type RegistryObserver } from './registry/registry.ts';
import { DEFAULT_OPTIONS, type WorkerFacts, type WorkerRecord } from './registry/worker-record.ts';
import { isUp, type Phase, type WorkerEvent } from './registry/worker-state.ts';
import { createAdminRoutes, tooManyWorkers } from './routes/admin-routes.ts';
import { createFanOutRoutes } from './routes/fan-out-routes.ts';
import { createLegacyRoutes } from './routes/legacy-routes.ts';
import { createPairRoutes } from './routes/pair-routes.ts';
import { createProbeRoutes } from './routes/probe-routes.ts';
import { WorkerRounds } from './routes/worker-rounds.ts';
import { createWorkerClient } from './worker-client.ts';

export interface ControlSettings {
  /** Sent to workers that have no key of their own; null: none. */
  readonly apiKey: string | null;
  /** A worker that is not ready by then counts as failed; a worker away for longer is probed seldom. */
  readonly startupTimeoutMs: number;
  /** Upper bound of the time between probes of a worker that is away; 500 ms or less are used. */
  readonly startupCheckIntervalMs: number;
  readonly healthCheckTimeoutMs: number;
  /** `/health`, the default, stands for `/ready`, and `/health` of workers that do not have that. */
  readonly healthCheckEndpoint: string;
  /** Prefill and decode are divided: workers are of these two types. False if absent. */
  readonly isPaired?: boolean;
  /** Every data-parallel rank of an engine is a worker of its own. False if absent. */
  readonly isDpAware?: boolean;
  /** Between probes of a ready worker; 10 s if absent. */
  readonly readyProbeIntervalMs?: number;
}

/** Counts what happens in the control plane; the router's metrics are one. */
export interface ControlCounters {
  registered(source: 'static' | 'manual'): void;
  deregistered(source: 'manual'): void;
  probed(type: WorkerType, hasPassed: boolean): void;
}

/** Workers of pairs that are named at the start. */
export interface PairWorkers {
  readonly prefill: readonly { readonly address: WorkerAddress; readonly bootstrapPort: number | null }[];
  readonly decode: readonly WorkerAddress[];
}

interface ControlDeps {
  readonly cell: FleetCell;
  readonly load: LoadTable;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly settings: ControlSettings;
  readonly counters?: ControlCounters;
}

export interface Control {
  readonly routes: readonly LocalRoute[];
  readonly attemptListener: AttemptListener;
  readonly registry: Registry;
  /** Registers the workers, in this order, and begins to probe them. Throws RangeError when there are more than MAX_WORKERS. */
  start(regular: readonly WorkerAddress[], pairs?: PairWorkers): void;
  /** Resolves when each worker named at the start has been looked at once, whatever was seen, and at the latest after `limitMs`. */
  firstLook(limitMs: number): Promise<void>;
  /** Whether the worker or rank at this index may take requests now. */
  isEligible(worker: WorkerIndex): boolean;
  /** From now on readiness says 503. */
  beginDrain(): void;
  /** Ends all probing; resolves when nothing of it is left. Idempotent. */
  stop(): Promise<void>;
}

const NO_PAIRS: PairWorkers = { prefill: [], decode: [] };
/** The pause between probes that lets a worker whose probe takes a second take traffic within two. */
const MAX_AWAY_INTERVAL_MS = 500;
/** Requests notice a worker that died at once; this is for workers that get none. */
const READY_INTERVAL_MS = 10_000;

export function createControl(deps: ControlDeps): Control {
  return new ControlPlane(deps);
}

class ControlPlane implements Control, RegistryObserver {
  readonly routes: readonly LocalRoute[];
  readonly registry: Registry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: ControlCounters | undefined;
  readonly #apiKey: string | null;
  readonly #prober: Prober;
  readonly #registration: Registration;
  readonly #discovery: Discovery;
  readonly #questions: RankQuestions;
  readonly #rounds: WorkerRounds;
  /** Workers named at the start that nothing is known of yet. */
  readonly #unseen = new Set<WorkerRecord>();
  #whenSeen: (() => void) | null = null;
  #isStarting = false;
  #isDraining = false;
  #isStopped = false;

  constructor({ cell, load, clock, rng, logger, settings, counters }: ControlDeps) {
    this.#clock = clock;
    this.#logger = logger;
    this.#counters = counters;
    this.#apiKey = settings.apiKey;
    const isPaired = settings.isPaired ?? false;
    const isDpAware = settings.isDpAware ?? false;
    this.registry = new Registry(cell, load, rng, this, MAX_WORKERS, isDpAware);
    const client = createWorkerClient(clock);
    this.#prober = new Prober(
      clock,
      rng,
      client,
      {
        paths: settings.healthCheckEndpoint === '/health' ? DEFAULT_PROBE_PATHS : [settings.healthCheckEndpoint],
        timeoutMs: settings.healthCheckTimeoutMs,
        awayIntervalMs: Math.min(settings.startupCheckIntervalMs, MAX_AWAY_INTERVAL_MS),
        awayPatienceMs: settings.startupTimeoutMs,
        readyIntervalMs: settings.readyProbeIntervalMs ?? READY_INTERVAL_MS,
      },
      this,
    );
    this.#registration = new Registration(clock, logger, settings.startupTimeoutMs);
    this.#discovery = new Discovery(client, logger, this);
    this.#questions = new RankQuestions(clock, (record) => this.#discovery.ask(record));
    const admin = {
      registry: this.registry,
      registration: this.#registration,
      load,
      defaults: { ...DEFAULT_OPTIONS, apiKey: settings.apiKey },
      isPaired,
      isDpAware,
    };
    this.#rounds = new WorkerRounds(client);
    this.routes = [
      ...(isPaired ? createPairRoutes({ cell, rounds: this.#rounds, rng }) : []),
      ...createFanOutRoutes({ registry: this.registry, rounds: this.#rounds }),
      ...createProbeRoutes(cell, isPaired, () => this.#isDraining),
      ...createAdminRoutes(admin),
      ...createLegacyRoutes(admin),
    ];
  }

  get attemptListener(): AttemptListener {
    return this.registry;
  }

  start(regular: readonly WorkerAddress[], { prefill, decode }: PairWorkers = NO_PAIRS): void {
    const options = { ...DEFAULT_OPTIONS, apiKey: this.#apiKey };
    const workers: NewWorker[] = [
      ...regular.map((address) => ({ address, options })),
      ...prefill.map(({ address, bootstrapPort }) => ({ address, options: { ...options, type: 'prefill' as const, bootstrapPort } })),
      ...decode.map((address) => ({ address, options: { ...options, type: 'decode' as const } })),
    ];
    if (workers.length > MAX_WORKERS) throw new RangeError(`${workers.length} workers: expected at most ${MAX_WORKERS}`);
    this.#isStarting = true;
    this.registry.addEach(workers);
    this.#isStarting = false;
  }

  async firstLook(limitMs: number): Promise<void> {
    if (this.#unseen.size === 0) return;
    await new Promise<void>((resolve) => {
      const limit = this.#clock.after(limitMs, resolve);
      this.#whenSeen = () => {
        limit.cancel();
        resolve();
      };
    });
    this.#whenSeen = null;
    this.#unseen.clear();
  }

  isEligible(worker: WorkerIndex): boolean {
    return this.registry.isEligible(worker);
  }

  beginDrain(): void {
    this.#isDraining = true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#whenSeen?.();
    this.#registration.stop();
    this.#questions.stop();
    await Promise.all([this.#prober.stop(), this.#discovery.stop(), this.#rounds.stop()]);
  }

  workerAdded(record: WorkerRecord): void {
    if (this.#isStopped) return;
    this.#logger.info({ worker: record.worker.url, id: record.worker.id }, 'worker added');
    this.#counters?.registered(this.#isStarting ? 'static' : 'manual');
    if (this.#isStarting) this.#unseen.add(record);
    this.#registration.begin(record);
    this.#prober.watch(record);
  }

  workerRemoved(record: WorkerRecord): void {
    this.#logger.info({ worker: record.worker.url, id: record.worker.id }, 'worker removed');
    this.#counters?.deregistered('manual');
    this.#prober.unwatch(record);
    this.#discovery.forget(record);
    this.#questions.forget(record);
    this.#registration.end(record, 'removed');
    this.#seen(record);
  }

  phaseChanged(record: WorkerRecord, from: Phase, because: WorkerEvent): void {
    if (this.#isStopped) return;
    const { phase } = record.state;
    const fields = { worker: record.worker.url, from, phase, because };
    this.#prober.phaseChanged(record);
    if (isEligible(record)) {
      this.#logger.info(fields, 'worker takes requests');
      this.#registration.end(record, 'ready');
      this.#seen(record);
    } else if (phase === 'asking') this.#logger.info(fields, 'worker is up; it is asked for its data-parallel ranks');
    else this.#logger.warn(fields, 'worker takes no requests');
    if (isUp(record.state) && because === 'probe-passed') this.#discovery.ask(record);
  }

  probeWanted(record: WorkerRecord, when: 'now' | 'soon'): void {
    if (!this.#isStopped) this.#prober.probeWanted(record, when);
  }

  /** A worker has said what it is. */
  factsDiscovered(record: WorkerRecord, facts: WorkerFacts): void {
    const { areRanksKnown } = record.state;
    const before = record.ranks.length;
    const misfit = findMisfit(record.options, facts);
    if (misfit !== null) this.#logger.warn({ worker: record.worker.url, misfit }, 'worker is not what it was registered as');
    if (!this.registry.factsDiscovered(record, facts)) return;
    const count = record.ranks.length;
    if (!record.state.areRanksKnown) {
      this.factsMissing(record, facts.dpSize === null ? '/server_info gives no usable dp_size, which --dp-aware needs' : tooManyWorkers());
    } else if (!areRanksKnown) {
      this.#logger.info({ worker: record.worker.url, ranks: count }, 'worker has told its data-parallel ranks');
      this.#questions.forget(record);
    } else if (count !== before) {
      this.#logger.warn({ worker: record.worker.url, before, ranks: count }, 'worker has another number of data-parallel ranks');
    }
  }

  /** Without ranks no request can be sent, so they are asked for again; nothing else depends on what a worker reports. */
  factsMissing(record: WorkerRecord, why: string): void {
    if (record.state.areRanksKnown || this.#isStopped) return;
    this.#registration.note(record, why);
    this.#logger.warn({ worker: record.worker.url, why }, 'worker takes no requests: its data-parallel ranks are not known');
    this.#questions.askLater(record);
    this.#seen(record);
  }

  /** A probe has ended: the registry hears of it after those who only take notes. */
  probeEnded(record: WorkerRecord, event: WorkerEvent, detail: string): void {
    this.#counters?.probed(record.worker.type, event === 'probe-passed');
    // A worker that is up still has to report its ranks.
    const isAnswer = event !== 'probe-passed' || record.state.areRanksKnown;
    if (isAnswer) this.#registration.note(record, detail);
    if (event === 'probe-passed' && isUp(record.state)) this.#discovery.retry(record);
    if (event !== 'probe-passed') this.#logger.debug({ worker: record.worker.url, event, detail }, 'probe did not pass');
    this.registry.probeEnded(record, event);
    if (isAnswer) this.#seen(record);
  }

  #seen(record: WorkerRecord): void {
    if (this.#unseen.delete(record) && this.#unseen.size === 0) this.#whenSeen?.();
  }
}
