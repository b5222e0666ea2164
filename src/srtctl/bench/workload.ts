/** What a benchmark sends: points, each a number of requests and how they follow each other. */

import type { Rng } from '../../base/core/rng.ts';
import type { ArrivalRate } from './arrivals.ts';
import type { CompletionRequest } from './completion-client.ts';
import type { WordPrice } from './prompt.ts';

export interface BenchPoint {
  /** For lines of progress and failures: `concurrency 16`. */
  readonly name: string;
  readonly requests: number;
  /** Requests before them, not measured. */
  readonly warmups: number;
  /** Most under way at once; null: as many as arrive. */
  readonly concurrency: number | null;
  /** Arrivals in a second; null: as fast as the concurrency allows. */
  readonly rate: ArrivalRate | null;
  /** When each request starts, ms after the first, ascending; null: nothing says. */
  readonly arrivalsMs: readonly number[] | null;
  /** Called once for each phase; the result once for each request, in the order in which they are sent. */
  readonly draw: (price: WordPrice, rng: Rng) => (index: number) => CompletionRequest;
  /** What is said of the point in its result file, besides the measurements. */
  readonly facts: PointFacts;
}

export interface PointFacts {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly rangeRatio: number;
  /** Share of the prompt that all requests have in common; null: none. */
  readonly prefixRatio: number | null;
  /** Below both a request is good; null: nothing says. */
  readonly good: { readonly ttftMs: number; readonly itlMs: number } | null;
  /** Prompts of the point repeat each other, so answers from a cache are expected. */
  readonly repeats: boolean;
}

export interface Workload {
  /** As `benchmark.type` of a recipe has it. */
  readonly type: string;
  /** Of the directory of its results. */
  readonly directoryName: string;
  readonly points: readonly BenchPoint[];
}
