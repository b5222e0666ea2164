/** Runs the points of a workload in turn, each after its warm-up; results are written as each point ends. */
import type { Clock } from '../../base/core/clock.ts';
import { measureClientLoad } from '../../base/runtime/client-load.ts';
import { createRng } from '../../base/runtime/rng.ts';
import { runClosedLoop } from './closed-loop.ts';
import { COMPLETION_PATHS, type CompletionApi, CompletionClient } from './completion-client.ts';
import { type Circumstances, type Measurement, type PointPlan, type PointResult, resultOf } from './point-result.ts';
import { ProgressLines } from './progress-lines.ts';
import { findWordPrice, makeWords, ONE_TOKEN_PER_WORD, type WordPrice } from './prompt.ts';
import type { Provenance } from './provenance.ts';
import type { Sample } from './sample.ts';
import type { Stop } from './stop.ts';
import { runTimedLoop } from './timed-loop.ts';
import { judge } from './verdict.ts';
import type { WorkerCalls } from './worker-calls.ts';
import { figuresBetween, readWorkerCounts } from './worker-figures.ts';
import type { BenchPoint, Workload } from './workload.ts';

export interface BenchOptions {
  readonly endpoint: string;
  readonly model: string;
  readonly api: CompletionApi;
  /** Same seed, same prompts. Every phase of every point draws from a seed of its own, so no phase meets prompts of another in a cache. */
  readonly seed: number;
  readonly idleMs: number;
  readonly apiKey: string | null;
}

export interface BenchContext {
  readonly clock: Clock;
  /** One line of progress, without its end. */
  readonly say: (line: string) => void;
  /** Called at the end of each point, the partial one too. */
  readonly keep: (result: PointResult) => Promise<void>;
  readonly stop: Stop;
  /** What workers are asked to do besides answering: profiles, slow steps. */
  readonly workers: WorkerCalls;
  /** Pages of metrics of the routers; empty: there are none. */
  readonly routerMetrics: readonly string[];
  readonly provenance: Provenance;
}

