/** Counts the events of one stream and the time between them. What came in one read counts as evenly spread over the time since the last. */
import type { Attempt } from '../dispatch/attempt.ts';
import type { RequestRecord } from '../routing/request-record.ts';

export class EventMeter {
  /** Events so far. */
  count = 0;
  #batch = 0;
  #lastMs = 0;

  saw(events: number): void {
    this.#batch += events;
  }

  /** At the end of a read. `attempt`: that of the worker that streams. */
  observe(nowMs: number, attempt: Attempt, record: RequestRecord): void {
    const events = this.#batch;
    if (events === 0) return;
    const { series } = attempt;
    if (this.count === 0) {
      record.ttftMs = nowMs - record.startMs;
      // A worker answers for its own attempt, not for one before it.
      series?.ttft.observe((nowMs - attempt.startMs) / 1000);
    } else series?.itl.observeMany((nowMs - this.#lastMs) / 1000 / events, events);
    this.count += events;
    if (series !== undefined) series.events.value += events;
    this.#lastMs = nowMs;
    this.#batch = 0;
  }
}
