/** The benchmark of a plan: what is measured, and the process that measures it. */
import { addressOf, commonMounts, environmentOf, modelMounts, modelPath, type PlanContext } from './context.ts';
import { findText } from './flag-words.ts';
import type { PlacedWorker } from './place-workers.ts';
import { type PlannedBenchmark, type PlannedGpus, type PlannedProcess, TIERS } from './plan.ts';
import type { WorkerAddress } from './plan-workers.ts';
import { plannedProcess } from './planned-process.ts';

/** Null: nothing is measured, and the fleet stays up until it is cancelled. */
export function describeBenchmark(context: PlanContext, endpoint: string, placed: readonly PlacedWorker[]): PlannedBenchmark | null {
  const { benchmark } = context.recipe;
  if (benchmark.type === 'manual') return null;
  // The bundled client runs on the host, where the model has its own path.
  const tokenizer = modelPath(benchmark.type === 'sa-bench' ? { ...context, container: null } : context, null);
  return { ...benchmark, endpoint, model: context.model, tokenizer, gpus: countGpus(placed) };
}

/** On node 0. `sa-bench` is a client of this package; `custom` is the recipe's command, read by bash. */
export function planBenchmark(context: PlanContext, benchmark: PlannedBenchmark, workers: readonly WorkerAddress[]): PlannedProcess {
  const isCustom = benchmark.type === 'custom';
  const container = isCustom && context.contained ? (benchmark.container ?? context.container) : null;
  return plannedProcess({
    id: 'benchmark',
    role: 'benchmark',
    on: 0,
    tier: TIERS.benchmark,
    argv: isCustom ? ['bash', '-lc', benchmark.command] : saBenchArgv(benchmark),
    env: {
      ...clientKey(context),
      ...(isCustom ? describedFleet(context, workers) : {}),
      ...environmentOf(context, 0, benchmark.environment),
    },
    container,
    mounts: container === null ? [] : [...modelMounts({ ...context, container }), ...commonMounts({ ...context, container })],
    ready: { kind: 'exit' },
  });
}

/** Every setting of it, so that the plan shows what is measured. Results go to `results` of the run. */
function saBenchArgv(benchmark: Exclude<PlannedBenchmark, { readonly type: 'custom' }>): string[] {
  const { gpus } = benchmark;
  const settings: readonly (readonly [flag: string, value: string | number])[] = [
    ['--endpoint', benchmark.endpoint],
    ['--model', benchmark.model],
    ['--isl', benchmark.inputTokens],
    ['--osl', benchmark.outputTokens],
    ['--concurrencies', benchmark.concurrencies.join('x')],
    ['--req-rate', benchmark.requestRate ?? 'inf'],
    ['--random-range-ratio', benchmark.rangeRatio],
    ['--num-prompts-mult', benchmark.promptsMultiplier],
    ['--num-warmup-mult', benchmark.warmupMultiplier],
    ['--output-dir', '<run>/results'],
    ['--total-gpus', gpus.total],
  ];
  const split = gpus.aggregated > 0 ? [] : ['--prefill-gpus', String(gpus.prefill), '--decode-gpus', String(gpus.decode)];
  return [
    '<node-binary>',
    '<package>/dist/bin/srtctl.js',
    'bench',
    ...settings.flatMap(([flag, value]) => [flag, String(value)]),
    ...split,
  ];
}

/** What clients of the fleet must bring: the key of its routers, which pass it on, or else of its workers. */
function clientKey({ recipe }: PlanContext): Record<string, string> {
  const keys = [recipe.frontend.args, ...recipe.workers.map(({ flags }) => flags)].map((flags) => findText(flags, 'api-key'));
  const key = keys.find((one) => one !== null) ?? null;
  return key === null ? {} : { SRTCTL_API_KEY: key };
}

/** Variables by which a command of the recipe finds the fleet. Lists are separated by commas. */
function describedFleet(context: PlanContext, workers: readonly WorkerAddress[]): Record<string, string> {
  const { frontend, mode } = context.recipe;
  const env: Record<string, string> = {
    SRT_FRONTEND_HOST: addressOf(0),
    SRT_FRONTEND_PORT: String(frontend.publicPort),
    SRTCTL_FRONTEND_TYPE: mode === 'router' ? 'sglang' : 'dynamo',
  };
  for (const [role, name] of [
    ['prefill', 'PREFILL'],
    ['decode', 'DECODE'],
    ['aggregated', 'AGG'],
  ] as const) {
    const own = workers.filter((worker) => worker.role === role);
    if (own.length === 0) continue;
    env[`SRT_${name}_IPS`] = own.map(({ node }) => addressOf(node)).join(',');
    env[`SRT_${name}_ENDPOINTS`] = own.map(({ node, port }) => `${addressOf(node)}:${port}`).join(',');
  }
  return env;
}

function countGpus(placed: readonly PlacedWorker[]): PlannedGpus {
  const gpus = { total: 0, prefill: 0, decode: 0, aggregated: 0 };
  for (const { role, ranks } of placed)
    for (const rank of ranks) {
      gpus[role] += rank.gpus.length;
      gpus.total += rank.gpus.length;
    }
  return gpus;
}
