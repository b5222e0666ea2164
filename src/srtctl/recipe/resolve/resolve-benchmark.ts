/** The benchmark block: complete for its type, or a problem. */
import type { ACCURACY_TYPES, TRACE_TYPES } from '../schema/benchmark-schema.ts';
import { DEFAULTS } from '../schema/defaults.ts';
import type { RecipeInput } from '../schema/recipe-schema.ts';
import { type Findings, shown } from '../text/findings.ts';
import type { Tree } from '../text/tree.ts';
import { parseConcurrencies } from './concurrencies.ts';
import { readEnvironment, readFlags } from './free-maps.ts';
import type { Benchmark, ClientPlacement, Environment, ScoredBenchmark, TraceBenchmark } from './recipe.ts';

type BenchmarkInput = NonNullable<RecipeInput['benchmark']>;
type BenchmarkType = Benchmark['type'];
type Key = keyof BenchmarkInput;

const SCORED: readonly Key[] = ['num_examples', 'max_tokens', 'num_threads', 'temperature', 'container_image'];
const TRACE: readonly Key[] = [
  'concurrencies',
  'ttft_threshold_ms',
  'itl_threshold_ms',
  'aiperf_package',
  'aiperf_args',
  'container_image',
];

/** Keys that mean something for a type, besides `type`, `env` and where the client runs. */
const USED: Readonly<Record<BenchmarkType, readonly Key[]>> = {
  manual: [],
  'sa-bench': [
    ...(['isl', 'osl', 'concurrencies', 'req_rate', 'random_range_ratio', 'num_prompts_mult', 'num_warmup_mult'] as const),
    ...(['repeats', 'burstiness'] as const),
    ...(['use_chat_template', 'dataset_name', 'dataset_path', 'slow_down_sleep_time', 'slow_down_wait_time'] as const),
  ],
  'sglang-bench': ['isl', 'osl', 'concurrencies', 'req_rate', 'container_image'],
  router: ['isl', 'osl', 'num_requests', 'concurrency', 'prefix_ratios'],
  'trace-replay': [...TRACE, 'trace_file'],
  'mooncake-router': [...TRACE, 'mooncake_workload'],
  gsm8k: [...SCORED, 'num_shots', 'top_p', 'top_k', 'dataset_path'],
  gpqa: [...SCORED, 'repeat'],
  mmlu: [...SCORED, 'repeat'],
  aime: [...SCORED, 'repeat'],
  longbenchv2: [...SCORED, 'max_context_length', 'categories'],
  'lm-eval': [...SCORED, 'num_shots', 'dataset_path'],
  custom: ['command', 'container_image'],
};
const ALWAYS: ReadonlySet<string> = new Set(['type', 'env', 'client_placement', 'client_dedicated_node']);

const NEEDED: Readonly<Partial<Record<BenchmarkType, readonly Key[]>>> = {
  'sa-bench': ['isl', 'osl', 'concurrencies'],
  'sglang-bench': ['isl', 'osl', 'concurrencies'],
  'trace-replay': ['trace_file'],
  custom: ['command'],
};

const ROUTER_DEFAULTS = { isl: 14_000, osl: 200, requests: 200, concurrency: 20, ratios: [0.1, 0.3, 0.5, 0.7, 0.9] } as const;
/** `top_k`, `aiperf_args`: where the recipe names a client that this package does not bring. */
const AIPERF = 'aiperf';

/** @param alias explains names of images by the cluster file. */
export function resolveBenchmark(input: RecipeInput, tree: Tree, alias: (name: string) => string, findings: Findings): Benchmark {
  const given = input.benchmark ?? {};
  const type = given.type ?? 'manual';
  // A wrong type has been reported, and without it nobody knows which keys belong to it.
  const isTypeWrong = given.type === undefined && findings.isWritten(['benchmark', 'type']);
  if (!isTypeWrong) {
    warnUnused(type, given, findings);
    for (const key of NEEDED[type] ?? []) {
      if (!findings.isWritten(['benchmark', key])) findings.problem(['benchmark'], `${key} is missing, which ${type} needs`);
    }
  }
  const concurrencies = readConcurrencies(given, findings);
  const environment = readEnvironment(tree, ['benchmark', 'env'], findings);
  const container = given.container_image === undefined ? null : alias(given.container_image);
  const sizes = { inputTokens: Number(given.isl ?? 1), outputTokens: Number(given.osl ?? 1), concurrencies, requestRate: rateOf(given) };
  switch (type) {
    case 'manual':
      return { type };
    case 'custom':
      return { type, command: given.command ?? '', container, environment };
    case 'sglang-bench':
      return { type, ...sizes, container, environment };
    case 'sa-bench':
      return { type, ...sizes, ...saBenchParts(given, findings), environment };
    case 'router':
      return {
        type,
        inputTokens: Number(given.isl ?? ROUTER_DEFAULTS.isl),
        outputTokens: Number(given.osl ?? ROUTER_DEFAULTS.osl),
        requests: Number(given.num_requests ?? ROUTER_DEFAULTS.requests),
        concurrency: Number(given.concurrency ?? ROUTER_DEFAULTS.concurrency),
        prefixRatios: prefixRatios(given, findings),
        environment,
      };
    case 'trace-replay':
    case 'mooncake-router':
      return traceBenchmark(type, given, tree, { concurrencies, container, environment }, findings);
    default:
      return scoredBenchmark(type, given, container, environment);
  }
}

