/** Requests for information and control, and paths that do not exist. */

import { bare, type Case, type CaseContext, post } from './case.ts';

/** What routers and launchers read of /server_info. */
const SERVER_INFO = [
  'status:string',
  'version:string',
  'model_path:string',
  'served_model_name:string',
  'tp_size:number',
  'dp_size:number',
  'page_size:number',
  'max_total_num_tokens:number',
  'max_req_input_len:number',
  'disaggregation_mode:string',
  'disaggregation_bootstrap_port:number',
  'internal_states:array',
];
const METRICS = [
  'sglang:num_running_reqs gauge',
  'sglang:num_queue_reqs gauge',
  'sglang:num_used_tokens gauge',
  'sglang:token_usage gauge',
  'sglang:cache_hit_rate gauge',
  'sglang:gen_throughput gauge',
  'sglang:prompt_tokens_total counter',
  'sglang:generation_tokens_total counter',
  'sglang:num_requests_total counter',
  'sglang:time_to_first_token_seconds histogram',
  'sglang:inter_token_latency_seconds histogram',
  'sglang:e2e_request_latency_seconds histogram',
];

/** Bodies that are JSON and no objects. */
const NOT_OBJECTS = [
  ['an array', '[]'],
  ['a text', '"text"'],
  ['null', 'null'],
] as const;
const NATIVE_PATHS = [
  ['generate', '/generate'],
  ['chat', '/v1/chat/completions'],
  ['completions', '/v1/completions'],
  ['responses', '/v1/responses'],
  ['messages', '/v1/messages'],
  ['rerank', '/v1/rerank'],
  ['tokenize', '/tokenize'],
  ['abort', '/abort_request'],
  ['pause', '/pause_generation'],
  ['continue', '/continue_generation'],
] as const;

export function controlCases({ model, tag }: CaseContext): Case[] {
  return [
    bare('health', 'GET', '/health'),
    bare('health: generating', 'GET', '/health_generate'),
    bare('health: HEAD', 'HEAD', '/health'),
    bare('ready', 'GET', '/ready'),
    bare('ping', 'GET', '/ping'),
    bare('liveness', 'GET', '/liveness'),
    bare('readiness', 'GET', '/readiness'),
    bare('models', 'GET', '/v1/models'),
    bare('models: HEAD', 'HEAD', '/v1/models'),
    bare('models: query', 'GET', '/v1/models?limit=1'),
    bare('models: one', 'GET', `/v1/models/${model}`),
    bare('models: one that is not served', 'GET', '/v1/models/nope'),
    bare('models: DELETE', 'DELETE', '/v1/models'),
    bare('model info: old path', 'GET', '/get_model_info'),
    bare('model info', 'GET', '/model_info'),
    bare('server info: old path', 'GET', '/get_server_info', { must: SERVER_INFO }),
    bare('server info', 'GET', '/server_info', { must: SERVER_INFO }),
    bare('load: old path', 'GET', '/get_load'),
    bare('loads', 'GET', '/v1/loads'),
    bare('loads: core', 'GET', '/v1/loads?include=core'),
    bare('loads: Prometheus', 'GET', '/v1/loads?format=prometheus'),
    bare('loads: a rank that is not there', 'GET', '/v1/loads?dp_rank=7'),
    bare('root', 'GET', '/'),
    bare('openapi', 'GET', '/openapi.json', { shallow: true }),
    bare('docs', 'GET', '/docs'),
    bare('flush cache: POST', 'POST', '/flush_cache'),
    bare('flush cache: GET', 'GET', '/flush_cache'),
    post('abort: unknown request id', '/abort_request', { rid: `none-${tag}` }),
    post('abort: everything', '/abort_request', { abort_all: true }),
    post('abort: nothing named', '/abort_request', {}),
    post('pause', '/pause_generation', {}),
    post('continue', '/continue_generation', {}),
    bare('unknown path: GET', 'GET', '/no/such'),
    post('unknown path: POST', '/no/such', {}),
    bare('unknown path: DELETE', 'DELETE', '/no/such'),
    bare('slash: GET', 'GET', '/ready/'),
    bare('slash: GET with a query', 'GET', '/v1/loads/?include=core'),
    bare('slash: a model without a name', 'GET', '/v1/models/'),
    bare('slash: an unknown path', 'GET', '/no/such/'),
    post('slash: POST', '/tokenize/', { prompt: 'a' }),
    post('slash: another method', '/ready/', {}),
    ...NOT_OBJECTS.flatMap(([name, body]) =>
      NATIVE_PATHS.map(([area, path]) => post(`${area}: the body is ${name}`, path, Buffer.from(body))),
    ),
    // Last: some families appear only when they have counted something.
    bare('metrics', 'GET', '/metrics', { must: METRICS }),
    bare('metrics: with a slash', 'GET', '/metrics/', { must: METRICS }),
  ];
}
