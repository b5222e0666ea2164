/** The metric cells of each worker, by index: bound when it joins, so that the path only adds numbers. */
import type { FleetListener } from '../../../base/core/fleet.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import type { RouterMetrics } from '../../telemetry/metrics.ts';
import type { WorkerSeries } from '../../telemetry/worker-series.ts';

export class SeriesTable implements FleetListener {
  readonly #metrics: RouterMetrics;
  readonly #byIndex: (WorkerSeries | undefined)[] = [];

  constructor(metrics: RouterMetrics) {
    this.#metrics = metrics;
  }

  workerJoined(worker: Worker): void {
    this.#byIndex[worker.index] = this.#metrics.bindWorker(worker);
  }

  workerLeft(worker: Worker): void {
    this.#metrics.unbindWorker(worker);
  }

  find(worker: WorkerIndex): WorkerSeries | undefined {
    return this.#byIndex[worker];
  }
}
