/**
 * Counts the events of one stream and the time between them. What came in one read counts as evenly spread over the time since the last.
 * Comments and `[DONE]` do not count.
 */
import { hasOutput } from '../../../wire/sse/token-events.ts';
import type { Attempt } from '../dispatch/attempt.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import type { Pieces } from '../upstream/seam.ts';

export class EventMeter {
  /** When a comment of the router was sent last; 0: never. */
  commentMs = 0;
  /** Events so far. */
  count = 0;
  #batch = 0;
  #lastMs = 0;

  /** One read of the worker. */
  pieces(buf: Buffer, { offsets, count }: Pieces): void {
    for (let i = 0; i < count; i++) this.piece(buf, offsets[2 * i]!, offsets[2 * i + 1]!);
  }

  /** Payload that counts as one event. */
  piece(buf: Buffer, start: number, end: number): void {
    if (hasOutput(buf, start, end)) this.#batch++;
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
