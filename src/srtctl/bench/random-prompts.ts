/** sa-bench: a closed loop of random prompts, one point for each concurrency. */
import type { ArrivalRate } from './arrivals.ts';
import { drawLength, makePrompt } from './prompt.ts';
import type { BenchPoint, Workload } from './workload.ts';

export interface LoopSettings {
  readonly concurrencies: readonly number[];
  readonly rate: ArrivalRate | null;
  readonly promptsMultiplier: number;
  readonly warmupMultiplier: number;
}

export interface RandomSettings extends LoopSettings {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly rangeRatio: number;
}

export function randomPrompts(settings: RandomSettings): Workload {
  const { inputTokens, outputTokens, rangeRatio } = settings;
  return {
    type: 'sa-bench',
    directoryName: `sa-bench_isl_${inputTokens}_osl_${outputTokens}`,
    points: settings.concurrencies.map((concurrency) => ({
      ...loopParts(concurrency, settings),
      draw: (price, rng) => () => {
        const tokens = drawLength(inputTokens, rangeRatio, rng);
        const answer = drawLength(outputTokens, rangeRatio, rng);
        return { prompt: makePrompt(tokens, price, rng), inputTokens: tokens, outputTokens: answer };
      },
      facts: { inputTokens, outputTokens, rangeRatio, prefixRatio: null, good: null, repeats: false },
    })),
  };
}

export function loopParts(concurrency: number, settings: LoopSettings): Omit<BenchPoint, 'draw' | 'facts'> {
  return {
    name: `concurrency ${concurrency}`,
    requests: Math.ceil(concurrency * settings.promptsMultiplier),
    warmups: Math.ceil(concurrency * settings.warmupMultiplier),
    concurrency,
    rate: settings.rate,
    arrivalsMs: null,
  };
}
