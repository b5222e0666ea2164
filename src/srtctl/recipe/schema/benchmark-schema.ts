/** Keys of `benchmark` and `profiling`. */
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { block, count, either, environment, flags, list, number, oneOf, text, texts, yesNo } from './fields.ts';

/** Benchmarks that measure answers, by the tools that score them. */
export const ACCURACY_TYPES = ['gsm8k', 'gpqa', 'mmlu', 'longbenchv2', 'aime', 'lm-eval'] as const;
/** Benchmarks that replay a trace in the Mooncake format. */
export const TRACE_TYPES = ['trace-replay', 'mooncake-router'] as const;
export const BENCHMARK_TYPES = ['manual', 'sa-bench', 'custom', 'sglang-bench', 'router', ...TRACE_TYPES, ...ACCURACY_TYPES] as const;

const REQUEST_RATE = 'inf or a number of requests per second above 0';
const CONCURRENCIES = 'concurrencies such as "16x32" (16, then 32), 16 or [16, 32]';

export const BENCHMARK = block('What runs when everything is ready', {
  type: oneOf(BENCHMARK_TYPES, {
    describe:
      'manual: nothing, the fleet stays up until it is cancelled; sa-bench: a closed loop of streaming completions; sglang-bench: ' +
      '`sglang.bench_serving` of the container; router: prompts with shared prefixes; trace-replay, mooncake-router: a trace in the Mooncake ' +
      'format; gsm8k, gpqa, mmlu, longbenchv2, aime, lm-eval: answers are scored; custom: a command',
    standard: 'manual',
  }),
  isl: count(1, { describe: 'sa-bench, sglang-bench, router: tokens of a prompt' }, 10_000_000),
  osl: count(1, { describe: 'sa-bench, sglang-bench, router: tokens of an answer' }, 10_000_000),
  concurrencies: either([z.string(), z.int(), z.array(z.union([z.int(), z.string()]))], CONCURRENCIES, {
    describe:
      'sa-bench, sglang-bench, trace-replay: requests in flight, point after point: "16x32" is 16, then 32; a number or a list will do. ' +
      'trace-replay without it: requests start at the times of the trace',
  }),
  req_rate: either(
    [z.literal('inf'), z.literal(Number.POSITIVE_INFINITY), z.number().positive({ error: REQUEST_RATE })],
    REQUEST_RATE,
    { describe: 'sa-bench, sglang-bench: requests that start in a second', standard: 'inf' },
    'number',
  ),
  random_range_ratio: number(0, 1, {
    describe: 'sa-bench: lengths are uniform between this share of isl and osl and all of it',
    standard: DEFAULTS.rangeRatio,
  }),
  num_prompts_mult: count(1, {
    describe: 'sa-bench: measured requests of a point = this x concurrency',
    standard: DEFAULTS.promptsMultiplier,
  }),
  num_warmup_mult: count(0, {
    describe: 'sa-bench: warm-up requests of a point = this x concurrency',
    standard: DEFAULTS.warmupMultiplier,
  }),
  repeats: count(1, { describe: 'sa-bench: how often each point is measured; results tell the spread', standard: 1 }, 1000),
  burstiness: number(
    0,
    1000,
    { describe: 'sa-bench with req_rate: 1 is a Poisson process, less makes bursts, more evens arrivals out', standard: 1 },
    true,
  ),
  use_chat_template: yesNo({
    describe: 'sa-bench: send prompts as chat messages, so that the engine applies its chat template',
    standard: false,
  }),
  dataset_name: oneOf(['random', 'custom'], {
    describe: 'sa-bench: random words, or the prompts of dataset_path',
    standard: 'random',
  }),
  dataset_path: text({
    describe:
      'sa-bench with dataset_name custom: a JSONL file on the host, one prompt a line; lm-eval, gsm8k: data of the tool, if not its own',
  }),
  trace_file: text({ describe: 'trace-replay: a file on the host in the Mooncake format, one request a line' }),
  mooncake_workload: text({
    describe: 'mooncake-router: the trace of this name (conversation, synthetic, toolagent), or a file on the host',
    standard: 'conversation',
  }),
  ttft_threshold_ms: count(1, { describe: 'Traces: a good request has its first token within this time', standard: 2000 }, 86_400_000),
  itl_threshold_ms: count(1, { describe: 'Traces: a good request has this time between tokens at most', standard: 25 }, 86_400_000),
  aiperf_package: text({ describe: 'Traces: replay with aiperf, installed as pip takes it, instead of the client of this package' }),
  aiperf_args: flags('Traces with aiperf: more of its flags'),
  num_examples: count(1, { describe: 'Scored benchmarks: examples', whenUnset: "the benchmark's own number" }, 10_000_000),
  max_tokens: count(1, { describe: 'Scored benchmarks: tokens of an answer at most', whenUnset: "the benchmark's own number" }, 10_000_000),
  repeat: count(1, { describe: 'gpqa, aime: how often all examples are asked', whenUnset: "the benchmark's own number" }, 10_000),
  num_threads: count(1, { describe: 'Scored benchmarks: requests in flight', whenUnset: "the benchmark's own number" }, 100_000),
  max_context_length: count(1, { describe: 'longbenchv2: tokens of a prompt at most', standard: 128_000 }, 100_000_000),
  categories: texts('longbenchv2: categories of tasks; all if it is empty', 'text'),
  num_shots: count(0, { describe: 'gsm8k: examples in front of the question', standard: 5 }, 1000),
  temperature: number(0, 100, { describe: 'Scored benchmarks: temperature of sampling', whenUnset: "the tool's" }),
  top_p: number(0, 1, { describe: 'gsm8k: nucleus of sampling', whenUnset: "the engine's" }),
  top_k: either([z.int()], 'a whole number', { describe: 'gsm8k: candidates of sampling', whenUnset: "the engine's" }, 'number'),
  num_requests: count(1, { describe: 'router: requests of a point', standard: 200 }, 10_000_000),
  concurrency: count(1, { describe: 'router: requests in flight', standard: 20 }, 1_000_000),
  prefix_ratios: either(
    [z.string(), z.number(), z.array(z.union([z.number(), z.string()]))],
    'shares from 0 to 1, a list or text such as "0.1 0.5"',
    { describe: 'router: shares of the prompt that requests have in common, one point each', whenUnset: '0.1, 0.3, 0.5, 0.7, 0.9' },
  ),
  slow_down_sleep_time: number(
    0,
    3600,
    { describe: 'sa-bench in router mode: seconds that decode workers sleep at each step at first' },
    true,
  ),
  slow_down_wait_time: number(0, 86_400, { describe: 'sa-bench: after so many seconds decode workers run at full speed again' }, true),
  command: text({ describe: 'custom: evaluated by `bash -lc`' }),
  container_image: text({
    describe: 'custom, scored benchmarks: image, or an alias of the cluster file',
    whenUnset: "the model's container",
  }),
  client_placement: oneOf(['head', 'last_decode'], {
    describe: 'Node of the client: head (node 0), or last_decode (the first node of the last decode worker)',
    standard: 'head',
  }),
  client_dedicated_node: yesNo({ describe: 'The client has a node to itself, beyond those of the workers', standard: false }),
  env: environment('Environment of the benchmark'),
});

