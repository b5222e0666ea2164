/** Cells of the priority classes. */
import type { Counter, Histogram } from '../../base/telemetry/cells.ts';
import type { Families } from './families.ts';

/** Of one class. */
export class ClassSeries {
  readonly #admitted: Counter;
  readonly #full: Counter;
  readonly #timeout: Counter;
  readonly #gone: Counter;
  readonly #lent: Counter;
  readonly #wait: Histogram;

  constructor({ schedulerAdmissions, schedulerLent, schedulerWait }: Families, name: string) {
    const outcome = (value: string): Counter => schedulerAdmissions.counter({ class: name, outcome: value });
    this.#admitted = outcome('admitted');
    this.#full = outcome('rejected_queue_full');
    this.#timeout = outcome('rejected_queue_timeout');
    this.#gone = outcome('client_cancelled');
    this.#lent = schedulerLent.counter({ class: name });
    this.#wait = schedulerWait.histogram({ class: name });
  }

  /** `waitedMs`: 0 for a request that did not wait. `isLent`: it has a slot that higher classes keep for themselves. */
  admitted(waitedMs: number, isLent: boolean): void {
    this.#admitted.value++;
    if (isLent) this.#lent.value++;
    if (waitedMs > 0) this.#wait.observe(waitedMs / 1000);
  }

  full(): void {
    this.#full.value++;
  }

  late(waitedMs: number): void {
    this.#timeout.value++;
    this.#wait.observe(waitedMs / 1000);
  }

  left(waitedMs: number): void {
    this.#gone.value++;
    this.#wait.observe(waitedMs / 1000);
  }
}

/** What is read of one class when someone scrapes. */
export interface ClassReaders {
  inUse(): number;
  waiting(): number;
  readonly queueSize: number;
}

export class SchedulerSeries {
  readonly #families: Families;
  readonly #unknown: Counter;

  constructor(families: Families) {
    this.#families = families;
    this.#unknown = families.schedulerUnknown.counter({});
  }

  of(name: string): ClassSeries {
    return new ClassSeries(this.#families, name);
  }

  read(name: string, { inUse, waiting, queueSize }: ClassReaders): void {
    const labels = { class: name };
    this.#families.schedulerInUse.read(labels, inUse);
    this.#families.schedulerQueue.read(labels, waiting);
    this.#families.schedulerQueueSize.gauge(labels).value = queueSize;
  }

  /** Both from the closed set of classes. */
  clamped(requested: string, effective: string): void {
    this.#families.schedulerClamps.counter({ requested_class: requested, effective_class: effective }).value++;
  }

  unknown(): void {
    this.#unknown.value++;
  }
}
