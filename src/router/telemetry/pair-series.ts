/** Cells of prefill-decode pairs. */
import type { Counter, Histogram } from '../../base/telemetry/cells.ts';
import type { Families } from './families.ts';

/** The phases of the pairs of one model, in seconds. */
export class PairPhases {
  /** From the whole request to the sending of the pair that answered: failed pairs before it count here. */
  readonly queue: Histogram;
  /** From the sending of a pair to the first byte of prefill's answer. */
  readonly prefill: Histogram;
  /** From the first byte of prefill's answer to the first of decode's; 0 when decode was first. */
  readonly transfer: Histogram;
  /** From the first to the last byte of decode's answer. */
  readonly decode: Histogram;
  /** From the arrival of a request to the first byte of decode's answer. */
  readonly ttft: Histogram;

  constructor(families: Families, model: string) {
    const labels = { backend_type: 'pd', model, runtime: 'sglang' };
    this.queue = families.pdQueue.histogram(labels);
    this.prefill = families.pdPrefill.histogram(labels);
    this.transfer = families.pdTransfer.histogram(labels);
    this.decode = families.pdDecode.histogram(labels);
    this.ttft = families.pdTtft.histogram(labels);
  }
}

export class PairSeries {
  /** Pairs that failed before decode's first byte, by the leg that failed. */
  readonly failures: Readonly<Record<'prefill' | 'decode', Counter>>;
  /** Pairs that were tried after one had failed. */
  readonly retries: Counter;
  readonly #families: Families;
  readonly #labelOf: (model: string) => string;
  readonly #phases = new Map<string, PairPhases>();

  /** `labelOf`: caps the models that are told apart. */
  constructor(families: Families, labelOf: (model: string) => string) {
    this.failures = {
      prefill: families.pdFailures.counter({ worker_type: 'prefill' }),
      decode: families.pdFailures.counter({ worker_type: 'decode' }),
    };
    this.retries = families.pdRetries.counter({});
    this.#families = families;
    this.#labelOf = labelOf;
  }

  /** One look-up in a small map. */
  phasesOf(model: string): PairPhases {
    const known = this.#phases.get(model);
    if (known !== undefined) return known;
    const label = this.#labelOf(model);
    const phases = this.#phases.get(label) ?? new PairPhases(this.#families, label);
    // The models beyond the cap share one entry and are looked up by it.
    this.#phases.set(label, phases);
    return phases;
  }
}
