/** Keys of srt-slurm that mean something there and nothing, or nothing yet, here; so that a recipe from there is judged and not guessed at. */

/** ignored: a warning, the run means the same without it. missing: an error, the run would mean something else. */
export interface KnownElsewhere {
  readonly kind: 'ignored' | 'missing';
  readonly why: string;
}

const ignored = (why: string): KnownElsewhere => ({ kind: 'ignored', why });
const missing = (why: string): KnownElsewhere => ({ kind: 'missing', why });

const RECIPE_KEYS: Readonly<Record<string, KnownElsewhere>> = {
  enable_config_dump: ignored('the plan and the resolved recipe are always written'),
  output: ignored('use -o DIR'),
  identity: ignored('versions are not compared'),
  reporting: ignored('nothing is sent anywhere'),
  observability: ignored('metrics are not collected'),
  telemetry: ignored('power is not measured'),
  lock: ignored('a lock says nothing about the plan'),
  profiling: missing('start the profiler by hand or from a custom benchmark'),
  infra: missing('no nodes are set aside for infrastructure'),
  schema: missing('recipes of schema 2 are not known; use the keys of docs/recipe-reference.md'),
  roles: missing('recipes of schema 2 are not known; use resources and backend.sglang_config'),
  'model.stage_dir': missing('models are not staged; use setup_script or a mount'),
  'resources.het_jobs': missing('there are no heterogeneous jobs'),
  'backend.gpu_type': ignored('resources.gpu_type counts'),
  'backend.kv_events_config': missing('write kv-events-config among the flags of sglang_config'),
  'backend.mooncake_kv_store': missing('a mooncake store is not started; run one beside and point to it in the environment'),
  'backend.vllm_config': missing('only SGLang engines are started'),
  'backend.trtllm_config': missing('only SGLang engines are started'),
  'frontend.orchestrator_placement': missing('routers are placed by enable_multiple_frontends and spread'),
  'frontend.dedicated_node': missing('no nodes are set aside for frontends'),
  'frontend.ctx_router': missing('only SGLang engines are started'),
  'frontend.gen_router': missing('only SGLang engines are started'),
  'frontend.server_config_extra': missing('only SGLang engines are started'),
  'benchmark.client_placement': missing('the benchmark always runs where the supervisor runs'),
  'benchmark.client_dedicated_node': missing('the benchmark always runs where the supervisor runs'),
  'benchmark.colocate_with_frontend': missing('the benchmark always runs where the supervisor runs'),
  'benchmark.export_node_metrics': ignored('node metrics are not collected'),
  'benchmark.reuse_http_connections': ignored('connections are always kept'),
  'benchmark.use_chat_template': ignored('prompts are sent as they are'),
  'benchmark.custom_tokenizer': ignored('lengths are counted by the engine'),
  'benchmark.dataset_name': missing('prompts are random; use a custom benchmark'),
  'benchmark.dataset_path': missing('prompts are random; use a custom benchmark'),
  'benchmark.sweep': ignored('use sweep at the top of the recipe'),
  'dynamo.hash': missing('install by version'),
  'dynamo.top_of_tree': missing('install by version'),
  'dynamo.wheel': missing('install by version'),
  'dynamo.cargo_patches': missing('install by version'),
};

const CLUSTER_KEYS: Readonly<Record<string, KnownElsewhere>> = {
  srtctl_root: ignored('this srtctl finds its own files'),
  cloud: ignored('nothing is uploaded'),
  reporting: ignored('nothing is sent anywhere'),
  telemetry: ignored('power is not measured'),
  use_het_jobs: missing('there are no heterogeneous jobs'),
  default_container: missing('the container belongs into the recipe: model.container, perhaps by an alias of containers'),
};

/** Values that mean something there. */
const ELSEWHERE_BENCHMARK = 'use type: custom with a command';
const RECIPE_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'benchmark.type': Object.fromEntries(
    ['sglang-bench', 'mmlu', 'gpqa', 'gsm8k', 'longbenchv2', 'lm-eval', 'router', 'mooncake-router', 'trace-replay'].map((type) => [
      type,
      ELSEWHERE_BENCHMARK,
    ]),
  ),
  'backend.type': { mocker: 'use type: sim', vllm: 'only SGLang engines are started', trtllm: 'only SGLang engines are started' },
  'frontend.type': { vllm: 'only SGLang engines are started', trtllm_serve: 'only SGLang engines are started' },
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
  const key = path.join('.');
  return Object.hasOwn(table, key) ? table[key]! : null;
}