export interface BenchOutcome {
  readonly results: readonly PointResult[];
  /** Empty: the benchmark succeeded, or was ended before anything failed. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

const CALIBRATION_WORDS = [64, 256] as const;
const SEEDS_PER_POINT = 4;

/** Never rejects for what the endpoint does. Stops at the first point that fails. */
export async function runWorkload(workload: Workload, options: BenchOptions, context: BenchContext): Promise<BenchOutcome> {
  const price = await calibrate(options, context);
  if (typeof price === 'string') return { results: [], failures: context.stop.isStopped ? [] : [price], warnings: [] };
  const results: PointResult[] = [];
  const warnings: string[] = [];
  const failures: string[] = [];
  for (const [index, point] of workload.points.entries()) {
    if (context.stop.isStopped || failures.length > 0) break;
    const phase = new Phase(point, price, options, context);
    const run = results.filter((one) => one.point === point.name).length + 1;
    const seed = options.seed + SEEDS_PER_POINT * index;
    const measured = await runPoint(phase, index, point, seed, context).finally(() => phase.close());
    if (typeof measured === 'string') failures.push(measured);
    if (measured === null || typeof measured === 'string') break;
    const { measurement, circumstances } = measured;
    const all = { ...circumstances, run, provenance: context.provenance };
    const result: PointResult = { ...measurement, ...all, ...judge(measurement, all, point.facts) };
    await context.keep(result);
    results.push(result);
    if (context.stop.isStopped) break;
    warnings.push(...result.warnings);
    failures.push(...result.failures);
  }
  warnings.push(...(await context.workers.end()));
  return { results, failures, warnings };
}

interface Measured {
  readonly measurement: Measurement;
  readonly circumstances: Omit<Circumstances, 'run' | 'provenance'>;
}

/** A text says why nothing could be measured; null: the benchmark was ended before that. */
async function runPoint(
  phase: Phase,
  index: number,
  point: BenchPoint,
  seed: number,
  context: BenchContext,
): Promise<Measured | string | null> {
  if (point.warmups > 0) {
    const { samples } = await phase.run(point.warmups, seed + 1, 'warm-up');
    const failed = samples.find((sample) => sample.error !== null);
    if (failed !== undefined) return `${point.name}, warm-up: ${failed.error}`;
    if (context.stop.isStopped) return null;
  }
  const refused = await context.workers.beforePoint(index);
  if (refused !== null) return refused;
  const before = await readWorkerCounts(context.routerMetrics);
  const endLoad = measureClientLoad();
  const startedMs = context.clock.wallMs();
  const measurement = await phase.measure(seed + 2);
  const endedMs = context.clock.wallMs();
  const client = endLoad();
  const after = await readWorkerCounts(context.routerMetrics);
  await context.workers.afterPoint();
  const workers = before === null || after === null ? null : figuresBetween(before, after);
  const circumstances = { started_at: new Date(startedMs).toISOString(), ended_at: new Date(endedMs).toISOString(), client, workers };
  return { measurement, circumstances };
}

/** The first two requests: whether the endpoint answers at all, and what a word costs. A text says why it does not. */
async function calibrate(options: BenchOptions, context: BenchContext): Promise<WordPrice | string> {
  const client = new CompletionClient({ ...options, connections: 1, clock: context.clock, stop: context.stop });
  try {
    const rng = createRng(options.seed);
    const measured: { words: number; tokens: number }[] = [];
    for (const words of CALIBRATION_WORDS) {
      const sample = await client.complete({ prompt: makeWords(words, rng), inputTokens: words, outputTokens: 2 });
      if (sample.isCut) return 'ended before the first answer';
      if (sample.error !== null) return `the first request to ${options.endpoint}${COMPLETION_PATHS[options.api]} failed: ${sample.error}`;
      measured.push({ words, tokens: sample.inputTokens });
    }
    const price = findWordPrice(measured[0]!, measured[1]!) ?? ONE_TOKEN_PER_WORD;
    context.say(`${options.endpoint} answers; a word of the prompts takes ${price.perWord.toFixed(2)} tokens`);
    return price;
  } finally {
    await client.close();
  }
}

/** Requests of one point. The measured ones use the connections of the warm-up: making one takes as long as a token. */
class Phase {
  readonly #point: BenchPoint;
  readonly #price: WordPrice;
  readonly #options: BenchOptions;
  readonly #context: BenchContext;
  readonly #client: CompletionClient;

  constructor(point: BenchPoint, price: WordPrice, options: BenchOptions, context: BenchContext) {
    this.#point = point;
    this.#price = price;
    this.#options = options;
    this.#context = context;
    const { clock, stop } = context;
    this.#client = new CompletionClient({ ...options, connections: point.concurrency, clock, stop });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async measure(seed: number): Promise<Measurement> {
    const { name, concurrency, requests, rate, facts } = this.#point;
    const { endpoint, model, api } = this.#options;
    const date = dateOf(this.#context.clock.wallMs());
    const { samples, startMs, endMs } = await this.run(requests, seed, 'measured');
    const plan: PointPlan = { name, concurrency, requests, rate, facts, model, endpoint, api, seed };
    return resultOf(plan, samples, startMs, endMs, date);
  }

  async run(requests: number, seed: number, what: string): Promise<{ samples: Sample[]; startMs: number; endMs: number }> {
    const { clock, stop, say } = this.#context;
    const { name, concurrency, rate, arrivalsMs, draw } = this.#point;
    const progress = new ProgressLines(`${name}, ${what}`, requests, clock, say);
    const samples: Sample[] = [];
    const request = draw(this.#price, createRng(seed));
    const send = async (index: number): Promise<void> => {
      const sample = await this.#client.complete(request(index));
      samples[index] = sample;
      progress.add(sample);
    };
    const startMs = clock.nowMs();
    try {
      if (arrivalsMs !== null) await runTimedLoop({ arrivalsMs, clock, stop }, send);
      else await runClosedLoop({ requests, concurrency: concurrency ?? requests, rate, clock, rng: createRng(seed + 1), stop }, send);
    } finally {
      progress.stop();
    }
    return { samples: samples.filter((sample) => sample !== undefined), startMs, endMs: clock.nowMs() };
  }
}

/** `20261121-131500`. */
function dateOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}
