/** Cells of one worker, bound when it joins. */
import type { OutcomeKind } from '../../base/core/outcome.ts';
import type { Worker, WorkerIndex, WorkerType } from '../../base/core/worker.ts';
import { Counter, type Histogram } from '../../base/telemetry/cells.ts';
import type { EndpointSeries } from './endpoint-series.ts';
import type { Families, Labels } from './families.ts';
import type { StatusCounters } from './status-counters.ts';

/** All changes that a circuit breaker can make. */
const BREAKER_CHANGES = [
  ['closed', 'open'],
  ['open', 'half_open'],
  ['open', 'closed'],
  ['half_open', 'open'],
  ['half_open', 'closed'],
] as const;

/** What the series of all workers share. */
export interface WorkerSeriesContext {
  readonly families: Families;
  policyOf(type: WorkerType): string;
  readonly upstream: StatusCounters;
  endpoint(model: string, endpoint: string): EndpointSeries;
}

/** One object for the life of the worker; cells with the label `model` are replaced when the model becomes known. */
export class WorkerSeries {
  readonly index: WorkerIndex;
  readonly id: string;
  readonly url: string;
  /** Choices of the policy for workers of this type and model. */
  selections: Counter;
  /** Seconds, per attempt that ended well. */
  readonly duration: Histogram;
  /** Seconds from dispatch to the first event of a stream. */
  readonly ttft: Histogram;
  /** Seconds between two events of a stream. */
  readonly itl: Histogram;
  /** Events of streams relayed. */
  readonly events: Counter;
  readonly #context: WorkerSeriesContext;
  readonly #errorLabels: { readonly worker_type: WorkerType; readonly connection_mode: string };
  readonly #failures = new Map<OutcomeKind, readonly [ofPool: Counter, ofWorker: Counter]>();
  readonly #endpoints = new Map<string, EndpointSeries>();
  #model: string;
  #isRemoved = false;

  /** `model`: the label, already capped. */
  constructor(context: WorkerSeriesContext, worker: Worker, model: string) {
    const { families } = context;
    this.index = worker.index;
    this.id = worker.id;
    this.url = worker.url;
    this.#context = context;
    this.#errorLabels = { worker_type: worker.type, connection_mode: 'http' };
    this.#model = model;
    const labels = { worker: worker.url };
    this.selections = this.#bindSelections();
    this.duration = families.workerDuration.histogram(labels);
    this.ttft = families.workerTtft.histogram(labels);
    this.itl = families.workerInterToken.histogram(labels);
    this.events = families.workerEvents.counter(labels);
  }

  /** Labels of the pool that the worker belongs to. */
  get poolLabels(): Labels<'workerPool'> {
    return { ...this.#errorLabels, model: this.#model };
  }

  /** The endpoint's series for the model of this worker: one look-up in a small map. */
  endpoint(endpoint: string): EndpointSeries {
    let series = this.#endpoints.get(endpoint);
    if (series === undefined) {
      series = this.#context.endpoint(this.#model, endpoint);
      this.#endpoints.set(endpoint, series);
    }
    return series;
  }

  /** Counts an attempt that failed at this worker. */
  failed(kind: OutcomeKind): void {
    const counters = this.#failures.get(kind) ?? this.#bindFailures(kind);
    counters[0].value++;
    counters[1].value++;
  }

  /** Heads of answers with this status, all workers together: an index. */
  upstream(status: number): Counter {
    return this.#context.upstream.of(status, '');
  }

  /** The model became known or changed. */
  rename(model: string): void {
    this.#model = model;
    this.#endpoints.clear();
    this.selections = this.#bindSelections();
  }

  /** Another policy chooses from now on. */
  policyChanged(): void {
    this.selections = this.#bindSelections();
  }

  /** Removes the series of this worker from the page. */
  removeSeries(): void {
    this.#isRemoved = true;
    const { families } = this.#context;
    const labels = { worker: this.url };
    for (const kind of this.#failures.keys()) families.workerFailures.remove({ ...labels, error_type: kind });
    families.workerRequests.remove(labels);
    families.workerDuration.remove(labels);
    families.workerTtft.remove(labels);
    families.workerInterToken.remove(labels);
    families.workerEvents.remove(labels);
    families.workerStaleConnections.remove(labels);
    families.workerInflight.remove(labels);
    families.workerHealth.remove(labels);
    families.workerHung.remove(labels);
    families.workerBreakerState.remove(labels);
    for (const outcome of ['success', 'failure']) families.workerBreakerOutcomes.remove({ ...labels, outcome });
    for (const [from, to] of BREAKER_CHANGES) families.workerBreakerTransitions.remove({ ...labels, from, to });
  }

  #bindFailures(kind: OutcomeKind): readonly [Counter, Counter] {
    const { workerErrors, workerFailures } = this.#context.families;
    const ofPool = workerErrors.counter({ ...this.#errorLabels, error_type: kind });
    // A removed worker that still drains must not appear on the page again.
    const ofWorker = this.#isRemoved ? new Counter() : workerFailures.counter({ worker: this.url, error_type: kind });
    const counters = [ofPool, ofWorker] as const;
    this.#failures.set(kind, counters);
    return counters;
  }

  #bindSelections(): Counter {
    return this.#context.families.workerSelections.counter({
      ...this.poolLabels,
      policy: this.#context.policyOf(this.#errorLabels.worker_type),
    });
  }
}
