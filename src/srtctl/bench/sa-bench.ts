/** sa-bench: one point for each concurrency, each after a warm-up, results written as each point ends. */
import type { Clock } from '../../base/core/clock.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { runClosedLoop } from './closed-loop.ts';
import { CompletionClient } from './completion-client.ts';
import { type PointPlan, type PointResult, resultOf } from './point-result.ts';
import { ProgressLines } from './progress-lines.ts';
import { drawLength, findWordPrice, makePrompt, makeWords, ONE_TOKEN_PER_WORD, type WordPrice } from './prompt.ts';
import type { Sample } from './sample.ts';
import type { Stop } from './stop.ts';
import { judge } from './verdict.ts';

export interface SaBenchOptions {
  readonly endpoint: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly concurrencies: readonly number[];
  readonly requestRate: number | null;
  readonly rangeRatio: number;
  readonly promptsMultiplier: number;
  readonly warmupMultiplier: number;
  /** Same seed, same prompts. Every phase of every point draws from a seed of its own, so no phase meets prompts of another in a cache. */
  readonly seed: number;
  readonly idleMs: number;
  readonly apiKey: string | null;
}

export interface SaBenchContext {
  readonly clock: Clock;
  /** One line of progress, without its end. */
  readonly say: (line: string) => void;
  /** Called at the end of each point, the partial one too. */
  readonly keep: (result: PointResult) => Promise<void>;
  readonly stop: Stop;
}

export interface SaBenchOutcome {
  readonly results: readonly PointResult[];
  /** Empty: the benchmark succeeded, or was ended before anything failed. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

const CALIBRATION_WORDS = [64, 256] as const;
const SEEDS_PER_POINT = 4;

/** Never rejects for what the endpoint does. Stops at the first point that fails. */
export async function runSaBench(options: SaBenchOptions, context: SaBenchContext): Promise<SaBenchOutcome> {
  const results: PointResult[] = [];
  const warnings: string[] = [];
  const first = await calibrate(options, context);
  if (typeof first === 'string') return { results, failures: context.stop.isStopped ? [] : [first], warnings };
  for (const [index, concurrency] of options.concurrencies.entries()) {
    if (context.stop.isStopped) break;
    const phase = new Phase(options, context, first, concurrency);
    const warmups = Math.ceil(concurrency * options.warmupMultiplier);
    if (warmups > 0) {
      const { samples } = await phase.run(warmups, options.seed + SEEDS_PER_POINT * index + 1, 'warm-up');
      const failed = samples.find((sample) => sample.error !== null);
      if (failed !== undefined) return { results, failures: [`concurrency ${concurrency}, warm-up: ${failed.error}`], warnings };
      if (context.stop.isStopped) break;
    }
    const result = await phase.measure(Math.ceil(concurrency * options.promptsMultiplier), options.seed + SEEDS_PER_POINT * index + 2);
    await context.keep(result);
    results.push(result);
    if (context.stop.isStopped) break;
    const verdict = judge(result);
    warnings.push(...verdict.warnings);
    if (verdict.failures.length > 0) return { results, failures: verdict.failures, warnings };
  }
  return { results, failures: [], warnings };
}

/** The first two requests: whether the endpoint answers at all, and what a word costs. A text says why it does not. */
async function calibrate(options: SaBenchOptions, context: SaBenchContext): Promise<WordPrice | string> {
  const client = new CompletionClient({ ...options, connections: 1, clock: context.clock, stop: context.stop });
  try {
    const rng = createRng(options.seed);
    const measured: { words: number; tokens: number }[] = [];
    for (const words of CALIBRATION_WORDS) {
      const sample = await client.complete({ prompt: makeWords(words, rng), inputTokens: words, outputTokens: 2 });
      if (sample.isCut) return 'ended before the first answer';
      if (sample.error !== null) return `the first request to ${options.endpoint}/v1/completions failed: ${sample.error}`;
      measured.push({ words, tokens: sample.inputTokens });
    }
    const price = findWordPrice(measured[0]!, measured[1]!) ?? ONE_TOKEN_PER_WORD;
    context.say(`${options.endpoint} answers; a word of the prompts takes ${price.perWord.toFixed(2)} tokens`);
    return price;
  } finally {
    await client.close();
  }
}

/** All requests at one concurrency. */
class Phase {
  readonly #options: SaBenchOptions;
  readonly #context: SaBenchContext;
  readonly #price: WordPrice;
  readonly #concurrency: number;

  constructor(options: SaBenchOptions, context: SaBenchContext, price: WordPrice, concurrency: number) {
    this.#options = options;
    this.#context = context;
    this.#price = price;
    this.#concurrency = concurrency;
  }

  async measure(requests: number, seed: number): Promise<PointResult> {
    const { endpoint, model, inputTokens, outputTokens, requestRate, rangeRatio } = this.#options;
    const date = dateOf(this.#context.clock.wallMs());
    const { samples, startMs, endMs } = await this.run(requests, seed, 'measured');
    const plan: PointPlan = {
      concurrency: this.#concurrency,
      requests,
      inputTokens,
      outputTokens,
      requestRate,
      rangeRatio,
      model,
      endpoint,
      seed,
    };
    return resultOf(plan, samples, startMs, endMs, date);
  }

  async run(requests: number, seed: number, what: string): Promise<{ samples: Sample[]; startMs: number; endMs: number }> {
    const { clock, stop, say } = this.#context;
    const rng = createRng(seed);
    const client = new CompletionClient({ ...this.#options, connections: this.#concurrency, clock, stop });
    const progress = new ProgressLines(`concurrency ${this.#concurrency}, ${what}`, requests, clock, say);
    const samples: Sample[] = [];
    const startMs = clock.nowMs();
    try {
      const { requestRate, inputTokens, outputTokens, rangeRatio } = this.#options;
      const loop = { requests, concurrency: this.#concurrency, requestRate, clock, rng: createRng(seed + 1), stop };
      await runClosedLoop(loop, async (index) => {
        const tokens = drawLength(inputTokens, rangeRatio, rng);
        const answer = drawLength(outputTokens, rangeRatio, rng);
        const prompt = makePrompt(tokens, this.#price, rng);
        const sample = await client.complete({ prompt, inputTokens: tokens, outputTokens: answer });
        samples[index] = sample;
        progress.add(sample);
      });
    } finally {
      progress.stop();
      await client.close();
    }
    return { samples: samples.filter((sample) => sample !== undefined), startMs, endMs: clock.nowMs() };
  }
}

/** `20261121-131500`. */
function dateOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}
