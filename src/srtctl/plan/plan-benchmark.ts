/** The benchmark of a plan: what is measured, and the process that measures it. */
import { clientArgv } from './bench-argv.ts';
import { toolProcess } from './benchmark-tools.ts';
import { commonMounts, environmentOf, hostPath, modelMounts, modelPath, type PlanContext } from './context.ts';
import { findText } from './flag-words.ts';
import { addressOf, CLIENT_NODE, nodeName, urlOf } from './nodes.ts';
import type { PlacedWorker } from './placement.ts';
import { type ClientBenchmark, type PlannedBenchmark, type PlannedGpus, type PlannedProcess, TIERS } from './plan.ts';
import type { ProfiledWorker, WorkerAddress } from './plan-workers.ts';
import { plannedProcess } from './planned-process.ts';
import { recordings } from './profiling-words.ts';

/** Null: nothing is measured, and the fleet stays up until it is cancelled. */
export function describeBenchmark(context: PlanContext, endpoint: string, placed: readonly PlacedWorker[]): PlannedBenchmark | null {
  const { benchmark } = context.recipe;
  if (benchmark.type === 'manual') return null;
  // The bundled client runs on the host, where the model has its own path.
  const tokenizer = modelPath(isClient(benchmark) ? { ...context, container: null } : context, null);
  const common = { endpoint, model: context.model, tokenizer, gpus: countGpus(placed) };
  if (benchmark.type === 'sa-bench')
    return { ...benchmark, dataset: benchmark.dataset === null ? null : onHost(context, benchmark.dataset), ...common };
  if ('trace' in benchmark && benchmark.aiperf === null) return { ...benchmark, trace: onHost(context, benchmark.trace), ...common };
  return { ...benchmark, ...common };
}

export interface Fleet {
  readonly placed: readonly PlacedWorker[];
  /** Those that routers know. */
  readonly workers: readonly WorkerAddress[];
  readonly profiled: readonly ProfiledWorker[];
  /** Pages of metrics of the routers. */
  readonly routerMetrics: readonly string[];
}

/** A client of this package on the host, a tool of the container, or a command of the recipe, read by bash. */
export function planBenchmark(context: PlanContext, benchmark: PlannedBenchmark, fleet: Fleet): PlannedProcess {
  const on = clientNode(context, fleet.placed);
  const env = { ...clientKey(context), ...environmentOf(context, on, benchmark.environment) };
  const common = { id: 'benchmark', role: 'benchmark', on, tier: TIERS.benchmark, ready: { kind: 'exit' } } as const;
  if (isClient(benchmark)) {
    const slowed =
      benchmark.type === 'sa-bench' && benchmark.slowDown !== null ? fleet.workers.filter(({ role }) => role !== 'prefill') : [];
    const extras = { recordings: recordings(context, fleet.profiled), slowed, routerMetrics: fleet.routerMetrics };
    return plannedProcess({ ...common, argv: clientArgv(benchmark, extras), env });
  }
  const image = 'container' in benchmark ? benchmark.container : null;
  const container = context.contained ? (image ?? context.container) : null;
  const inside = { ...context, container };
  const mounts = container === null ? [] : [...modelMounts(inside), ...commonMounts(inside)];
  if (benchmark.type === 'custom') {
    const argv = ['bash', '-lc', benchmark.command];
    return plannedProcess({ ...common, argv, env: { ...describedFleet(context, fleet.workers), ...env }, container, mounts });
  }
  return plannedProcess({
    ...common,
    ...toolProcess(benchmark, container !== null),
    env: { ...env, OPENAI_API_KEY: keyOf(context) ?? 'EMPTY' },
    container,
    mounts,
  });
}

function isClient<B extends { readonly type: string; readonly aiperf?: unknown }>(benchmark: B): benchmark is B & ClientBenchmark {
  if (benchmark.type === 'trace-replay' || benchmark.type === 'mooncake-router') return benchmark.aiperf === null;
  return benchmark.type === 'sa-bench' || benchmark.type === 'router';
}

/** Where a container would see a file, as the host has it: recipes of srt-slurm name files by their mounts. */
function onHost(context: PlanContext, path: string): string {
  const container = context.container ?? 'any';
  const mounts = [...modelMounts({ ...context, container }), ...commonMounts({ ...context, container })];
  return path.startsWith('/') ? hostPath(mounts, path) : path;
}

/** Index of the node of the client. */
function clientNode({ recipe }: PlanContext, placed: readonly PlacedWorker[]): number {
  if (recipe.clientPlacement === 'own') return CLIENT_NODE;
  if (recipe.clientPlacement === 'head') return 0;
  return placed.findLast(({ role }) => role !== 'prefill')?.ranks[0]?.node ?? 0;
}

/** What clients of the fleet must bring: the key of its routers, which pass it on, or else of its workers. */
function clientKey(context: PlanContext): Record<string, string> {
  const key = keyOf(context);
  return key === null ? {} : { SRTCTL_API_KEY: key };
}

function keyOf({ recipe }: PlanContext): string | null {
  const keys = [recipe.frontend.args, ...recipe.workers.map(({ flags }) => flags)].map((flags) => findText(flags, 'api-key'));
  return keys.find((one) => one !== null) ?? null;
}

/** Variables by which a command of the recipe finds the fleet. Lists are separated by commas. */
function describedFleet(context: PlanContext, workers: readonly WorkerAddress[]): Record<string, string> {
  const { frontend, mode } = context.recipe;
  const env: Record<string, string> = {
    SRT_FRONTEND_HOST: addressOf(0),
    SRT_FRONTEND_PORT: String(frontend.publicPort),
    SRT_FRONTEND_URL: urlOf(0, frontend.publicPort),
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

/** Names of all nodes of the job, in its order. */
export function allNodes({ recipe }: PlanContext): readonly string[] {
  return [
    ...(recipe.dynamo.hasInfraNode ? ['infra'] : []),
    ...Array.from({ length: recipe.resources.nodes }, (_, index) => nodeName(index)),
    ...(recipe.clientPlacement === 'own' ? [nodeName(CLIENT_NODE)] : []),
  ];
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
