/** Paths that describe the engine: models, model and server info. Source: key sets recorded from SGLang 0.5.23. */
import { type Engine, SGLANG_VERSION } from '../engine/engine.ts';
import type { Call } from '../http/call.ts';
import { float, type Json, toJson } from '../http/python-json.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { SERVER_INFO_KEYS } from './server-info-keys.ts';

/** CUDA graphs by kind, of which there are none. */
const GRAPHS = {
  prefill: float(0),
  decode: float(0),
  draft_prefill: float(0),
  draft_decode: float(0),
  draft_extend: float(0),
  target_verify: float(0),
};

function modelCard(engine: Engine): { readonly [key: string]: Json } {
  const { servedModelName, contextLength } = engine.options;
  return {
    id: servedModelName,
    object: 'model',
    created: Math.floor(engine.startedWallMs / 1000),
    owned_by: 'sglang',
    root: servedModelName,
    parent: null,
    max_model_len: contextLength,
  };
}

export function listModels({ engine, answer }: Call): void {
  answer.json(200, toJson({ object: 'list', data: [modelCard(engine)] }));
}

/** GET /v1/models/NAME. */
export function oneModel({ engine, answer, path }: Call): void {
  const name = decodeURIComponent(path.slice('/v1/models/'.length));
  if (name === engine.options.servedModelName) {
    answer.json(200, toJson(modelCard(engine)));
    return;
  }
  const error = { message: `The model '${name}' does not exist`, type: 'invalid_request_error', param: 'model', code: 'model_not_found' };
  answer.json(404, JSON.stringify({ error }));
}

export function modelInfo({ engine, answer }: Call): void {
  const { modelPath, servedModelName, weightVersion, isEmbedding } = engine.options;
  answer.json(
    200,
    toJson({
      model_path: modelPath,
      served_model_name: servedModelName,
      tokenizer_path: modelPath,
      is_generation: !isEmbedding,
      preferred_sampling_params: null,
      weight_version: weightVersion,
      load_format: 'auto',
      reasoning_parser: null,
      tool_call_parser: null,
      disaggregation_mode: engine.options.disaggregationMode,
      has_image_understanding: false,
      has_audio_understanding: false,
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      embedding: embeddingInfo(isEmbedding),
    }),
  );
}

function embeddingInfo(enabled: boolean): Json {
  const of = (yes: string, no: string): string => (enabled ? yes : no);
  return {
    family: of('explicit_decoder_embedding', 'none'),
    task: of('embed', 'none'),
    execution: of('decoder_pooling', 'none'),
    attention: of('causal', 'none'),
    pooling: 'model_defined',
    normalize: enabled,
    postprocessor: of('model_defined', 'none'),
    tokenizer_special_tokens: 'model_default',
    supports_dimensions: false,
    supports_token_embeddings: false,
    supports_multimodal: false,
    requires_embedding_flag: enabled,
    auto_enable_embedding: false,
    bcg_eligibility: of('standard', 'disabled'),
    safe_disable_kv_cache: false,
    safe_disable_radix_cache: false,
    safe_disable_chunked_prefill: false,
    enabled,
    matryoshka_dimensions: [],
    bcg: { prefill_backend: 'disabled', enabled: false, capture_token_budget: 2048, capture_batch_sizes: [4, 8, 16] },
    cache: { kv_cache_disabled: false, radix_cache_disabled: false, chunked_prefill_disabled: false },
  };
}

/** Arguments and state of the engine, at the top and once more in the only entry of `internal_states`. */
export function serverInfo({ engine, answer }: Call): void {
  const args = launchArguments(engine);
  const all: Record<string, Json> = {};
  for (const key of SERVER_INFO_KEYS) all[key] = args[key] ?? null;
  const answerWithStates = (): void => {
    const states = engine.schedulers.map((scheduler) => ({ ...args, ...internalState(engine, scheduler) }));
    answer.json(200, toJson({ ...all, internal_states: states }));
  };
  // Only this path asks the schedulers.
  engine.link.send(answerWithStates);
}

/** What is known of the launch; the rest of what the real engine has is null. */
function launchArguments(engine: Engine): { readonly [key: string]: Json } {
  const { options, scheduler } = engine;
  return {
    status: engine.state === 'starting' ? 'starting' : 'ready',
    version: SGLANG_VERSION,
    model_path: options.modelPath,
    tokenizer_path: options.modelPath,
    served_model_name: options.servedModelName,
    host: options.host,
    port: options.port,
    api_key: options.apiKey === '' ? null : options.apiKey,
    context_length: options.contextLength,
    is_embedding: options.isEmbedding,
    device: 'cpu',
    dp_size: options.dpSize,
    tp_size: options.tpSize,
    pp_size: options.ppSize,
    ep_size: options.epSize,
    nnodes: options.nnodes,
    node_rank: options.nodeRank,
    dist_init_addr: options.distInitAddr === '' ? null : options.distInitAddr,
    page_size: options.pageSize,
    max_total_num_tokens: scheduler.pool.capacityTokens,
    max_total_tokens: scheduler.pool.capacityTokens,
    max_req_input_len: scheduler.longestRequest - 5,
    max_running_requests: options.maxRunningRequests,
    max_queued_requests: options.maxQueuedRequests === 0 ? null : options.maxQueuedRequests,
    chunked_prefill_size: options.chunkedPrefillSize,
    stream_interval: options.streamInterval,
    random_seed: options.seed,
    disable_radix_cache: options.disableRadixCache || options.disaggregationMode === 'decode',
    enable_metrics: !options.disableMetrics,
    enable_cache_report: !options.disableCacheReport,
    schedule_policy: 'fcfs',
    disaggregation_mode: options.disaggregationMode,
    disaggregation_bootstrap_port: options.disaggregationBootstrapPort,
    disaggregation_transfer_backend: options.disaggregationTransferBackend,
    load_balance_method: 'round_robin',
    weight_version: options.weightVersion,
    startup_time: {
      load_weight: float(options.startupDelaySecs),
      kv_cache_allocation: float(0),
      scheduler_e2e: float(options.startupDelaySecs),
      tokenizer_e2e: float(options.startupDelaySecs + options.warmupSecs),
      cuda_graph: GRAPHS,
    },
  };
}

function internalState({ options }: Engine, scheduler: Scheduler): { readonly [key: string]: Json } {
  const capacity = scheduler.pool.capacityTokens;
  return {
    last_gen_throughput: float(scheduler.counters.tokensPerSec),
    effective_max_running_requests_per_dp: options.maxRunningRequests,
    memory_usage: {
      weight: float(0),
      kvcache: float(0),
      token_capacity: capacity,
      token_capacity_swa: null,
      startup_available: float(0),
      graph: GRAPHS,
    },
  };
}
