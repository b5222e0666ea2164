/** Cells of one endpoint ("chat", "generate", ...) of one model. */
import type { Counter, Histogram } from '../../base/telemetry/cells.ts';
import type { Families } from './families.ts';
import { StatusCounters } from './status-counters.ts';

export class EndpointSeries {
  readonly requestsStreaming: Counter;
  readonly requestsPlain: Counter;
  /** Seconds; only of requests that ended well. */
  readonly duration: Histogram;
  /** Seconds from the arrival of the request to the first event. Streams only, like the next two. */
  readonly ttft: Histogram;
  /** Seconds per event after the first: one mean per stream. */
  readonly tpot: Histogram;
  /** Seconds from the arrival of the request to the last event. */
  readonly generation: Histogram;
  readonly #errors: StatusCounters;

  constructor(families: Families, backend_type: 'regular' | 'pd', model: string, endpoint: string) {
    const streamLabels = { router_type: 'http', backend_type, model, endpoint };
    const labels = { ...streamLabels, connection_mode: 'http' };
    this.requestsStreaming = families.routerRequests.counter({ ...labels, streaming: 'true' });
    this.requestsPlain = families.routerRequests.counter({ ...labels, streaming: 'false' });
    this.duration = families.routerDuration.histogram(labels);
    this.ttft = families.routerTtft.histogram(streamLabels);
    this.tpot = families.routerTpot.histogram(streamLabels);
    this.generation = families.routerGeneration.histogram(streamLabels);
    this.#errors = new StatusCounters((_, error_type) => families.routerErrors.counter({ ...labels, error_type }));
  }

  /** Requests that ended with this code of the router (core/errors.ts); unknown codes count as "other". */
  error(code: string): Counter {
    return this.#errors.of(0, code);
  }
}
