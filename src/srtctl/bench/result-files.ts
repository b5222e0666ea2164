/** Where results go: a JSON file for each concurrency, the roll-up of all, and a table for people. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PointResult } from './point-result.ts';
import { spreads } from './repeats.ts';
import { resultCsv } from './result-csv.ts';
import { summaryTable, verdictOf } from './summary-table.ts';

/** GPUs by use, for the names of files. */
export interface ResultGpus {
  readonly total: number;
  /** Of prefill and decode workers; null where workers do both. */
  readonly split: { readonly prefill: number; readonly decode: number } | null;
}

/**
 * `results_concurrency_16_gpus_16_ctx_8_gen_8.json`, without ctx and gen for workers that do both; `_run_2` for a point that has been measured
 * once.
 */
export function resultFileName(result: Pick<PointResult, 'max_concurrency' | 'prefix_ratio'>, gpus: ResultGpus, run = 1): string {
  const split = gpus.split === null ? '' : `_ctx_${gpus.split.prefill}_gen_${gpus.split.decode}`;
  const load = result.max_concurrency === null ? 'timed' : `concurrency_${result.max_concurrency}`;
  const prefix = result.prefix_ratio === null ? '' : `prefix_${result.prefix_ratio}_`;
  return `results_${prefix}${load}_gpus_${gpus.total}${split}${run === 1 ? '' : `_run_${run}`}.json`;
}

export class ResultFiles {
  readonly directory: string;
  readonly #type: string;
  readonly #gpus: ResultGpus;
  readonly #results: PointResult[] = [];

  constructor(directory: string, type: string, gpus: ResultGpus) {
    this.directory = directory;
    this.#type = type;
    this.#gpus = gpus;
  }

  /** After every point all files are whole, so that a benchmark that ends early leaves what there is. */
  async keep(result: PointResult): Promise<void> {
    this.#results.push(result);
    await mkdir(this.directory, { recursive: true });
    await write(path.join(this.directory, resultFileName(result, this.#gpus, result.run)), `${JSON.stringify(result)}\n`);
    const rollup = rollupOf(this.#type, this.#results);
    await write(path.join(this.directory, 'benchmark-rollup.json'), `${JSON.stringify(rollup, null, 2)}\n`);
    await write(path.join(this.directory, 'results.csv'), resultCsv(this.#results));
    await write(path.join(this.directory, 'summary.txt'), summaryTable(this.#results));
  }
}

/** Atomic: a reader sees the old file or the new one. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

/** Shape of the reference's `benchmark-rollup.json`. */
function rollupOf(type: string, results: readonly PointResult[]): Record<string, unknown> {
  const first = results[0];
  return {
    benchmark_type: type,
    timestamp: first?.date ?? null,
    config: { model: first?.model_id ?? null, isl: first?.random_input_len ?? null, osl: first?.random_output_len ?? null },
    verdict: verdictOf(results),
    failures: results.flatMap(({ failures }) => failures),
    warnings: results.flatMap(({ warnings }) => warnings),
    marks: results.flatMap(({ marks }) => marks),
    provenance: first?.provenance ?? null,
    spread: spreads(results),
    runs: results.map((result) => ({
      verdict: result.verdict,
      concurrency: result.max_concurrency,
      ...(result.prefix_ratio === null ? {} : { prefix_ratio: result.prefix_ratio }),
      ...(result.request_goodput === null ? {} : { request_goodput: result.request_goodput }),
      throughput_toks: result.output_throughput,
      request_throughput: result.request_throughput,
      ttft_mean_ms: result.mean_ttft_ms,
      ttft_p99_ms: result.p99_ttft_ms,
      tpot_mean_ms: result.mean_tpot_ms,
      tpot_p99_ms: result.p99_tpot_ms,
      itl_mean_ms: result.mean_itl_ms,
      itl_p99_ms: result.p99_itl_ms,
      e2el_mean_ms: result.mean_e2el_ms,
      completed: result.completed,
      failed: result.failed,
      partial: result.partial,
      short_answers: result.short_answers,
      unstreamed_answers: result.unstreamed_answers,
      total_input_tokens: result.total_input_tokens,
      total_output_tokens: result.total_output_tokens,
    })),
  };
}
