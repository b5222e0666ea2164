/** Resolved recipes for tests of planning, without files. */
import type { Benchmark, Flags, Frontend, Recipe, WorkerGroup, WorkerRole } from '../../src/srtctl/recipe/resolve/recipe.ts';

/** A group of workers; flags of the role are those that engines need at least. */
export function workerGroup(
  role: WorkerRole,
  nodes: number,
  workers: number,
  { gpusPerWorker = 4, flags = {} }: { gpusPerWorker?: number; flags?: Flags } = {},
): WorkerGroup {
  return { role, nodes, workers, gpusPerWorker, flags, environment: {}, container: null, kvEvents: null };
}

interface Choices extends Partial<Omit<Recipe, 'frontend' | 'resources'>> {
  readonly frontend?: Partial<Frontend>;
  readonly resources?: Partial<Recipe['resources']>;
}

/** One prefill and one decode worker on two nodes of 4 GPUs, nginx and as many routers as fit. */
export function recipeWith(choices: Choices = {}): Recipe {
  const workers = choices.workers ?? [workerGroup('prefill', 1, 1), workerGroup('decode', 1, 1)];
  return {
    name: 'test',
    variant: { override: null, varied: {} },
    mode: 'router',
    model: { path: '/models/tiny', container: 'sglang-latest', precision: null },
    disaggregated: workers.some(({ role }) => role !== 'aggregated'),
    backend: { type: 'sglang', sglangSourceDirectory: null },
    dynamo: {
      requestPlane: 'tcp',
      eventPlane: 'nats',
      mockerModel: null,
      etcdPort: 2379,
      natsPort: 4222,
      workerPort: 7500,
      install: { kind: 'version', version: '0.8.0', isDefault: true },
      workerSelection: null,
      hasInfraNode: false,
      natsMaxPayloadMb: null,
    },
    slurm: { account: null, partition: null, timeLimit: null, timeLimitSeconds: null },
    environment: {},
    mounts: [],
    srunOptions: {},
    sbatchDirectives: {},
    setupScript: null,
    configsDirectory: null,
    workspaceDirectory: null,
    mooncake: null,
    services: [],
    hostSetup: null,
    profiling: null,
    modelRevision: null,
    frameworks: {},
    clientPlacement: 'head',
    healthCheck: { intervalMs: 10_000, timeoutMs: 1_800_000, silenceMs: 300_000 },
    benchmark: { type: 'manual' },
    secrets: [],
    ...choices,
    workers,
    resources: {
      gpuType: null,
      gpusPerNode: 4,
      nodes: workers.reduce((sum, group) => sum + group.nodes, 0),
      spreadWorkers: false,
      packWorkers: false,
      ...choices.resources,
    },
    frontend: {
      router: 'bundled',
      isRouterNamed: true,
      isDirect: false,
      container: null,
      bindsNuma: false,
      multiple: true,
      additional: 9,
      spread: 'ceiling',
      publicHost: null,
      publicPort: 8000,
      routerPort: 30_080,
      args: {},
      environment: {},
      nginx: { container: 'nginx:1.27.4', raiseUlimit: false, affinityHeader: null, keepaliveTimeout: '600s' },
      ...choices.frontend,
    },
  };
}

const LEG: Flags = {
  'model-path': '/model/',
  'tensor-parallel-size': 4,
  'disaggregation-bootstrap-port': 30_001,
  'disaggregation-transfer-backend': 'nixl',
};

/** The complete example of the documentation: 2 prefill and 2 decode workers on 4 nodes, 4 routers. */
export function completeExample(): Recipe {
  const benchmark: Benchmark = {
    type: 'sa-bench',
    inputTokens: 128_000,
    outputTokens: 8000,
    concurrencies: [16, 32],
    requestRate: null,
    rangeRatio: 0.8,
    promptsMultiplier: 10,
    warmupMultiplier: 2,
    repeats: 1,
    burstiness: 1,
    asChat: false,
    dataset: null,
    slowDown: null,
    environment: {},
  };
  return recipeWith({
    name: 'deepseek-r1-sglang-router',
    model: { path: 'deepseek-r1-fp4', container: 'sglang-latest', precision: 'fp4' },
    workers: [
      workerGroup('prefill', 2, 2, { flags: { ...LEG, 'disaggregation-mode': 'prefill' } }),
      workerGroup('decode', 2, 2, { flags: { ...LEG, 'disaggregation-mode': 'decode' } }),
    ],
    frontend: { additional: 3 },
    benchmark,
  });
}
