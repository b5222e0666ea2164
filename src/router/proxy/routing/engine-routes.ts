/**
 * The routes of SGLang engines that are not in the router's own table (routes.ts): those that a worker may be asked for, and those that
 * change an engine or concern one alone. tools/engine-routes compares both lists with the newest wheel of each minor release.
 */
import type { PairedKind } from './routes.ts';

export interface PassedRoute {
  readonly methods: readonly string[];
  readonly path: string;
  readonly paired: PairedKind;
}

const GET: readonly string[] = ['GET'];
const POST: readonly string[] = ['POST'];

/** Any worker answers, and nothing changes in it. */
const any = (methods: readonly string[], path: string): PassedRoute => ({ methods, path, paired: 'one' });
/** Work that takes tokens: where prefill and decode are divided, no engine does it alone. */
const work = (methods: readonly string[], path: string): PassedRoute => ({ methods, path, paired: 'refused' });

export const PASSED_ROUTES: readonly PassedRoute[] = [
  any(['GET', 'HEAD'], '/'),
  any(GET, '/ping'),
  any(GET, '/ready'),
  any(GET, '/docs'),
  any(GET, '/openapi.json'),
  any(GET, '/redoc'),
  any(GET, '/get_load'),
  any(GET, '/v1/loads'),
  any(GET, '/get_server_args'),
  any(GET, '/get_weight_version'),
  any(GET, '/weight_version'),
  any(GET, '/get_hicache_l3_cache_layout'),
  any(GET, '/is_scaling_elastic_ep'),
  any(GET, '/list_external_corpora'),
  any(GET, '/api/tags'),
  any(POST, '/api/show'),
  any(POST, '/tokenize'),
  any(POST, '/detokenize'),
  any(POST, '/v1/messages/count_tokens'),
  any(POST, '/parse_function_call'),
  any(POST, '/separate_reasoning'),
  work(POST, '/api/chat'),
  work(POST, '/api/generate'),
  work(POST, '/generate_from_file'),
  work(POST, '/invocations'),
  work(POST, '/vertex_generate'),
  work(POST, '/v1/decisions'),
  work(POST, '/v1/score'),
  work(POST, '/v1/systemone'),
  work(['POST', 'PUT'], '/classify'),
  work(['POST', 'PUT'], '/encode'),
];

/** Whatever the method: of some of these a GET changes the engine too. */
export const REFUSED_ROUTES: readonly string[] = [
  '/abort_request',
  '/add_external_corpus',
  '/attach_hicache_storage_backend',
  '/begin_weight_update',
  '/clear_hicache_storage_backend',
  '/close_session',
  '/configure_logging',
  '/continue_generation',
  '/destroy_weights_update_group',
  '/detach_hicache_storage_backend',
  '/dump_expert_distribution_record',
  '/dumper/{method}',
  '/end_weight_update',
  '/flush_cache',
  '/freeze_gc',
  '/get_remote_instance_transfer_engine_info',
  '/get_weights_by_name',
  '/hicache/storage-backend',
  '/hicache/storage-backend/clear',
  '/init_weights_send_group_for_remote_instance',
  '/init_weights_update_group',
  '/load_lora_adapter',
  '/load_lora_adapter_from_tensors',
  '/open_session',
  '/pause_generation',
  '/pd_role_switch',
  '/release_memory_occupation',
  '/remote_instance_transfer_engine_info',
  '/remove_external_corpus',
  '/resume_memory_occupation',
  '/scale_elastic_ep',
  '/send_weights_to_remote_instance',
  '/set_internal_state',
  '/set_trace_level',
  '/slow_down',
  '/start_expert_distribution_record',
  '/start_profile',
  '/stop_expert_distribution_record',
  '/stop_profile',
  '/unload_lora_adapter',
  '/update_weight_version',
  '/update_weights',
  '/update_weights_from_disk',
  '/update_weights_from_distributed',
  '/update_weights_from_ipc',
  '/update_weights_from_tensor',
  '/v1/batches',
  '/v1/batches/{batch_id}',
  '/v1/batches/{batch_id}/cancel',
  '/v1/files',
  '/v1/files/{file_id}',
  '/v1/files/{file_id}/content',
  '/v1/realtime',
  '/weights_checker',
];
