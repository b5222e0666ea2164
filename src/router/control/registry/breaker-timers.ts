/** Makes the breaker of a worker half-open when its time-out has passed. */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { WorkerObserver } from './worker-observer.ts';
import type { WorkerRecord } from './worker-record.ts';

/** What the timers need of the registry. */
interface BreakerSink {
  breakerTimedOut(record: WorkerRecord): void;
}

export class BreakerTimers implements WorkerObserver {
  readonly #clock: Clock;
  /** Of breakers that open from now on. */
  timeoutMs: number;
  readonly #sink: BreakerSink;
  readonly #timers = new Map<WorkerRecord, TimerHandle>();

  constructor(clock: Clock, timeoutMs: number, sink: BreakerSink) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.#sink = sink;
  }

  breakerChanged(record: WorkerRecord): void {
    this.workerRemoved(record);
    if (record.breaker.phase !== 'open') return;
    const timedOut = (): void => {
      this.#timers.delete(record);
      this.#sink.breakerTimedOut(record);
    };
    this.#timers.set(record, this.#clock.after(this.timeoutMs, timedOut));
  }

  workerRemoved(record: WorkerRecord): void {
    this.#timers.get(record)?.cancel();
    this.#timers.delete(record);
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
