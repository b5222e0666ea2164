/** The highest rate of output tokens over a window of time. Pure. */
import type { Sample } from './sample.ts';

const BUCKET_MS = 1000;
const WINDOW_BUCKETS = 10;

/**
 * Tokens in a second: the most that any ten seconds held, as sa-bench counts its peak; the mean where all took less than that. The
 * tokens of an answer are spread evenly over its events, since events do not say how many they hold.
 */
export function peakTokenRate(samples: readonly Sample[], startMs: number, durationMs: number): number {
  if (durationMs <= 0) return 0;
  const buckets = new Float64Array(Math.floor(durationMs / BUCKET_MS) + 1);
  let total = 0;
  for (const sample of samples) {
    if (sample.firstMs === null) continue;
    const tokens = sample.outputTokens / (sample.gapsMs.length + 1);
    let atMs = sample.firstMs - startMs;
    const add = (): void => {
      const bucket = Math.min(buckets.length - 1, Math.max(0, Math.floor(atMs / BUCKET_MS)));
      buckets[bucket] = buckets[bucket]! + tokens;
      total += tokens;
    };
    add();
    for (const gapMs of sample.gapsMs) {
      atMs += gapMs;
      add();
    }
  }
  if (durationMs <= WINDOW_BUCKETS * BUCKET_MS) return (total * 1000) / durationMs;
  let inWindow = 0;
  let most = 0;
  for (let i = 0; i < buckets.length; i++) {
    inWindow += buckets[i]!;
    if (i >= WINDOW_BUCKETS) inWindow -= buckets[i - WINDOW_BUCKETS]!;
    most = Math.max(most, inWindow);
  }
  return most / WINDOW_BUCKETS;
}