/** Where its client runs; `manual` has none. */
export function resolveClientPlacement(input: RecipeInput): ClientPlacement {
  const { client_dedicated_node: own = false, client_placement: place = 'head', type = 'manual' } = input.benchmark ?? {};
  if (type === 'manual') return 'head';
  if (own) return 'own';
  return place === 'last_decode' ? 'last-decode' : 'head';
}

function saBenchParts(
  given: BenchmarkInput,
  findings: Findings,
): Pick<
  Benchmark & { type: 'sa-bench' },
  'rangeRatio' | 'promptsMultiplier' | 'warmupMultiplier' | 'repeats' | 'burstiness' | 'asChat' | 'dataset' | 'slowDown'
> {
  const isCustom = given.dataset_name === 'custom';
  if (isCustom && given.dataset_path === undefined)
    findings.problem(['benchmark', 'dataset_name'], 'custom needs dataset_path', 'give the JSONL file with the prompts');
  if (!isCustom && given.dataset_path !== undefined)
    findings.warn(['benchmark', 'dataset_path'], 'has no effect without dataset_name: custom');
  const sleepSeconds = given.slow_down_sleep_time;
  const waitSeconds = given.slow_down_wait_time;
  return {
    rangeRatio: given.random_range_ratio ?? DEFAULTS.rangeRatio,
    promptsMultiplier: Number(given.num_prompts_mult ?? DEFAULTS.promptsMultiplier),
    warmupMultiplier: Number(given.num_warmup_mult ?? DEFAULTS.warmupMultiplier),
    repeats: Number(given.repeats ?? 1),
    burstiness: given.burstiness ?? 1,
    asChat: given.use_chat_template ?? false,
    dataset: isCustom ? (given.dataset_path ?? null) : null,
    slowDown: sleepSeconds === undefined || waitSeconds === undefined ? null : { sleepSeconds, waitSeconds },
  };
}

function rateOf({ req_rate: rate }: BenchmarkInput): number | null {
  return rate === undefined || rate === 'inf' || rate === Number.POSITIVE_INFINITY ? null : rate;
}

function traceBenchmark(
  type: (typeof TRACE_TYPES)[number],
  given: BenchmarkInput,
  tree: Tree,
  parts: Pick<TraceBenchmark, 'concurrencies' | 'container' | 'environment'>,
  findings: Findings,
): TraceBenchmark {
  const args = readFlags(tree, ['benchmark', 'aiperf_args'], findings);
  const wantsAiperf = given.aiperf_package !== undefined || Object.keys(args).length > 0;
  return {
    type,
    trace: (type === 'trace-replay' ? given.trace_file : given.mooncake_workload) ?? 'conversation',
    goodTtftMs: Number(given.ttft_threshold_ms ?? 2000),
    goodItlMs: Number(given.itl_threshold_ms ?? 25),
    aiperf: wantsAiperf ? { package: given.aiperf_package ?? AIPERF, args } : null,
    ...parts,
  };
}

function scoredBenchmark(
  type: (typeof ACCURACY_TYPES)[number],
  given: BenchmarkInput,
  container: string | null,
  environment: Environment,
): ScoredBenchmark {
  const number = (value: number | string | undefined): number | null => (value === undefined ? null : Number(value));
  return {
    type,
    examples: number(given.num_examples),
    maxTokens: number(given.max_tokens),
    repeat: number(given.repeat),
    threads: number(given.num_threads),
    maxContextTokens: type === 'longbenchv2' ? Number(given.max_context_length ?? 128_000) : null,
    categories: type === 'longbenchv2' ? (given.categories ?? []) : [],
    shots: number(given.num_shots),
    temperature: given.temperature ?? null,
    topP: given.top_p ?? null,
    topK: given.top_k ?? null,
    data: given.dataset_path ?? null,
    container,
    environment,
  };
}

function readConcurrencies(given: BenchmarkInput, findings: Findings): readonly number[] {
  if (given.concurrencies === undefined) return [];
  const parsed = parseConcurrencies(given.concurrencies, given.type === 'trace-replay' ? ',' : 'x');
  if (!parsed.ok) {
    findings.problem(['benchmark', 'concurrencies'], parsed.message, parsed.suggestion);
    return [];
  }
  if (parsed.repeated.length > 0)
    findings.warn(
      ['benchmark', 'concurrencies'],
      `${parsed.repeated.join(', ')} appears more than once: each runs, and each result is kept`,
    );
  return parsed.values;
}

function prefixRatios(given: BenchmarkInput, findings: Findings): readonly number[] {
  const { prefix_ratios: ratios } = given;
  if (ratios === undefined) return ROUTER_DEFAULTS.ratios;
  const listed: readonly (string | number)[] = Array.isArray(ratios) ? ratios : [ratios];
  const parts = listed.flatMap((part): (string | number)[] => (typeof part === 'string' ? part.trim().split(/[\s,]+/) : [part]));
  const values = parts.map(Number);
  const wrong = parts.find((_, at) => !(values[at]! >= 0 && values[at]! <= 1));
  if (wrong === undefined && values.length > 0) return values;
  findings.problem(['benchmark', 'prefix_ratios'], `got ${shown(wrong ?? ratios)}, expected shares from 0 to 1`, 'for example [0.1, 0.5]');
  return ROUTER_DEFAULTS.ratios;
}

function warnUnused(type: BenchmarkType, given: BenchmarkInput, findings: Findings): void {
  const used: ReadonlySet<string> = new Set([...ALWAYS, ...USED[type]]);
  for (const key of Object.keys(given)) {
    if (type === 'manual' ? key === 'type' : used.has(key)) continue;
    findings.warn(['benchmark', key], `has no effect: the type is ${type}`, type === 'manual' ? 'set benchmark.type' : null);
  }
}
