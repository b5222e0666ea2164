/**
 * Every metric of the router, declared once: name, type, unit, labels, help. The exposition and docs/metrics.md come from here.
 * Names and labels of `origin: 'smg'` are those of sglang_router 0.3.x and smg, so that their dashboards keep working.
 */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What one count is, or the unit of the value. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
  readonly origin: 'smg' | 'own';
  /** Histograms only: which bounds of buckets.ts. */
  readonly buckets?: 'duration' | 'inter-token';
}

const ROUTER_LABELS = ['router_type', 'backend_type', 'connection_mode', 'model', 'endpoint'] as const;
const STREAM_LABELS = ['router_type', 'backend_type', 'model', 'endpoint'] as const;
const POOL_LABELS = ['worker_type', 'connection_mode'] as const;

export const METRICS = {
  httpRequests: {
    name: 'smg_http_requests_total',
    type: 'counter',
    unit: 'requests',
    labels: ['method', 'path'],
    help: 'Requests received, by route; paths without a route of their own share path="other".',
    origin: 'smg',
  },
  httpDuration: {
    name: 'smg_http_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['method', 'path'],
    help: 'From the first byte of a request to the last byte of its answer.',
    origin: 'smg',
    buckets: 'duration',
  },
  httpResponses: {
    name: 'smg_http_responses_total',
    type: 'counter',
    unit: 'responses',
    labels: ['status_code', 'error_code'],
    help: "Answers sent to clients; error_code is the router's own code (docs/errors.md), empty for answers of workers.",
    origin: 'smg',
  },
  httpConnections: {
    name: 'smg_http_connections_active',
    type: 'gauge',
    unit: 'connections',
    labels: [],
    help: 'Open connections from clients.',
    origin: 'smg',
  },
  routerRequests: {
    name: 'smg_router_requests_total',
    type: 'counter',
    unit: 'requests',
    labels: [...ROUTER_LABELS, 'streaming'],
    help: 'Requests given to a worker, by model of that worker.',
    origin: 'smg',
  },
  routerDuration: {
    name: 'smg_router_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ROUTER_LABELS,
    help: 'Duration of the requests that ended well.',
    origin: 'smg',
    buckets: 'duration',
  },
  routerErrors: {
    name: 'smg_router_request_errors_total',
    type: 'counter',
    unit: 'requests',
    labels: [...ROUTER_LABELS, 'error_type'],
    help: 'Requests that the router could not bring to a good end; error_type is a code of docs/errors.md.',
    origin: 'smg',
  },
  upstreamResponses: {
    name: 'smg_router_upstream_responses_total',
    type: 'counter',
    unit: 'responses',
    labels: ['router_type', 'status_code', 'error_code'],
    help: 'Heads of answers received from workers.',
    origin: 'smg',
  },
  routerTtft: {
    name: 'smg_router_ttft_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: STREAM_LABELS,
    help: 'Streams: from the arrival of the request to the first event of its answer.',
    origin: 'smg',
    buckets: 'duration',
  },
  routerTpot: {
    name: 'smg_router_tpot_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: STREAM_LABELS,
    help: 'Streams: mean time per event after the first one, one observation per stream.',
    origin: 'smg',
    buckets: 'inter-token',
  },
  routerGeneration: {
    name: 'smg_router_generation_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: STREAM_LABELS,
    help: 'Streams: from the arrival of the request to the last event of its answer.',
    origin: 'smg',
    buckets: 'duration',
  },
  policyDecisions: {
    name: 'smg_policy_decisions_total',
    type: 'counter',
    unit: 'choices',
    labels: ['policy', 'reason'],
    help: 'Choices of a policy by what decided them (docs/policies.md).',
    origin: 'own',
  },
  workerPool: {
    name: 'smg_worker_pool_size',
    type: 'gauge',
    unit: 'workers',
    labels: [...POOL_LABELS, 'model'],
    help: 'Registered workers.',
    origin: 'smg',
  },
  workerConnections: {
    name: 'smg_worker_connections_active',
    type: 'gauge',
    unit: 'connections',
    labels: POOL_LABELS,
    help: 'Open connections to workers, idle ones included.',
    origin: 'smg',
  },
  workerInflight: {
    name: 'smg_worker_requests_active',
    type: 'gauge',
    unit: 'attempts',
    labels: ['worker'],
    help: 'Attempts dispatched to the worker that have not ended.',
    origin: 'smg',
  },
  workerHealth: {
    name: 'smg_worker_health',
    type: 'gauge',
    unit: '1 or 0',
    labels: ['worker'],
    help: '1 if the worker may take requests now, else 0.',
    origin: 'smg',
  },
  workerHealthChecks: {
    name: 'smg_worker_health_checks_total',
    type: 'counter',
    unit: 'probes',
    labels: ['worker_type', 'result'],
    help: 'Probes of workers; result is success or failure.',
    origin: 'smg',
  },
  workerSelections: {
    name: 'smg_worker_selection_total',
    type: 'counter',
    unit: 'choices',
    labels: [...POOL_LABELS, 'model', 'policy'],
    help: 'Workers chosen by a policy.',
    origin: 'smg',
  },
  workerErrors: {
    name: 'smg_worker_errors_total',
    type: 'counter',
    unit: 'attempts',
    labels: [...POOL_LABELS, 'error_type'],
    help: 'Attempts that failed at the worker; error_type is the kind of the outcome.',
    origin: 'smg',
  },
  workerRequests: {
    name: 'smg_worker_requests_total',
    type: 'counter',
    unit: 'attempts',
    labels: ['worker'],
    help: 'Attempts dispatched to the worker.',
    origin: 'own',
  },
  workerFailures: {
    name: 'smg_worker_failures_total',
    type: 'counter',
    unit: 'attempts',
    labels: ['worker', 'error_type'],
    help: 'Attempts that failed at this worker; error_type is the kind of the outcome.',
    origin: 'own',
  },
  workerDuration: {
    name: 'smg_worker_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['worker'],
    help: 'Duration of the attempts at the worker that ended well.',
    origin: 'own',
    buckets: 'duration',
  },
  workerTtft: {
    name: 'smg_worker_ttft_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['worker'],
    help: 'Streams: from the dispatch of the attempt to the first event of the answer.',
    origin: 'own',
    buckets: 'duration',
  },
  workerInterToken: {
    name: 'smg_worker_inter_token_latency_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['worker'],
    help: 'Streams: time between two events of the same answer.',
    origin: 'own',
    buckets: 'inter-token',
  },
  workerEvents: {
    name: 'smg_worker_stream_events_total',
    type: 'counter',
    unit: 'events',
    labels: ['worker'],
    help: 'Events of streams relayed from the worker.',
    origin: 'own',
  },
  workerStaleConnections: {
    name: 'smg_worker_stale_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: ['worker'],
    help: 'Reused connections that were dead when a request was sent, and were replaced by a fresh one.',
    origin: 'own',
  },
  discoveryRegistrations: {
    name: 'smg_discovery_registrations_total',
    type: 'counter',
    unit: 'workers',
    labels: ['source', 'result'],
    help: 'Workers registered; source is static (named at start) or manual (through the API).',
    origin: 'smg',
  },
  discoveryDeregistrations: {
    name: 'smg_discovery_deregistrations_total',
    type: 'counter',
    unit: 'workers',
    labels: ['source', 'reason'],
    help: 'Workers removed; source is manual.',
    origin: 'smg',
  },
  prefixBlocks: {
    name: 'smg_prefix_index_blocks',
    type: 'gauge',
    unit: 'blocks',
    labels: [],
    help: 'Blocks of prompts in the prefix index.',
    origin: 'own',
  },
  prefixBytes: {
    name: 'smg_prefix_index_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory that the prefix index takes.',
    origin: 'own',
  },
  prefixEvictions: {
    name: 'smg_prefix_index_evictions_total',
    type: 'counter',
    unit: 'blocks',
    labels: [],
    help: 'Blocks that left the prefix index to make room.',
    origin: 'own',
  },
  accessRecordsSkipped: {
    name: 'smg_access_records_skipped_total',
    type: 'counter',
    unit: 'records',
    labels: [],
    help: 'Requests without an access record because the rate was too high or the record is off.',
    origin: 'own',
  },
  logLinesDropped: {
    name: 'smg_log_lines_dropped_total',
    type: 'counter',
    unit: 'lines',
    labels: [],
    help: 'Lines of the log that were lost because the console or the disk was too slow, full or gone.',
    origin: 'own',
  },
} as const satisfies Record<string, MetricDeclaration>;

export type MetricKey = keyof typeof METRICS;
/** The label names of a metric. */
export type LabelOf<Key extends MetricKey> = (typeof METRICS)[Key]['labels'][number];
/** Metrics without labels: one value each, which a part of the router can supply by a function. */
export type PlainMetricKey = { [Key in MetricKey]: LabelOf<Key> extends never ? Key : never }[MetricKey];
