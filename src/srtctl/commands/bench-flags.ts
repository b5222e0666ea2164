/** The command line of `srtctl bench`. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Recording, SlowDown } from '../bench/worker-calls.ts';

export interface BenchFlags {
  readonly endpoint: string;
  readonly model: string;
  readonly api: 'completions' | 'chat';
  readonly isl?: number;
  readonly osl?: number;
  readonly concurrencies: readonly number[];
  readonly reqRate: number | 'inf';
  readonly randomRangeRatio: number;
  readonly numPromptsMult: number;
  readonly numWarmupMult: number;
  readonly dataset?: string;
  readonly prefixRatios?: readonly number[];
  readonly requests: number;
  readonly trace?: string;
  readonly goodTtftMs: number;
  readonly goodItlMs: number;
  readonly record: readonly Recording[];
  readonly slowDown?: SlowDown;
  readonly outputDir: string;
  readonly totalGpus: number;
  readonly prefillGpus?: number;
  readonly decodeGpus?: number;
  readonly seed?: number;
  readonly burstiness: number;
  readonly repeats: number;
  readonly planFile?: string;
  readonly routerMetrics?: readonly string[];
  readonly idleTimeoutSecs: number;
  readonly deadlineSecs: number;
}

export function addBenchOptions(command: Command): Command {
  return command
    .requiredOption('--endpoint <url>', 'where requests go, such as http://127.0.0.1:8000', httpUrl)
    .requiredOption('--model <name>', 'name of the model in requests')
    .option('--api <kind>', 'completions: prompts as they are; chat: as messages, with the chat template of the engine', api, 'completions')
    .option('--isl <tokens>', 'tokens of a prompt, at most (not with --trace and --dataset)', wholeNumber(1))
    .option('--osl <tokens>', 'tokens of an answer, at most (not with --trace)', wholeNumber(1))
    .option('--concurrencies <list>', 'requests at a time, one point each: 16x32 is 16, then 32', concurrencies, [])
    .option('--req-rate <rate>', 'requests in a second, or inf: as fast as the concurrency allows', rate, 'inf')
    .option('--burstiness <b>', 'with --req-rate: 1 is a Poisson process, less makes bursts, more evens arrivals out', positive, 1)
    .option('--random-range-ratio <ratio>', 'lengths lie between this share and all of isl and osl', share, 0.8)
    .option('--num-prompts-mult <n>', 'measured requests of a point: so many times its concurrency', positive, 10)
    .option('--num-warmup-mult <n>', 'requests before them, not measured; 0: none', notNegative, 2)
    .option('--dataset <file>', 'prompts of a JSONL file instead of random ones')
    .option('--prefix-ratios <list>', 'prompts with a common part: its share of the prompt, one point each, such as 0.1,0.5', shares)
    .option('--requests <n>', 'with --prefix-ratios: requests of a point', wholeNumber(1), 200)
    .option('--trace <file>', 'replay a trace in the Mooncake format, a file or a URL, at its times or with --concurrencies')
    .option('--good-ttft-ms <ms>', 'with --trace: a good request has its first token within this time', positive, 2000)
    .option('--good-itl-ms <ms>', 'with --trace: and this time for each further token at most', positive, 25)
    .option('--record <words>', 'KIND,URL,START,STEPS,DIR: a worker records a profile (torch or nsys); may be repeated', recording, [])
    .option('--slow-down <words>', 'SLEEP,WAIT,URL,...: workers sleep SLEEP s at each step for the first WAIT s of a point', slowDown)
    .option('--output-dir <dir>', 'where the folder with results goes', '.')
    .option('--total-gpus <n>', 'GPUs of the deployment, for the names of result files', wholeNumber(0), 0)
    .option('--prefill-gpus <n>', 'those of prefill workers', wholeNumber(0))
    .option('--decode-gpus <n>', 'those of decode workers', wholeNumber(0))
    .option('--repeats <n>', 'measure each point so many times, and tell the spread', wholeNumber(1), 1)
    .option('--plan-file <file>', 'plan of the run, whose hash goes into the results')
    .option('--router-metrics <urls>', 'pages of metrics of the routers, with commas between: figures by worker', urlList)
    .option('--seed <n>', 'same seed, same prompts (default: another one each time)', wholeNumber(0))
    .option('--idle-timeout-secs <s>', 'a request fails when nothing comes for so long', positive, 1800)
    .option('--deadline-secs <s>', 'the benchmark fails when it takes longer', positive, 86_400);
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('expected a URL such as http://127.0.0.1:8000.');
  return text;
}

function urlList(text: string): readonly string[] {
  return text.split(',').map(httpUrl);
}

function api(text: string): 'completions' | 'chat' {
  if (text !== 'completions' && text !== 'chat') throw new InvalidArgumentError('expected completions or chat.');
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

function shares(text: string): readonly number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every((value) => value >= 0 && value <= 1)) throw new InvalidArgumentError('expected numbers from 0 to 1, such as 0.1,0.5.');
  return values;
}

function recording(text: string, before: readonly Recording[]): readonly Recording[] {
  const [kind, url = '', start = '', steps = '', ...directory] = text.split(',');
  if ((kind !== 'torch' && kind !== 'nsys') || directory.length === 0)
    throw new InvalidArgumentError('expected KIND,URL,START,STEPS,DIR, such as torch,http://127.0.0.1:30000,0,50,/tmp/profiles.');
  const words = { url: httpUrl(url), startStep: wholeNumber(0)(start), steps: wholeNumber(1)(steps), directory: directory.join(',') };
  return [...before, { kind, ...words }];
}

function slowDown(text: string): SlowDown {
  const [sleep = '', wait = '', ...urls] = text.split(',');
  if (urls.length === 0) throw new InvalidArgumentError('expected SLEEP,WAIT,URL, such as 0.5,60,http://127.0.0.1:30000.');
  return { sleepSeconds: positive(sleep), waitSeconds: positive(wait), urls: urls.map(httpUrl) };
}
