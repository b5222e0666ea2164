/** `srtctl bench`: sa-bench against any endpoint. The benchmark stage of a run is this command as a process. */
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { createRng } from '../../base/runtime/rng.ts';
import { ResultFiles, type ResultGpus } from '../bench/result-files.ts';
import { runSaBench, type SaBenchOptions } from '../bench/sa-bench.ts';
import { Stop } from '../bench/stop.ts';
import { summaryTable } from '../bench/summary-table.ts';
import { EXIT_CODES } from '../supervise/run-directory.ts';
import type { CommandContext } from './command-context.ts';

interface BenchFlags {
  readonly endpoint: string;
  readonly model: string;
  readonly isl: number;
  readonly osl: number;
  readonly concurrencies: readonly number[];
  readonly reqRate: number | 'inf';
  readonly randomRangeRatio: number;
  readonly numPromptsMult: number;
  readonly numWarmupMult: number;
  readonly outputDir: string;
  readonly totalGpus: number;
  readonly prefillGpus?: number;
  readonly decodeGpus?: number;
  readonly seed?: number;
  readonly idleTimeoutSecs: number;
  readonly deadlineSecs: number;
}

const EXAMPLES = `
Examples:
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --isl 1024 --osl 128 --concurrencies 16x32
      16 requests at a time, then 32; results go to ./sa-bench_isl_1024_osl_128/
  srtctl bench --endpoint http://127.0.0.1:8000 --model my-model --isl 1024 --osl 128 --concurrencies 8 --num-warmup-mult 0
      without a warm-up

Ends with 0 when every request of every point succeeded, with 6 when one failed or no token came, with 130 when it was ended early;
what had completed by then is in the result files, marked "partial". SRTCTL_API_KEY in the environment is sent as the key of requests.`;

/** `finish` is told the exit code. */
export function benchCommand(context: CommandContext, finish: (code: number) => void): Command {
  return new Command('bench')
    .description('measure an endpoint: closed loop of streaming completions at each concurrency (sa-bench)')
    .requiredOption('--endpoint <url>', 'where requests go, such as http://127.0.0.1:8000', httpUrl)
    .requiredOption('--model <name>', 'name of the model in requests')
    .requiredOption('--isl <tokens>', 'tokens of a prompt, at most', wholeNumber(1))
    .requiredOption('--osl <tokens>', 'tokens of an answer, at most', wholeNumber(1))
    .requiredOption('--concurrencies <list>', 'requests at a time, one point each: 16x32 is 16, then 32', concurrencies)
    .option('--req-rate <rate>', 'requests in a second, or inf: as fast as the concurrency allows', rate, 'inf')
    .option('--random-range-ratio <ratio>', 'lengths lie between this share and all of isl and osl', share, 0.8)
    .option('--num-prompts-mult <n>', 'measured requests of a point: so many times its concurrency', positive, 10)
    .option('--num-warmup-mult <n>', 'requests before them, not measured; 0: none', notNegative, 2)
    .option('--output-dir <dir>', 'where the folder with results goes', '.')
    .option('--total-gpus <n>', 'GPUs of the deployment, for the names of result files', wholeNumber(0), 0)
    .option('--prefill-gpus <n>', 'those of prefill workers', wholeNumber(0))
    .option('--decode-gpus <n>', 'those of decode workers', wholeNumber(0))
    .option('--seed <n>', 'same seed, same prompts (default: another one each time)', wholeNumber(0))
    .option('--idle-timeout-secs <s>', 'a request fails when nothing comes for so long', positive, 1800)
    .option('--deadline-secs <s>', 'the benchmark fails when it takes longer', positive, 86_400)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => finish(await bench(flags, context)));
}

async function bench(flags: BenchFlags, context: CommandContext): Promise<number> {
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
  const files = new ResultFiles(path.resolve(context.workingDirectory, flags.outputDir), flags.isl, flags.osl, gpusOf(flags));
  const startMs = context.clock.nowMs();
  const unwritten: string[] = [];
  try {
    const {
      results,
      failures: found,
      warnings,
    } = await runSaBench(optionsOf(flags, context), {
      clock: context.clock,
      say: (line) => context.out(`[${((context.clock.nowMs() - startMs) / 1000).toFixed(1).padStart(6)}s] ${line}\n`),
      // What cannot be written is still shown below, and fails the benchmark.
      keep: (result) => files.keep(result).catch((error: Error) => void unwritten.push(error.message)),
      stop,
    });
    const failures = [...found];
    if (results.length > 0) context.out(`\n${summaryTable(results)}\nresults: ${files.directory}\n`);
    for (const warning of warnings) context.out(`warning: ${warning}\n`);
    const [first] = unwritten;
    if (first !== undefined) failures.push(`results cannot be written to ${files.directory}: ${first}`);
    for (const failure of failures) context.out(`failed: ${failure}\n`);
    if (isLate) context.out(`failed: not done within ${flags.deadlineSecs} s (--deadline-secs)\n`);
    if (failures.length > 0 || isLate) return EXIT_CODES.benchmark;
    return stop.isStopped ? EXIT_CODES.cancelled : EXIT_CODES.ok;
  } finally {
    deadline.cancel();
    giveBack();
  }
}

function optionsOf(flags: BenchFlags, context: CommandContext): SaBenchOptions {
  return {
    endpoint: flags.endpoint.replace(/\/+$/, ''),
    model: flags.model,
    inputTokens: flags.isl,
    outputTokens: flags.osl,
    concurrencies: flags.concurrencies,
    requestRate: flags.reqRate === 'inf' ? null : flags.reqRate,
    rangeRatio: flags.randomRangeRatio,
    promptsMultiplier: flags.numPromptsMult,
    warmupMultiplier: flags.numWarmupMult,
    seed: flags.seed ?? createRng().nextUint32(),
    idleMs: flags.idleTimeoutSecs * 1000,
    apiKey: context.env['SRTCTL_API_KEY'] ?? null,
  };
}

function gpusOf({ totalGpus, prefillGpus, decodeGpus }: BenchFlags): ResultGpus {
  if (prefillGpus === undefined && decodeGpus === undefined) return { total: totalGpus, split: null };
  return { total: totalGpus, split: { prefill: prefillGpus ?? 0, decode: decodeGpus ?? 0 } };
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('expected a URL such as http://127.0.0.1:8000.');
  return text;
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least)) throw new InvalidArgumentError(`expected a whole number from ${least}.`);
    return value;
  };
}

function concurrencies(text: string): readonly number[] {
  const parts = text.split('x');
  if (!parts.every((part) => /^[1-9]\d{0,6}$/.test(part))) throw new InvalidArgumentError('expected numbers from 1 with x between: 16x32.');
  return parts.map(Number);
}

/** Not null for inf: commander takes null for no value. */
function rate(text: string): number | 'inf' {
  return text === 'inf' ? text : positive(text);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number above 0.');
  return value;
}

function notNegative(text: string): number {
  return text === '0' ? 0 : positive(text);
}

function share(text: string): number {
  const value = positive(text);
  if (value > 1) throw new InvalidArgumentError('expected a number above 0 and up to 1.');
  return value;
}
