/** `srtctl bench`: a benchmark against any endpoint. The benchmark stage of a run is this command as a process. */
import path from 'node:path';
import { Command } from 'commander';
import { createRng } from '../../base/runtime/rng.ts';
import { gatherProvenance } from '../bench/provenance.ts';
import { repeated } from '../bench/repeats.ts';
import { ResultFiles, type ResultGpus } from '../bench/result-files.ts';
import { type BenchContext, type BenchOptions, runWorkload } from '../bench/run-workload.ts';
import { Stop } from '../bench/stop.ts';
import { summaryTable } from '../bench/summary-table.ts';
import { WorkerCalls } from '../bench/worker-calls.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import { addBenchOptions, type BenchFlags } from './bench-flags.ts';
import { workloadOf } from './bench-workload.ts';
import type { CommandContext } from './command-context.ts';

const EXAMPLES = `
Examples:
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --isl 1024 --osl 128 --concurrencies 16x32
      16 requests at a time, then 32; results go to ./sa-bench_isl_1024_osl_128/
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --isl 1024 --osl 128 --concurrencies 8 --num-warmup-mult 0
      without a warm-up
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --isl 8000 --osl 100 --concurrencies 20 --prefix-ratios 0.1,0.9
      200 requests whose prompts have a tenth in common, then 200 with nine tenths
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --trace conversation_trace.jsonl
      requests at the times of a trace; results go to ./trace_conversation_trace/

Ends with 0 when every request of every point succeeded, with 6 when one failed or no token came, with 130 when it was ended early;
what had completed by then is in the result files, marked "partial". SRTCTL_API_KEY in the environment is sent as the key of requests.`;

/** For the provenance of results: what was typed, and the version of the program. */
interface Invocation {
  readonly argv: readonly string[];
  readonly version: string;
}

/** `finish` is called with the exit code. */
export function benchCommand({ argv, version }: Invocation, context: CommandContext, finish: (code: number) => void): Command {
  const command = new Command('bench').description(
    'measure an endpoint: streaming completions at each concurrency, or at the times of a trace',
  );
  return addBenchOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => finish(await bench(flags, { argv, version }, context)));
}

async function bench(flags: BenchFlags, { argv, version }: Invocation, context: CommandContext): Promise<number> {
  const once = await workloadOf(flags, context.workingDirectory);
  if (typeof once === 'string') {
    context.err(`error: ${once}\n`);
    return EXIT_CODES.recipe;
  }
  const workload = repeated(once, flags.repeats);
  const stop = new Stop();
  let isLate = false;
  const giveBack = context.onSignal((signal) => {
    context.out(`${signal}: ending; what has completed is kept\n`);
    stop.stop();
  });
  const deadline = context.clock.after(flags.deadlineSecs * 1000, () => {
    isLate = true;
    stop.stop();
  });
  const directory = path.resolve(context.workingDirectory, flags.outputDir, workload.directoryName);
  const files = new ResultFiles(directory, workload.type, gpusOf(flags));
  const unwritten: string[] = [];
  try {
    const provenance = await gatherProvenance({
      ...flags,
      version,
      packageDirectory: context.packageDirectory,
      flags: argv,
      apiKey: keyOf(context),
      planFile: flags.planFile ?? null,
    });
    const routerMetrics = flags.routerMetrics ?? [];
    const outcome = await runWorkload(workload, optionsOf(flags, context), {
      ...reporting(flags, files, unwritten, context),
      stop,
      routerMetrics,
      provenance,
    });
    const failures = [...outcome.failures];
    if (outcome.results.length > 0) context.out(`\n${summaryTable(outcome.results)}\nresults: ${files.directory}\n`);
    // Those of points stand under the table.
    const told = new Set(outcome.results.flatMap(({ failures: one, warnings }) => [...one, ...warnings]));
    for (const warning of outcome.warnings.filter((one) => !told.has(one))) context.out(`warning: ${warning}\n`);
    const [first] = unwritten;
    if (first !== undefined) failures.push(`results cannot be written to ${files.directory}: ${first}`);
    for (const failure of failures.filter((one) => !told.has(one))) context.out(`failed: ${failure}\n`);
    if (isLate) context.out(`failed: not done within ${flags.deadlineSecs} s (--deadline-secs)\n`);
    if (failures.length > 0 || isLate) return EXIT_CODES.benchmark;
    return stop.isStopped ? EXIT_CODES.cancelled : EXIT_CODES.ok;
  } finally {
    deadline.cancel();
    giveBack();
  }
}

function reporting(
  flags: BenchFlags,
  files: ResultFiles,
  unwritten: string[],
  context: CommandContext,
): Omit<BenchContext, 'stop' | 'routerMetrics' | 'provenance'> {
  const { clock } = context;
  const startMs = clock.nowMs();
  const say = (line: string): void => context.out(`[${((clock.nowMs() - startMs) / 1000).toFixed(1).padStart(6)}s] ${line}\n`);
  return {
    clock,
    say,
    // What cannot be written is still shown, and fails the benchmark.
    keep: (result) => files.keep(result).catch((error: Error) => void unwritten.push(error.message)),
    workers: new WorkerCalls({ recordings: flags.record, slowDown: flags.slowDown ?? null, apiKey: keyOf(context), clock, say }),
  };
}

function optionsOf(flags: BenchFlags, context: CommandContext): BenchOptions {
  return {
    endpoint: flags.endpoint.replace(/\/+$/, ''),
    model: flags.model,
    api: flags.api,
    seed: flags.seed ?? createRng().nextUint32(),
    idleMs: flags.idleTimeoutSecs * 1000,
    apiKey: keyOf(context),
  };
}

function keyOf({ env }: CommandContext): string | null {
  return env['SRTCTL_API_KEY'] ?? null;
}

function gpusOf({ totalGpus, prefillGpus, decodeGpus }: BenchFlags): ResultGpus {
  if (prefillGpus === undefined && decodeGpus === undefined) return { total: totalGpus, split: null };
  return { total: totalGpus, split: { prefill: prefillGpus ?? 0, decode: decodeGpus ?? 0 } };
}
