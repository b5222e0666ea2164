/** Asks engines again that have not reported how many data-parallel ranks they have: after 250 ms, then after up to 10 s. */
import type { Clock, TimerHandle } from '../../../base/core/clock.ts';
import type { WorkerRecord } from '../registry/worker-record.ts';

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

interface Retry {
  pauseMs: number;
  timer: TimerHandle | null;
}

export class RankRetries {
  readonly #clock: Clock;
  readonly #ask: (record: WorkerRecord) => void;
  readonly #open = new Map<WorkerRecord, Retry>();

  constructor(clock: Clock, ask: (record: WorkerRecord) => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** The engine did not report its ranks: asks again after a pause. */
  askLater(record: WorkerRecord): void {
    const retry = this.#open.get(record) ?? { pauseMs: FIRST_PAUSE_MS / 2, timer: null };
    if (retry.timer !== null) return;
    this.#open.set(record, retry);
    retry.pauseMs = Math.min(2 * retry.pauseMs, LAST_PAUSE_MS);
    retry.timer = this.#clock.after(retry.pauseMs, () => {
      retry.timer = null;
      this.#ask(record);
    });
  }

  /** Asks this engine no more; the next pause is short again. */
  forget(record: WorkerRecord): void {
    this.#open.get(record)?.timer?.cancel();
    this.#open.delete(record);
  }

  stop(): void {
    for (const record of [...this.#open.keys()]) this.forget(record);
  }
}
