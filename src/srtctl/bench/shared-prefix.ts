/** Prompts whose first part is the same for all requests of a point: what a router makes of the caches of its workers. */
import { makePrompt, makeWords, wordsFor } from './prompt.ts';
import type { Workload } from './workload.ts';

export interface PrefixSettings {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly requests: number;
  readonly concurrencies: readonly number[];
  /** Each from 0 to 1. */
  readonly prefixRatios: readonly number[];
}

export function sharedPrefix(settings: PrefixSettings): Workload {
  const { inputTokens, outputTokens, requests } = settings;
  return {
    type: 'router',
    directoryName: `router_isl_${inputTokens}_osl_${outputTokens}`,
    points: settings.concurrencies.flatMap((concurrency) =>
      settings.prefixRatios.map((ratio) => ({
        name: `prefix ratio ${ratio}, concurrency ${concurrency}`,
        requests,
        warmups: 0,
        concurrency,
        rate: null,
        arrivalsMs: null,
        draw: (price, rng) => {
          const shared = Math.floor(inputTokens * ratio);
          const prefix = shared === 0 ? '' : makeWords(wordsFor(shared, price), rng);
          const rest = inputTokens - shared;
          return () => ({
            prompt: rest === 0 ? prefix : prefix + makePrompt(rest, shared === 0 ? price : { ...price, base: 0 }, rng),
            inputTokens,
            outputTokens,
          });
        },
        facts: { inputTokens, outputTokens, rangeRatio: 1, prefixRatio: ratio, good: null, repeats: true },
      })),
    ),
  };
}
