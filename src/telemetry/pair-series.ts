/** Cells of prefill-decode pairs, all pairs together. */
import type { Counter, Histogram } from './cells.ts';
import type { Families } from './families.ts';

export class PairSeries {
  /** Seconds from the whole request to the sending of the pair that answered: failed pairs before it count here. */
  readonly queue: Histogram;
  /** Seconds from the sending of a pair to the first byte of prefill's answer. */
  readonly prefill: Histogram;
  /** Seconds from the first byte of prefill's answer to the first of decode's; 0 when decode was first. */
  readonly transfer: Histogram;
  /** Seconds from the first to the last byte of decode's answer. */
  readonly decode: Histogram;
  /** Seconds from the arrival of a request to the first byte of decode's answer. */
  readonly ttft: Histogram;
  /** Pairs that failed before decode's first byte, by the leg that failed. */
  readonly failures: Readonly<Record<'prefill' | 'decode', Counter>>;
  /** Pairs that were tried after one had failed. */
  readonly retries: Counter;

  constructor(families: Families) {
    this.queue = families.pdQueue.histogram({});
    this.prefill = families.pdPrefill.histogram({});
    this.transfer = families.pdTransfer.histogram({});
    this.decode = families.pdDecode.histogram({});
    this.ttft = families.pdTtft.histogram({});
    this.failures = {
      prefill: families.pdFailures.counter({ worker_type: 'prefill' }),
      decode: families.pdFailures.counter({ worker_type: 'decode' }),
    };
    this.retries = families.pdRetries.counter({});
  }
}
