/** What is counted and recorded of a request when it ends: metrics of its route and endpoint, and the access record. */
import { ERRORS, type ErrorCode } from '../../../base/core/errors.ts';
import type { EndpointSeries } from '../../telemetry/endpoint-series.ts';
import type { HttpSeries, RouterMetrics } from '../../telemetry/metrics.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import type { Turn } from '../turn.ts';

/** Writes the access record of one request. */
export type WriteRecord = (record: RequestRecord, durationMs: number) => void;

export class Accounts {
  readonly #turn: Turn;
  readonly #metrics: RouterMetrics;
  readonly #writeRecord: WriteRecord;
  /** Of requests that have no route. */
  readonly #unrouted: HttpSeries;

  constructor(turn: Turn, metrics: RouterMetrics, unrouted: HttpSeries, writeRecord: WriteRecord) {
    this.#turn = turn;
    this.#metrics = metrics;
    this.#unrouted = unrouted;
    this.#writeRecord = writeRecord;
  }

  /** A request was refused before its head was valid. */
  refused(code: ErrorCode): void {
    this.#unrouted.requests.value++;
    this.#metrics.response(ERRORS[code].status, code).value++;
  }

  /** The one end of every request that has a record. `series`: of the worker that answered; `events`: of its stream. */
  settled(record: RequestRecord, series: WorkerSeries | undefined, events: number): void {
    const durationMs = this.#turn.nowMs - record.startMs;
    const { route, errorCode } = record;
    if (record.status === 0 && errorCode !== '') record.status = ERRORS[errorCode].status;
    route.series.duration.observe(durationMs / 1000);
    this.#metrics.response(record.status, errorCode).value++;
    if (route.kind === 'policy' || (route.kind === 'closed' && errorCode !== '')) {
      const { endpoint } = route;
      this.#count(
        series === undefined ? this.#metrics.endpoint('unknown', endpoint) : series.endpoint(endpoint),
        record,
        durationMs,
        events,
      );
    }
    this.#writeRecord(record, durationMs);
  }

  #count(endpoint: EndpointSeries, { outcome, ttftMs, errorCode }: RequestRecord, durationMs: number, events: number): void {
    if (events > 0) {
      endpoint.requestsStreaming.value++;
      endpoint.ttft.observe(ttftMs / 1000);
      if (outcome === 'ok') {
        endpoint.generation.observe(durationMs / 1000);
        if (events > 1) endpoint.tpot.observe((durationMs - ttftMs) / 1000 / (events - 1));
      }
    } else endpoint.requestsPlain.value++;
    if (errorCode !== '') endpoint.error(errorCode).value++;
    else if (outcome === 'ok') endpoint.duration.observe(durationMs / 1000);
  }
}
