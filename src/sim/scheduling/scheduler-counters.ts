/** Counters of one scheduler for /metrics, /v1/loads and /sim/stats. */
import { Histogram } from '../../base/telemetry/cells.ts';
import type { Generation } from './generation.ts';

const LATENCY_BOUNDS = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400];
const TOKEN_LATENCY_BOUNDS = [
  0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8,
];
const QUEUE_BOUNDS = [0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];
/** Decode time over which the token rate is measured. */
const RATE_WINDOW_MS = 1000;

export class SchedulerCounters {
  received = 0;
  refused = 0;
  aborted = 0;
  completed = 0;
  retracted = 0;
  steps = 0;
  promptTokens = 0;
  cachedTokens = 0;
  generatedTokens = 0;
  /** Prompt tokens computed, chunks of retracted requests included. */
  prefilledTokens = 0;
  prefillBusyMs = 0;
  /** Tokens per second over the last window of decoding. */
  tokensPerSec = 0;
  /** Share of the last admitted prompt that came from the cache. */
  lastHitRate = 0;
  readonly firstTokenSec: Histogram = new Histogram(LATENCY_BOUNDS);
  readonly interTokenSec: Histogram = new Histogram(TOKEN_LATENCY_BOUNDS);
  readonly wholeSec: Histogram = new Histogram(LATENCY_BOUNDS);
  readonly queueSec: Histogram = new Histogram(QUEUE_BOUNDS);
  #windowTokens = 0;
  #windowMs = 0;

  admitted(generation: Generation): void {
    this.cachedTokens += generation.cachedTokens;
    this.lastHitRate = generation.promptTokens === 0 ? 0 : generation.cachedTokens / generation.promptTokens;
    this.queueSec.observe((generation.admittedMs - generation.receivedMs) / 1000);
  }

  tokenMade(generation: Generation, nowMs: number): void {
    this.generatedTokens++;
    if (generation.lastTokenMs === 0) this.firstTokenSec.observe((nowMs - generation.receivedMs) / 1000);
    else this.interTokenSec.observe((nowMs - generation.lastTokenMs) / 1000);
  }

  decoded(tokens: number, stepMs: number): void {
    this.#windowTokens += tokens;
    this.#windowMs += stepMs;
    if (this.#windowMs < RATE_WINDOW_MS) return;
    this.tokensPerSec = (this.#windowTokens / this.#windowMs) * 1000;
    this.#windowTokens = 0;
    this.#windowMs = 0;
  }

  ended(generation: Generation): void {
    if (generation.finish?.type === 'abort') return;
    this.completed++;
    this.wholeSec.observe((generation.endedMs - generation.receivedMs) / 1000);
  }
}
