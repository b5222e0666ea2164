/**
 * When the things happened that a pair waits for: the phases of its ledger entry, their metrics, and until when silence is borne.
 *
 *   asked       sent                    prefill's first byte      decode's first byte        decode's last byte
 *     |--queue---|--prefill (bootstrap)--------|--transfer---------------|--decode---------------------|
 *     |          |<------- bootstrap timeout, until prefill is whole --->|
 *     |                        |<-- once more, of a stream ------------->|
 */
import type { LivePair } from '../../pair/ledger.ts';
import type { PairPhases, PairSeries } from '../../telemetry/pair-series.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class PairTimes {
  /** When decode's first byte came; 0: not yet. */
  begunMs = 0;
  readonly #series: PairSeries;
  readonly #startMs: number;
  #live: LivePair | null = null;
  #phases: PairPhases | null = null;
  /** When the prefill leg was whole; 0: not yet. */
  #prefilledMs = 0;

  /** `startMs`: when the request's head came. */
  constructor(series: PairSeries, startMs: number) {
    this.#series = series;
    this.#startMs = startMs;
  }

  /** A pair is sent, perhaps after others. */
  sent(live: LivePair): void {
    this.#live = live;
    this.#phases = this.#series.phasesOf(live.decode.modelId);
    this.#prefilledMs = 0;
    this.begunMs = 0;
  }

  /** The first byte of prefill's answer. */
  prefillAnswers(nowMs: number): void {
    const live = this.#live;
    if (live === null) return;
    this.#phases?.prefill.observe((nowMs - live.startMs) / 1000);
    live.advance('transfer', nowMs);
  }

  /** The last byte of prefill's answer. */
  prefillEnds(nowMs: number): void {
    this.#prefilledMs = nowMs;
  }

  /** The first byte of decode's answer: the KV has arrived. `askedMs`: when the last bytes of the request arrived. */
  decodeAnswers(nowMs: number, askedMs: number): void {
    const live = this.#live;
    if (live === null) return;
    this.begunMs = nowMs;
    this.#phases?.queue.observe((live.startMs - askedMs) / 1000);
    this.#phases?.transfer.observe(live.phase === 'transfer' ? (nowMs - live.phaseMs) / 1000 : 0);
    this.#phases?.ttft.observe((nowMs - this.#startMs) / 1000);
    live.advance('decode', nowMs);
  }

  decodeEnds(nowMs: number): void {
    if (this.begunMs === 0) return;
    this.#phases?.decode.observe((nowMs - this.begunMs) / 1000);
  }

  /**
   * When a pair whose answer has not begun has been silent for too long. Once prefill has answered the KV is fetched: a plain
   * answer comes when it is whole, however long that takes, but the first event of a stream is due.
   */
  bootstrapDue(timeoutMs: number, isStream: boolean): number {
    if (this.#live === null || timeoutMs === 0) return NEVER;
    if (this.#prefilledMs === 0) return this.#live.startMs + timeoutMs;
    return isStream ? this.#prefilledMs + timeoutMs : NEVER;
  }
}
