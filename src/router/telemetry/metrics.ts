/**
 * The metrics of one router: binds labels to cells when a route, a worker or a policy appears, and writes the page for a scrape. Label
 * values come from closed sets or are capped, so the number of series is bounded.
 */
import type { Clock } from '../../base/core/clock.ts';
import type { Worker, WorkerIndex, WorkerType } from '../../base/core/worker.ts';
import type { Counter, Gauge, Histogram } from '../../base/telemetry/cells.ts';
import { AdmissionSeries } from './admission-series.ts';
import { COLLECTION_BUCKETS, DURATION_BUCKETS, INTER_TOKEN_BUCKETS } from './buckets.ts';
import { METRICS, type MetricDeclaration, type MetricKey, type PlainMetricKey } from './declarations.ts';
import { EndpointSeries } from './endpoint-series.ts';
import { type Families, Family } from './families.ts';
import { PairSeries } from './pair-series.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { SchedulerSeries } from './scheduler-series.ts';
import { StatusCounters } from './status-counters.ts';
import { TEXT_FORMAT_TYPE } from './text-format.ts';
import { WorkerSeries, type WorkerSeriesContext } from './worker-series.ts';

/** One route: method and path pattern. */
export interface HttpSeries {
  readonly requests: Counter;
  /** Seconds. */
  readonly duration: Histogram;
}

export interface RouterMetricsOptions {
  /** Upper bounds in seconds, ascending; replaces DURATION_BUCKETS. */
  readonly durationBuckets?: readonly number[];
  readonly clock: Clock;
  /** Name of the policy, a label of the selections; `usePolicies` changes it. */
  readonly policy: string;
  /** The router makes prefill-decode pairs, with these policies. */
  readonly pairPolicies?: PairPolicies;
  /** Values of workers that other parts keep; read at scrape time. */
  readonly workers: WorkerReaders;
  /** Metrics of the process and of Node itself (memory, CPU, event loop lag, garbage collection). Default true. */
  readonly processMetrics?: boolean;
}

type PairPolicies = Readonly<Record<'prefill' | 'decode', string>>;

export interface WorkerReaders {
  /** Attempts in flight. */
  inflight(worker: WorkerIndex): number;
  /** Attempts dispatched since the worker joined. */
  processed(worker: WorkerIndex): number;
  /** Whether it may take requests now. */
  isHealthy(worker: WorkerIndex): boolean;
  /** Reused connections that were dead and were replaced, since it joined. */
  staleConnections(worker: WorkerIndex): number;
  /** null: no worker has this index. */
  breaker(worker: WorkerIndex): BreakerValues | null;
}

/** In the order of their numbers on the page. */
const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;
type BreakerState = (typeof BREAKER_STATES)[number];

/** A circuit breaker, as the page shows it. */
interface BreakerValues {
  readonly phase: BreakerState;
  readonly successes: number;
  readonly failures: number;
}

/** Who names workers: label `source`. */
type WorkerOrigin = 'static' | 'manual' | 'file';

/** Different values of a label whose values clients or workers choose; further values are counted as "other". */
export const MAX_LABEL_VALUES = 256;

