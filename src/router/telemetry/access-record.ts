/**
 * One record per request in the log: who asked what of whom, how long it took, how it ended. Never prompts, never keys.
 *
 * Mode auto writes all of them while few requests come, and steps back when there are many:
 *
 *          more than PAUSE_ABOVE_RPS in one second
 *     on ────────────────────────────────────────────► paused   (failures still written, FAILURES_PER_SECOND at most)
 *      ◄────────────────────────────────────────────
 *          CALM_SECONDS in a row of at most RESUME_BELOW_RPS
 */
import type { Logger } from '../../base/core/logger.ts';
import type { OutcomeKind } from '../../base/core/outcome.ts';
import type { Counter } from '../../base/telemetry/cells.ts';

export type AccessMode = 'auto' | 'on' | 'off';

export interface AccessRecord {
  readonly requestId: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** What the client got; 0 if it left before a head was sent. */
  readonly status: number;
  /** URL, or null if no worker was asked. Of a pair the decode worker, or the prefill worker if that one answered. */
  readonly worker: string | null;
  /** Of a pair; absent for requests that one worker serves. */
  readonly prefillWorker?: string;
  /** As the client named it, or null. */
  readonly model: string | null;
  readonly durationMs: number;
  /** Until the first event of a stream; null for other answers. */
  readonly ttftMs: number | null;
  /** Of `durationMs`, behind a limit; absent for requests that did not wait. */
  readonly queuedMs?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** How the last attempt ended, or a code of core/errors.ts. */
  readonly outcome: OutcomeKind | (string & {});
  /** The body was passed on while it came, so the request could not have been retried. */
  readonly streamedBody: boolean;
}

export const PAUSE_ABOVE_RPS = 100;
export const RESUME_BELOW_RPS = 50;
export const CALM_SECONDS = 5;
export const FAILURES_PER_SECOND = 10;
/** Longest path or model in a record; the rest is cut off. */
const MAX_TEXT_CHARS = 256;

export class AccessLog {
  mode: AccessMode;
  readonly #logger: Logger;
  readonly #skipped: Counter;
  #isPaused = false;
  /** The second being counted ends here; monotonic milliseconds. */
  #windowEndMs = 0;
  #requests = 0;
  #failures = 0;
  #calmSeconds = 0;

  /** `skipped` counts the requests without a record. */
  constructor(mode: AccessMode, logger: Logger, skipped: Counter) {
    this.mode = mode;
    this.#logger = logger;
    this.#skipped = skipped;
  }

  /** To be asked once per request when it ended, before its record is put together. `nowMs`: of the Clock. */
  wants(nowMs: number, isFailure: boolean): boolean {
    const isWanted = this.mode === 'auto' ? this.#isWantedNow(nowMs, isFailure) : this.mode === 'on';
    if (!isWanted) this.#skipped.value++;
    return isWanted;
  }

  write(record: AccessRecord): void {
    this.#logger.info(
      {
        request_id: record.requestId,
        method: record.method,
        path: record.path.slice(0, MAX_TEXT_CHARS),
        status: record.status,
        worker: record.worker,
        ...(record.prefillWorker !== undefined && { prefill_worker: record.prefillWorker }),
        model: record.model?.slice(0, MAX_TEXT_CHARS) ?? null,
        duration_ms: rounded(record.durationMs),
        ttft_ms: record.ttftMs === null ? null : rounded(record.ttftMs),
        ...(record.queuedMs !== undefined && { queued_ms: rounded(record.queuedMs) }),
        bytes_in: record.bytesIn,
        bytes_out: record.bytesOut,
        outcome: record.outcome,
        streamed_body: record.streamedBody,
      },
      'request',
    );
  }

  #isWantedNow(nowMs: number, isFailure: boolean): boolean {
    if (nowMs >= this.#windowEndMs) this.#turnWindow(nowMs);
    this.#requests++;
    if (!this.#isPaused) {
      if (this.#requests <= PAUSE_ABOVE_RPS) return true;
      this.#isPaused = true;
      this.#calmSeconds = 0;
      this.#logger.info(
        { above_per_second: PAUSE_ABOVE_RPS },
        'access records paused at this rate, failures excepted; they resume when it is calm',
      );
    }
    if (!isFailure || this.#failures >= FAILURES_PER_SECOND) return false;
    this.#failures++;
    return true;
  }

  #turnWindow(nowMs: number): void {
    const silentSeconds = Math.floor((nowMs - this.#windowEndMs) / 1000);
    this.#calmSeconds = this.#requests <= RESUME_BELOW_RPS ? this.#calmSeconds + 1 + silentSeconds : silentSeconds;
    this.#windowEndMs = nowMs + 1000;
    this.#requests = 0;
    this.#failures = 0;
    if (!this.#isPaused || this.#calmSeconds < CALM_SECONDS) return;
    this.#isPaused = false;
    this.#logger.info({}, 'access records resumed');
  }
}

/** To a hundredth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
