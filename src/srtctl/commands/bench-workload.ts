/** From the command line of `srtctl bench` to what it sends. */
import { createRng } from '../../base/runtime/rng.ts';
import { datasetPrompts, readDataset } from '../bench/dataset.ts';
import { randomPrompts } from '../bench/random-prompts.ts';
import { nameOfSource, readSource } from '../bench/read-source.ts';
import { sharedPrefix } from '../bench/shared-prefix.ts';
import { readTrace, traceReplay } from '../bench/trace.ts';
import type { Workload } from '../bench/workload.ts';
import type { BenchFlags } from './bench-flags.ts';

/** A text says what is wrong with the command line or the file that it names. */
export async function workloadOf(flags: BenchFlags, directory: string): Promise<Workload | string> {
  const kinds = (['dataset', 'prefixRatios', 'trace'] as const).filter((kind) => flags[kind] !== undefined);
  if (kinds.length > 1) return '--dataset, --prefix-ratios and --trace exclude each other';
  if (flags.trace !== undefined) return traceWorkload(flags.trace, flags, directory);
  const { isl, osl } = flags;
  if (flags.concurrencies.length === 0) return missing('--concurrencies <list>');
  if (osl === undefined) return missing('--osl <tokens>');
  const loop = {
    concurrencies: flags.concurrencies,
    rate: flags.reqRate === 'inf' ? null : { perSecond: flags.reqRate, burstiness: flags.burstiness },
    promptsMultiplier: flags.numPromptsMult,
    warmupMultiplier: flags.numWarmupMult,
  };
  if (flags.dataset !== undefined) {
    const read = await readSource(flags.dataset, directory);
    const dataset = read.ok ? readDataset(read.text) : read;
    if (!dataset.ok) return describe(flags.dataset, dataset);
    return datasetPrompts(dataset.prompts, nameOfSource(flags.dataset), osl, loop);
  }
  if (isl === undefined) return missing('--isl <tokens>');
  const lengths = { inputTokens: isl, outputTokens: osl };
  if (flags.prefixRatios !== undefined)
    return sharedPrefix({ ...lengths, requests: flags.requests, concurrencies: flags.concurrencies, prefixRatios: flags.prefixRatios });
  return randomPrompts({ ...lengths, ...loop, rangeRatio: flags.randomRangeRatio });
}

async function traceWorkload(source: string, flags: BenchFlags, directory: string): Promise<Workload | string> {
  const read = await readSource(source, directory);
  const trace = read.ok ? readTrace(read.text) : read;
  if (!trace.ok) return describe(source, trace);
  const workload = traceReplay(trace.requests, {
    name: nameOfSource(source),
    concurrencies: flags.concurrencies,
    good: { ttftMs: flags.goodTtftMs, itlMs: flags.goodItlMs },
    blockRng: createRng,
  });
  return workload ?? `${source} has lines without a timestamp: give --concurrencies`;
}

function missing(option: string): string {
  return `required option '${option}' not specified`;
}

function describe(source: string, wrong: { readonly message: string; readonly line?: number }): string {
  return wrong.line === undefined ? wrong.message : `${source}, line ${wrong.line}: ${wrong.message}`;
}