/** Characters of the page made in one turn of the event loop. */
const SLICE_CHARS = 64 * 1024;

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export class RouterMetrics {
  readonly contentType: string = TEXT_FORMAT_TYPE;
  readonly connectionsActive: Gauge;
  readonly accessRecordsSkipped: Counter;
  /** Null if they are not wanted. */
  readonly #process: ProcessMetrics | null;
  readonly #families: Families;
  readonly #options: RouterMetricsOptions;
  readonly #responses: StatusCounters;
  readonly #routes = new Map<string, HttpSeries>();
  readonly #models = new Set<string>();
  /** By model and endpoint. */
  readonly #endpoints = new Map<string, EndpointSeries>();
  readonly #workers = new Map<WorkerIndex, WorkerSeries>();
  readonly #context: WorkerSeriesContext;
  #policies: Readonly<Record<WorkerType, string>>;
  /** Resolves when the next slice may be made: concurrent scrapes take turns. */
  #nextSlice: Promise<void> = Promise.resolve();

  constructor(options: RouterMetricsOptions) {
    this.#options = options;
    this.#policies = policiesOf(options.policy, options.pairPolicies);
    const bounds = {
      duration: options.durationBuckets ?? DURATION_BUCKETS,
      'inter-token': INTER_TOKEN_BUCKETS,
      collection: COLLECTION_BUCKETS,
    };
    const family = ([key, declaration]: [string, MetricDeclaration]) => [
      key,
      new Family(key as MetricKey, declaration.buckets === undefined ? [] : bounds[declaration.buckets]),
    ];
    // Object.entries loses the keys; they are those of METRICS by construction.
    this.#families = Object.fromEntries(Object.entries(METRICS).map(family)) as unknown as Families;
    const { httpResponses, upstreamResponses } = this.#families;
    this.#responses = new StatusCounters((status_code, error_code) => httpResponses.counter({ status_code, error_code }));
    this.#context = {
      families: this.#families,
      policyOf: (type) => this.#policies[type],
      upstream: new StatusCounters((status_code, error_code) =>
        upstreamResponses.counter({ router_type: 'http', status_code, error_code }),
      ),
      endpoint: (model, endpoint) => this.endpoint(model, endpoint),
    };
    this.connectionsActive = this.#families.httpConnections.gauge({});
    this.accessRecordsSkipped = this.#families.accessRecordsSkipped.counter({});
    this.#process = options.processMetrics === false ? null : new ProcessMetrics(this.#families, options.clock);
  }

  /** Choices count for these policies from now on. */
  usePolicies(policy: string, pairPolicies?: PairPolicies): void {
    this.#policies = policiesOf(policy, pairPolicies);
    for (const series of this.#workers.values()) series.policyChanged();
  }

  /** Series of a route; called once per route at start. `path` is the pattern, not what a client sent. */
  httpRoute(method: string, path: string): HttpSeries {
    const key = `${method} ${path}`;
    let series = this.#routes.get(key);
    if (series === undefined) {
      const labels = { method, path };
      series = { requests: this.#families.httpRequests.counter(labels), duration: this.#families.httpDuration.histogram(labels) };
      this.#routes.set(key, series);
    }
    return series;
  }

  /** Series shared by all paths without a route; methods other than the standard ones share one too. */
  unknownPath(method: string): HttpSeries {
    return this.httpRoute(METHODS.has(method) ? method : 'other', 'other');
  }

  /** Answers to clients. `errorCode`: the router's code, '' for an answer of a worker. */
  response(status: number, errorCode: string): Counter {
    return this.#responses.of(status, errorCode);
  }

  /** Series of an endpoint for a model; for requests that never reached a worker use the model 'unknown'. */
  endpoint(model: string, endpoint: string): EndpointSeries {
    const modelLabel = this.#modelLabel(model);
    const key = `${modelLabel}\u0000${endpoint}`;
    let series = this.#endpoints.get(key);
    if (series === undefined) {
      series = new EndpointSeries(this.#families, this.#options.pairPolicies === undefined ? 'regular' : 'pd', modelLabel, endpoint);
      this.#endpoints.set(key, series);
    }
    return series;
  }

  /** Choices of a policy for one reason; keep the counter. `reason` is from the closed set of the policies. */
  policyDecision(policy: string, reason: string): Counter {
    return this.#families.policyDecisions.counter({ policy, reason });
  }

  /** A request is sent again, after a pause. */
  retried(type: WorkerType, pauseSecs: number): void {
    this.#families.workerRetries.counter({ worker_type: type }).value++;
    this.#families.workerRetryBackoff.histogram({}).observe(pauseSecs);
  }

  /** Failed attempts that are not followed by another one. `reason` is from the closed set of the retry plan. */
  retryStopped(reason: string): Counter {
    return this.#families.retryStops.counter({ reason });
  }

  /** Cells of prefill-decode pairs; called once, by a router with prefill-decode disaggregation. */
  pairs(): PairSeries {
    return new PairSeries(this.#families, (model) => this.#modelLabel(model));
  }

  /** Cells of the limits on requests; asked for once, by a router that has some. */
  admission(): AdmissionSeries {
    return new AdmissionSeries(this.#families);
  }

  /** Cells of the priority classes; asked for once, by a router that has them. */
  scheduler(): SchedulerSeries {
    return new SchedulerSeries(this.#families);
  }

  /** A probe of a worker has ended. */
  probed(type: WorkerType, hasPassed: boolean): void {
    this.#families.workerHealthChecks.counter({ worker_type: type, result: hasPassed ? 'success' : 'failure' }).value++;
  }

  /** A worker was registered: named by the settings (`static`), through the API (`manual`), or by the file of workers (`file`). */
  registered(source: WorkerOrigin): void {
    this.#families.discoveryRegistrations.counter({ source, result: 'success' }).value++;
  }

  /** A worker was removed because its source asked for it. */
  deregistered(source: WorkerOrigin): void {
    this.#families.discoveryDeregistrations.counter({ source, reason: 'removed' }).value++;
  }

  /** Open connections to workers of this type, idle ones included; read at scrape time. */
  readWorkerConnections(type: WorkerType, value: () => number): void {
    this.#families.workerConnections.read({ worker_type: type, connection_mode: 'http' }, value);
  }

  /** Supplies a metric without labels by a function that is called at scrape time. */
  readFrom(key: PlainMetricKey, value: () => number): void {
    this.#families[key].read({}, value);
  }

  /** Call when a worker joins, and again when its facts (its model) change: returns the same object. */
  bindWorker(worker: Worker): WorkerSeries {
    const bound = this.#workers.get(worker.index);
    if (bound !== undefined && bound.id === worker.id) {
      this.#leavePool(bound);
      bound.rename(this.#modelLabel(worker.modelId));
      this.#joinPool(bound);
      return bound;
    }
    if (bound !== undefined) this.#forget(bound);
    const fresh = new WorkerSeries(this.#context, worker, this.#modelLabel(worker.modelId));
    this.#workers.set(worker.index, fresh);
    this.#joinPool(fresh);
    const labels = { worker: worker.url };
    const { workers } = this.#options;
    this.#families.workerInflight.read(labels, () => workers.inflight(worker.index));
    this.#families.workerRequests.read(labels, () => workers.processed(worker.index));
    this.#families.workerHealth.read(labels, () => (workers.isHealthy(worker.index) ? 1 : 0));
    this.#families.workerStaleConnections.read(labels, () => workers.staleConnections(worker.index));
    this.#readBreaker(worker);
    return fresh;
  }

  #readBreaker({ index, url: worker }: Worker): void {
    const { workerBreakerState, workerBreakerOutcomes } = this.#families;
    const find = (): BreakerValues | null => this.#options.workers.breaker(index);
    workerBreakerState.read({ worker }, () => BREAKER_STATES.indexOf(find()?.phase ?? 'closed'));
    workerBreakerOutcomes.read({ worker, outcome: 'success' }, () => find()?.successes ?? 0);
    workerBreakerOutcomes.read({ worker, outcome: 'failure' }, () => find()?.failures ?? 0);
  }

  /** The worker was found to hang. */
  hung(worker: WorkerIndex): void {
    const series = this.#workers.get(worker);
    if (series !== undefined) this.#families.workerHung.counter({ worker: series.url }).value++;
  }

  /** The circuit breaker of a worker changed. */
  breakerChanged(worker: WorkerIndex, from: BreakerState, to: BreakerState): void {
    const series = this.#workers.get(worker);
    if (series !== undefined) this.#families.workerBreakerTransitions.counter({ worker: series.url, from, to }).value++;
  }

  /** Removes the series of a worker from the page. Attempts in flight still count into them. */
  unbindWorker(worker: Worker): void {
    const bound = this.#workers.get(worker.index);
    if (bound !== undefined && bound.id === worker.id) this.#forget(bound);
  }

  /**
   * The page in Prometheus' text format 0.0.4, in slices: one per turn of the event loop for all scrapes together, so that a large fleet
   * does not delay streams. Each series is written whole, with its values of that turn.
   */
  async *slices(): AsyncGenerator<string, void> {
    await this.#process?.sample();
    let slice = '';
    for (const family of Object.values(this.#families)) {
      for (const part of family.text()) {
        slice += part;
        if (slice.length < SLICE_CHARS) continue;
        yield slice;
        slice = '';
        await this.#nextTurn();
      }
    }
    if (slice !== '') yield slice;
  }

  /** Stops watching the process. Idempotent; `slices` still works. */
  stop(): void {
    this.#process?.stop();
  }

  #nextTurn(): Promise<void> {
    this.#nextSlice = this.#nextSlice.then(
      () =>
        new Promise((resolve) => {
          this.#options.clock.after(0, resolve);
        }),
    );
    return this.#nextSlice;
  }

  #forget(bound: WorkerSeries): void {
    this.#workers.delete(bound.index);
    this.#leavePool(bound);
    // The URL may have been registered again under another index while this worker drained; then the series belong to that worker.
    for (const other of this.#workers.values()) if (other.url === bound.url) return;
    bound.removeSeries();
  }

  #joinPool(bound: WorkerSeries): void {
    this.#families.workerPool.gauge(bound.poolLabels).value++;
  }

  #leavePool(bound: WorkerSeries): void {
    this.#families.workerPool.gauge(bound.poolLabels).value--;
  }

  #modelLabel(model: string): string {
    if (this.#models.has(model)) return model;
    if (this.#models.size >= MAX_LABEL_VALUES) return 'other';
    this.#models.add(model);
    return model;
  }
}

function policiesOf(policy: string, pairPolicies?: PairPolicies): Readonly<Record<WorkerType, string>> {
  return { regular: policy, prefill: policy, decode: policy, ...pairPolicies };
}