const phase = (role: string): ReturnType<typeof block> =>
  block(`Steps of the ${role} workers`, {
    start_step: count(0, { describe: 'First step of the engine that is recorded', standard: DEFAULTS.profiledSteps[0] }, 1_000_000_000),
    stop_step: count(1, { describe: 'Step at which the recording ends', standard: DEFAULTS.profiledSteps[1] }, 1_000_000_000),
  });

export const PROFILING = block('Profiles of the engines', {
  type: oneOf(['none', 'torch', 'nsys', 'nsys-time'], {
    describe: 'torch: the profiler of PyTorch; nsys: Nsight Systems around every worker; nsys-time: the same for a span of time',
    standard: 'none',
  }),
  prefill: phase('prefill'),
  decode: phase('decode'),
  aggregated: phase('aggregated'),
  delay_secs: count(0, { describe: 'nsys-time: seconds from the start of a worker to that of its recording' }, 1_000_000),
  duration_secs: count(1, { describe: 'nsys-time: seconds that are recorded' }, 1_000_000),
  benchmark_duration_secs: count(1, { describe: 'Seconds of traffic while profiling without a benchmark', standard: 300 }, 1_000_000),
  isl: count(1, { describe: 'Tokens of a prompt of that traffic', standard: 1024 }, 10_000_000),
  osl: count(1, { describe: 'Tokens of an answer of that traffic', standard: 128 }, 10_000_000),
  concurrency: count(1, { describe: 'Requests in flight of that traffic', standard: 16 }, 1_000_000),
  start_step: count(0, { describe: 'start_step of every role' }, 1_000_000_000),
  stop_step: count(1, { describe: 'stop_step of every role' }, 1_000_000_000),
  nsys_trace: text({ describe: 'What nsys records', standard: DEFAULTS.nsysTrace }),
  capture_range_end: oneOf(['stop', 'stop-shutdown', 'repeat', 'repeat-shutdown', 'none'], {
    describe: 'nsys: what happens at the end of the steps',
    standard: 'stop',
  }),
  trace_fork_before_exec: yesNo({ describe: 'nsys: trace children between fork and exec', whenUnset: "nsys's own" }),
  extra_nsys_args: list('More words for nsys profile', 'text'),
});
