/** Names and kinds of the engine's metrics. Source: recorded from SGLang 0.5.23. */
const GAUGES = `
  cache_hit_rate context_len decode_sum_seq_lens full_token_usage fwd_occupancy gen_throughput graph_memory_usage_gb http_requests_active
  is_cuda_graph kv_available_tokens kv_cache_memory_usage_gb kv_evictable_tokens kv_used_tokens mamba_available_tokens
  mamba_evictable_tokens mamba_usage mamba_used_tokens max_total_num_tokens new_token_ratio num_decode_deferred_kv_release_reqs
  num_decode_host_receive_queue_reqs num_decode_prealloc_queue_reqs num_decode_transfer_queue_reqs num_grammar_queue_reqs num_pages
  num_paused_reqs num_prefill_bootstrap_queue_reqs num_prefill_inflight_queue_reqs num_queue_reqs num_retracted_reqs num_running_reqs
  num_unique_running_routing_keys num_used_tokens page_size pending_prealloc_token_usage prealloc_full_token_usage
  prealloc_swa_token_usage routing_key_all_req_count routing_key_running_req_count routing_keys_active spec_accept_length spec_accept_rate
  spec_block_accept_length spec_cap_length spec_num_draft_tokens spec_num_steps startup_available_gpu_memory_gb
  startup_cuda_graph_time_seconds startup_time_seconds swa_available_tokens swa_evictable_tokens swa_token_usage swa_used_tokens
  token_usage utilization weight_memory_usage_gb
`;
const COUNTERS = `
  cached_tokens_total cuda_graph_passes_total dp_attention_pairs_total dp_attention_steps_total dp_attention_tokens_total
  generation_tokens_total http_requests_total http_responses_total num_aborted_requests_total num_requests_total
  prefill_effective_tokens_total process_cpu_seconds_total prompt_tokens_total realtime_tokens_total scheduler_idle_seconds_total
  scheduler_process_cpu_seconds_total scheduler_stage_seconds_total
`;
const HISTOGRAMS = `
  dp_attention_sync_wait_seconds dp_attention_token_imbalance_ratio e2e_request_latency_seconds generation_tokens_histogram
  get_loads_duration_seconds inter_token_latency_seconds per_stage_req_latency_seconds prompt_tokens_histogram queue_time_seconds
  request_time_per_output_token_seconds time_to_first_token_seconds uncached_prompt_tokens_histogram
`;

type Kind = 'gauge' | 'counter' | 'histogram';

/** Alphabetical. */
export const METRIC_NAMES: readonly (readonly [string, Kind])[] = [
  ...named(GAUGES, 'gauge'),
  ...named(COUNTERS, 'counter'),
  ...named(HISTOGRAMS, 'histogram'),
].sort(([a], [b]) => (a < b ? -1 : 1));

function named(names: string, kind: Kind): (readonly [string, Kind])[] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [`sglang:${name}`, kind]);
}
