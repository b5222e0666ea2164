/** Keys of srt-slurm that mean something there and nothing, or nothing yet, here; so that a recipe from there is judged and not guessed at. */

/** ignored: a warning, the run means the same without it. missing: an error, the run would mean something else. */
export interface KnownElsewhere {
  readonly kind: 'ignored' | 'missing';
  readonly why: string;
}

const ignored = (why: string): KnownElsewhere => ({ kind: 'ignored', why });
const missing = (why: string): KnownElsewhere => ({ kind: 'missing', why });

const ONLY_SGLANG = 'srtctl starts only SGLang engines';

const RECIPE_KEYS: Readonly<Record<string, KnownElsewhere>> = {
  enable_config_dump: ignored('the plan and the resolved recipe are always written'),
  output: ignored('use -o DIR'),
  reporting: ignored('srtctl sends nothing to other services'),
  observability: ignored('srtctl collects no metrics'),
  telemetry: ignored('srtctl does not measure power'),
  post_eval: ignored('srtctl runs no evaluation after a benchmark; give it a recipe with a scored benchmark'),
  lock: ignored('a lock says nothing about the plan'),
  schema: missing('the schemas are 1 and 2'),
  'health_check.fatal_log_markers': ignored('a worker that ends is a failure, and its output is searched for known errors'),
  'health_check.extra_fatal_log_patterns': ignored('a worker that ends is a failure'),
  'resources.prefill_critical': ignored('srtctl ends a run when a worker ends'),
  'resources.decode_critical': ignored('srtctl ends a run when a worker ends'),
  'resources.agg_critical': ignored('srtctl ends a run when a worker ends'),
  'dynamo.sidecar_port': ignored('srtctl starts no sidecars'),
  'dynamo.sidecar_binary': ignored('srtctl starts no sidecars'),
  'dynamo.sidecar_startup_timeout': ignored('srtctl starts no sidecars'),
  'dynamo.sidecar_context_length': ignored('srtctl starts no sidecars'),
  'dynamo.sidecar_args': ignored('srtctl starts no sidecars'),
  'profiling.nsys_library_paths': ignored('set LD_LIBRARY_PATH in the environment of the role'),
  'model.stage_dir': ignored('SGLang workers read the model from model.path; srtctl copies nothing'),
  'backend.gpu_type': ignored('resources.gpu_type counts'),
  'frontend.ctx_router': missing(ONLY_SGLANG),
  'frontend.gen_router': missing(ONLY_SGLANG),
  'frontend.server_config_extra': missing(ONLY_SGLANG),
  'benchmark.colocate_with_frontend': ignored('only the client of the benchmark can have a node to itself'),
  'benchmark.export_node_metrics': ignored('srtctl collects no metrics of nodes'),
  'benchmark.stream_output': ignored('the output of the benchmark is always shown'),
  'benchmark.reuse_http_connections': ignored('the client always keeps connections'),
  'benchmark.custom_tokenizer': ignored('the engine counts the tokens, with its own tokenizer'),
  'benchmark.warmup_req_rate': ignored('warm-up requests are as many at a time as the measured ones'),
  'benchmark.sweep': ignored('use sweep at the top of the recipe'),
  'benchmark.agentperf_client_dir': missing('use a custom benchmark'),
  'benchmark.agentperf_config': missing('use a custom benchmark'),
};

const CLUSTER_KEYS: Readonly<Record<string, KnownElsewhere>> = {
  cloud: ignored('srtctl uploads nothing'),
  default_gpu_exporter: ignored('srtctl collects no metrics'),
  git_http_version: ignored('srtctl clones nothing on this host'),
  preflight: ignored('files that are missing on this host are warnings'),
  reporting: ignored('nothing is sent anywhere'),
  telemetry: ignored('power is not measured'),
  default_container: missing('the container belongs into the recipe: model.container, perhaps by an alias of containers'),
};

/** Values that mean something there, and what to do instead. */
const CUSTOM = 'srtctl does not run it; use type: custom with its command';
const ROUTERS: Readonly<Record<string, string>> = {
  'sgl-router': 'srtctl does not start the standalone sgl-router',
  'sglang-router': 'write sglang_router',
  sglang: 'write sglang_router',
};
const RECIPE_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'benchmark.type': {
    'ns-gpqa': 'srtctl runs gpqa, and other tools by type: custom with their command',
    aime25: 'write aime',
    hle: CUSTOM,
    agentic: CUSTOM,
    agentx: CUSTOM,
    agentperf: CUSTOM,
    mlperf: CUSTOM,
    aiperf: CUSTOM,
    'aiperf-bench': CUSTOM,
    'prefix-replay': CUSTOM,
  },
  'frontend.type': {
    vllm: ONLY_SGLANG,
    'vllm-router': ONLY_SGLANG,
    trtllm_serve: ONLY_SGLANG,
    atomesh: ONLY_SGLANG,
    'tilert-router': ONLY_SGLANG,
    'sgl-router': 'srtctl does not start the standalone sgl-router; sglang is router mode, with the bundled router or sglang_router',
    smg: 'sglang is router mode, with the bundled router or sglang_router',
    none: 'srtctl starts no fleet without a frontend',
  },
  'profiling.type': { 'nsys-manual': 'write nsys, whose steps the benchmark starts, or nsys-time' },
  'frontend.router': ROUTERS,
  'backend.router': ROUTERS,
  'frontend.orchestrator_placement': { first_decode: 'srtctl places the first router on node 0' },
};

export type DocumentKind = 'recipe' | 'cluster file';

/** What to do instead, or null. */
export function findKnownValue(document: DocumentKind, path: readonly (string | number)[], value: string): string | null {
  const key = path.join('.');
  const values = document === 'recipe' && Object.hasOwn(RECIPE_VALUES, key) ? RECIPE_VALUES[key]! : {};
  return Object.hasOwn(values, value) ? values[value]! : null;
}

export function findKnownElsewhere(document: DocumentKind, path: readonly (string | number)[]): KnownElsewhere | null {
  const table = document === 'recipe' ? RECIPE_KEYS : CLUSTER_KEYS;
  const key = path.join('.').replaceAll('-', '_');
  return Object.hasOwn(table, key) ? table[key]! : null;
}
