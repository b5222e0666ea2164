/** Counts and names what becomes of failed attempts: retries, and requests that are not tried again. */
import type { Logger } from '../../../base/core/logger.ts';
import type { WorkerType } from '../../../base/core/worker.ts';
import type { RouterMetrics } from '../../telemetry/metrics.ts';
import type { StopReason } from './retry-plan.ts';

/** The request, as the log names it. */
interface NamedRequest {
  readonly requestId: string;
  readonly attempts: number;
}

export class RetryCounts {
  readonly #metrics: RouterMetrics;
  readonly #logger: Logger;

  constructor(metrics: RouterMetrics, logger: Logger) {
    this.#metrics = metrics;
    this.#logger = logger;
  }

  retried(type: WorkerType, afterMs: number): void {
    this.#metrics.retried(type, afterMs / 1000);
  }

  stopped(why: StopReason, { requestId, attempts }: NamedRequest): void {
    this.#metrics.retryStopped(why).value++;
    if (why === 'poison') {
      this.#logger.error(
        { request_id: requestId, attempts },
        'two workers were lost while they worked on one request: it is not sent again',
      );
    } else if (why === 'blamed')
      this.#logger.warn({ request_id: requestId, attempts }, 'two workers answered 500 to one request: it is to blame');
  }
}
