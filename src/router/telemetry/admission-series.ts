/** Cells of the limits on requests. */
import type { Counter, Histogram } from '../../base/telemetry/cells.ts';
import type { Families } from './families.ts';

export class AdmissionSeries {
  readonly #allowed: Counter;
  readonly #rejected: Counter;
  readonly #full: Counter;
  readonly #timeout: Counter;
  readonly #gone: Counter;
  readonly #wait: Histogram;

  constructor({ httpRateLimit, admissionRejected, admissionWait }: Families) {
    this.#allowed = httpRateLimit.counter({ result: 'allowed' });
    this.#rejected = httpRateLimit.counter({ result: 'rejected' });
    this.#full = admissionRejected.counter({ reason: 'full' });
    this.#timeout = admissionRejected.counter({ reason: 'timeout' });
    this.#gone = admissionRejected.counter({ reason: 'client_gone' });
    this.#wait = admissionWait.histogram({});
  }

  /** `waitedMs`: 0 for a request that did not wait. */
  admitted(waitedMs: number): void {
    this.#allowed.value++;
    if (waitedMs > 0) this.#wait.observe(waitedMs / 1000);
  }

  full(): void {
    this.#rejected.value++;
    this.#full.value++;
  }

  late(waitedMs: number): void {
    this.#rejected.value++;
    this.#timeout.value++;
    this.#wait.observe(waitedMs / 1000);
  }

  left(waitedMs: number): void {
    this.#gone.value++;
    this.#wait.observe(waitedMs / 1000);
  }
}
