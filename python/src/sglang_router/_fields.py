# Written by tools/generate.mjs from src/router/config. Do not edit.
"""The fields of RouterArgs."""

import dataclasses
from typing import Dict, List, Optional, Tuple


@dataclasses.dataclass
class RouterFields:
    """All settings of the router with the defaults of launch_router."""

    worker_urls: List[str] = dataclasses.field(default_factory=list)
    """URLs of workers, separated by commas, spaces or repetition of the flag; more can join later."""

    host: str = "0.0.0.0"
    """Address or host name to listen on; 0.0.0.0 or :: for all interfaces (default: 0.0.0.0)."""

    port: int = 30000
    """Port to listen on; 0 for any free one (default: 30000)."""

    mini_lb: bool = False
    """Choose both workers of a pair at random, whatever the policies say."""

    pd_disaggregation: bool = False
    """Send every request to a prefill worker and a decode worker, which pass its KV cache on
    between them."""

    prefill_urls: List[Tuple[str, Optional[int]]] = dataclasses.field(default_factory=list)
    """A prefill worker and the port of its bootstrap server, once for each worker; without a port,
    or with none, decode workers assume their own. In the environment and in a file: "URL PORT",
    separated by commas or as a list."""

    decode_urls: List[str] = dataclasses.field(default_factory=list)
    """A decode worker, once for each."""

    policy: str = "cache_aware"
    """How a worker is chosen for a request (default: cache_aware). One of round_robin, random,
    power_of_two, cache_aware, least_wait, bucket, least_load, manual, consistent_hashing,
    prefix_hash, passthrough."""

    prefill_policy: Optional[str] = None
    """How a prefill worker is chosen (default: the value of --policy). One of round_robin, random,
    power_of_two, cache_aware, least_wait, bucket, least_load, manual, consistent_hashing,
    prefix_hash, passthrough."""

    decode_policy: Optional[str] = None
    """How a decode worker is chosen (default: the value of --policy). One of round_robin, random,
    power_of_two, cache_aware, least_wait, least_load, manual, consistent_hashing, prefix_hash,
    passthrough."""

    worker_startup_timeout_secs: int = 1800
    """Time for a new worker to answer for the first time; after it the worker is reported as
    failed, in seconds (default: 1800)."""

    worker_startup_check_interval: int = 30
    """Longest pause between two checks of a worker that does not answer yet; it is checked twice a
    second in any case, in seconds (default: 30)."""

    cache_threshold: float = 0.3
    """cache_aware: share of a prompt that a worker must hold for the request to follow it (default:
    0.3)."""

    balance_abs_threshold: int = 64
    """cache_aware, bucket: loads are out of balance when they differ by more requests than this,
    and by the relative threshold too (default: 64)."""

    balance_rel_threshold: float = 1.5
    """cache_aware, bucket: loads are out of balance when the largest exceeds the smallest times
    this, and the absolute threshold too (default: 1.5)."""

    eviction_interval_secs: int = 60
    """Has no effect: the memory of prompts is kept within its size at every insertion, not at
    intervals."""

    max_tree_size: int = 67108864
    """cache_aware, least_wait: size of the memory of prompts. In sglang_router it counts characters
    per worker; here 128 of them buy one entry of 40 bytes in one index for all workers, so the
    default is 20 MiB (at least 1 MiB, at most 512 MiB are used) (default: 67108864)."""

    max_idle_secs: int = 14400
    """manual: time after which a routing key that no request uses is forgotten, in seconds
    (default: 14400)."""

    assignment_mode: str = "random"
    """manual: how a new routing key gets its worker: by chance, by requests in flight, or by number
    of keys (default: random). One of random, min_load, min_group."""

    max_payload_size: int = 536870912
    """Largest body of a request; a larger one is answered 413, in bytes (default: 536870912)."""

    bucket_adjust_interval_secs: int = 5
    """Has no effect: the bounds of bucket follow the last requests, not an interval."""

    dp_aware: bool = False
    """Choose the data-parallel rank of an engine as well: an engine that says dp_size 2 in
    /server_info becomes two workers, URL@0 and URL@1, and requests name the rank."""

    enable_igw: bool = False
    """Has no effect: the router does not route by model, so all workers must serve the same model;
    run one router per model."""

    api_key: Optional[str] = None
    """Key that requests must carry (Authorization: Bearer KEY, or x-api-key), and that the router
    sends to the workers of --worker-urls, --prefill and --decode (default: no key)."""

    log_dir: Optional[str] = None
    """Directory for log files, one a day, beside the log on the console (default: no files)."""

    log_level: Optional[str] = None
    """Least important kind of message that is logged; warning and critical are taken as warn and
    error (default: info). One of debug, info, warn, error."""

    service_discovery: bool = False
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    service_discovery_port: int = 80
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    service_discovery_namespace: Optional[str] = None
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    prefill_selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    decode_selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    """Kubernetes discovery is not available in this version yet; use --worker-urls or POST
    /workers."""

    bootstrap_port_annotation: str = "sglang.ai/bootstrap-port"
    """Annotation of a pod with the port of its bootstrap server. Kubernetes discovery is not
    available in this version yet."""

    prometheus_port: Optional[int] = None
    """Port to serve metrics on; 0 for any free one. If the default is taken, the router goes on
    without it (default: 29000)."""

    prometheus_host: Optional[str] = None
    """Address or host name to serve metrics on (default: the value of --host)."""

    prometheus_duration_buckets: Optional[List[float]] = None
    """Bounds of the buckets of duration metrics, in seconds (default: 0.001 to 3600 in 25 steps)."""

    request_id_headers: Optional[List[str]] = None
    """Header fields that may carry the id of a request; the first one present is taken, else an id
    is made (default: x-request-id,x-correlation-id,x-trace-id,request-id)."""

    request_timeout_secs: int = 1800
    """Time for a request to be answered to its end, in seconds (default: 1800)."""

    shutdown_grace_period_secs: int = 180
    """Time that requests in flight have to end after the port has closed; then the router closes
    their connections, in seconds (default: 180)."""

    max_concurrent_requests: int = -1
    """Requests that may be under way at workers; further ones wait in the queue. 0 or less for no
    limit (default: -1)."""

    queue_size: int = 100
    """Requests that may wait behind these limits; further ones are answered 429 (default: 100)."""

    queue_timeout_secs: int = 60
    """Time that a request may wait in that queue, --request-timeout-secs at most; then it is
    answered 408. 0: none waits, in seconds (default: 60)."""

    rate_limit_tokens_per_second: Optional[int] = None
    """Requests that may begin per second, with bursts of one second; further ones wait in the
    queue. 0 or less for no limit (default: no limit)."""

    cors_allowed_origins: List[str] = dataclasses.field(default_factory=list)
    """Origins of web pages that may read answers, such as https://app.example:8443; none or * for
    all."""

    retry_max_retries: int = 5
    """Attempts of one request at most, the first one included, as sglang_router counts them; 0 and
    1 send every request once (default: 5)."""

    retry_initial_backoff_ms: int = 50
    """Milliseconds before the second attempt; a request that never left, or met 429 or 503, goes to
    another worker at once (default: 50)."""

    retry_max_backoff_ms: int = 30000
    """Milliseconds before a further attempt at most (default: 30000)."""

    retry_backoff_multiplier: float = 1.5
    """Factor by which the pause grows from one attempt to the next (default: 1.5)."""

    retry_jitter_factor: float = 0.2
    """Share of the pause by which chance lengthens or shortens it (default: 0.2)."""

    disable_retries: bool = False
    """Send every request once; only one that never left goes to another worker."""

    health_failure_threshold: int = 3
    """Failed checks in a row that take a worker out; a refused connection takes it out at once
    (default: 3)."""

    health_success_threshold: int = 2
    """Passed checks in a row that bring back a worker whose checks failed; one that refused
    connections needs one (default: 2)."""

    health_check_timeout_secs: int = 5
    """Time for a worker to answer a check; an engine takes at least one second for /health, in
    seconds (default: 5)."""

    health_check_interval_secs: int = 60
    """Pause between two checks of a worker that is well; requests notice one that died without it,
    in seconds (default: 60)."""

    health_check_endpoint: str = "/health"
    """Path at which the router checks workers; with /health it asks the quicker /ready, and /health
    only of engines without /ready (default: /health)."""

    disable_health_check: bool = False
    """Take workers for well when they are registered; only their connections, and silence while
    they have requests, speak against them."""

    cb_failure_threshold: int = 10
    """Failures in a row (connection lost, 500, 502, 504) that open the circuit breaker of a worker:
    it takes no requests (default: 10)."""

    cb_success_threshold: int = 3
    """Successes that close a half-open breaker, and the requests that it lets through at once
    (default: 3)."""

    cb_timeout_duration_secs: int = 60
    """Time after which an open breaker is half-open; one opened by lost connections closes when the
    worker is back, in seconds (default: 60)."""

    cb_window_duration_secs: int = 120
    """Age beyond which a failure no longer counts for the breaker, in seconds (default: 120)."""

    disable_circuit_breaker: bool = False
    """Keep the circuit breakers of all workers closed."""

    model_path: Optional[str] = None
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tokenizer_path: Optional[str] = None
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    chat_template: Optional[str] = None
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tokenizer_cache_enable_l0: bool = False
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tokenizer_cache_l0_max_entries: int = 10000
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tokenizer_cache_enable_l1: bool = False
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tokenizer_cache_l1_max_memory: int = 52428800
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    reasoning_parser: Optional[str] = None
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    tool_call_parser: Optional[str] = None
    """Has no effect: workers that speak HTTP tokenize, apply the chat template and parse their
    output themselves."""

    mcp_config_path: Optional[str] = None
    """MCP is not available in this version yet."""

    backend: str = "sglang"
    """A backend other than sglang is not available in this version yet. One of sglang, openai,
    vllm, trtllm, tokenspeed, anthropic, gemini."""

    history_backend: str = "memory"
    """History of responses and conversations in the router is not available in this version yet.
    One of memory, none, oracle, postgres, redis."""

    oracle_wallet_path: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_tns_alias: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_connect_descriptor: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_username: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_password: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_pool_min: int = 1
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_pool_max: int = 16
    """History of responses and conversations in the router is not available in this version yet."""

    oracle_pool_timeout_secs: int = 30
    """History of responses and conversations in the router is not available in this version yet."""

    postgres_db_url: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    postgres_pool_max: int = 16
    """History of responses and conversations in the router is not available in this version yet."""

    redis_url: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    redis_pool_max: int = 16
    """History of responses and conversations in the router is not available in this version yet."""

    redis_retention_days: int = 30
    """History of responses and conversations in the router is not available in this version yet."""

    client_cert_path: Optional[str] = None
    """Certificate with which the router identifies itself to https:// workers (PEM) (default:
    none)."""

    client_key_path: Optional[str] = None
    """Private key of that certificate (PEM) (default: none)."""

    ca_cert_paths: List[str] = dataclasses.field(default_factory=list)
    """Certificate authorities (PEM) that may have signed the certificates of workers, beside those
    that Node.js knows."""

    server_cert_path: Optional[str] = None
    """Certificate of the router with its chain (PEM): the router speaks TLS on its port. A change
    of the file is noticed (default: no TLS)."""

    server_key_path: Optional[str] = None
    """Private key of that certificate (PEM) (default: no TLS)."""

    enable_trace: bool = False
    """OpenTelemetry tracing is not available in this version yet."""

    otlp_traces_endpoint: str = "localhost:4317"
    """OpenTelemetry tracing is not available in this version yet."""

    control_plane_api_keys: List[Tuple[str, str, str, str]] = dataclasses.field(default_factory=list)
    """Keys for the control API (/workers, /flush_cache, ...); only those with the role admin may
    use it."""

    control_plane_audit_enabled: bool = False
    """Write one log line for each request to the control API: who, what, result, request id."""

    jwt_issuer: Optional[str] = None
    """Keys for clients and workers are not available in this version yet; guard the router by what
    stands in front of it."""

    jwt_audience: Optional[str] = None
    """Keys for clients and workers are not available in this version yet; guard the router by what
    stands in front of it."""

    jwt_jwks_uri: Optional[str] = None
    """Keys for clients and workers are not available in this version yet; guard the router by what
    stands in front of it."""

    jwt_role_mapping: Dict[str, str] = dataclasses.field(default_factory=dict)
    """Keys for clients and workers are not available in this version yet; guard the router by what
    stands in front of it."""

    consistent_hashing_load_factor: float = 0
    """consistent_hashing: a worker gets at most this times its even share of the requests in
    flight, further ones go to the next; 0 for no bound, else from 1 (default: 0)."""

    prefix_token_count: int = 256
    """prefix_hash: length of the beginning of a prompt that counts, in tokens of 4 bytes (default:
    256)."""

    prefix_hash_load_factor: float = 1.25
    """prefix_hash: a worker gets at most this times its even share of the requests in flight,
    further ones go to the next (default: 1.25)."""

    stream_start_secs: float = 30
    """Time from the whole request after which a stream begins with the head and the comments of
    decode, though no event has arrived. Until then another pair can be tried. The default is
    half of the 60 s after which proxies usually close a silent connection, and more than the 14
    s after which decode reports that it cannot reach prefill, in seconds (default: 30)."""

    pd_bootstrap_timeout_secs: float = 330
    """Time from the sending of a pair to the end of prefill, and then to the first event of a
    stream; 0 for no limit. The default lets engines speak first, which give up after 300 s by
    themselves (SGLANG_DISAGGREGATION_BOOTSTRAP_TIMEOUT), in seconds (default: 330)."""

    stream_idle_timeout_secs: float = 600
    """Longest silence of a worker in the middle of an answer; 0 for no limit, in seconds (default:
    600)."""

    sse_keepalive_secs: float = 0
    """Silence of the engine after which an event stream gets a comment, so that proxies in front do
    not close it; clients of event streams skip comments. 0 for none, in seconds (default: 0)."""

    max_replay_bytes: int = 2097152
    """Part of a body that is held so that it can be sent to another worker; a larger body is
    streamed and sent once, in bytes (default: 2097152)."""

    forward_headers: List[str] = dataclasses.field(default_factory=list)
    """Further header fields of clients that workers get to see; '*' for all but hop-by-hop fields."""

    disable_transparent_proxy: bool = False
    """Answer 404 on the routes of engines that sglang_router 0.3.2 does not have, instead of asking
    a worker."""

    forward_paths: List[str] = dataclasses.field(default_factory=list)
    """Further paths that go to a worker as they are; /* at the end takes everything below that does
    not change an engine."""

    seed: Optional[int] = None
    """Start of the random numbers, for choices that can be repeated in tests (default: drawn at
    start)."""

    worker_overload_waiting_requests: Optional[int] = None
    """Requests in the queues of an engine from which on it takes no new ones; if every worker has
    as many, requests are answered 503 at once (default: no bound)."""

    worker_overload_token_usage: Optional[float] = None
    """The same for the share of its KV cache that an engine uses (default: no bound)."""

    priority_scheduler_enabled: bool = False
    """Share the slots of the workers among classes of requests, which the header field
    x-smg-priority names."""

    priority_scheduler_default_max_class: str = "default"
    """Highest class that a request can have; a higher one in its header field counts as this one
    (default: default). One of system, interactive, default, bulk."""

    priority_scheduler_config: Optional[str] = None
    """YAML file with the slots, the queue and the weight of each class (default: the defaults of
    docs/limits.md)."""

    max_connections: int = 16384
    """Open client connections at most; further ones are answered 503 and closed (default: 16384)."""

    header_timeout_secs: float = 30
    """Time for the head of a request to arrive, in seconds (default: 30)."""

    body_timeout_secs: float = 60
    """Longest pause between two pieces of the body of a request, in seconds (default: 60)."""

    keep_alive_timeout_secs: float = 75
    """Time after which an idle client connection is closed, in seconds (default: 75)."""

    health_check_port: Optional[int] = None
    """Port of a listener in a thread of its own that answers /readiness, /liveness and /health
    while the router is busy; 0 for any free one (default: no such listener)."""

    shutdown_settle_secs: float = 0
    """Time between SIGTERM and the end of the listener: readiness is 503, requests are served, load
    balancers notice, in seconds (default: 0)."""

    api_key_file: Optional[str] = None
    """File that holds the key of --api-key; blank lines and spaces around it do not count (default:
    no file)."""

    control_plane_api_keys_file: Optional[str] = None
    """File with keys for the control API, one ID:NAME:ROLE:KEY per line; lines that begin with # do
    not count (default: no file)."""

    workers_file: Optional[str] = None
    """YAML, JSON or text file with further workers, which the router watches and follows
    (docs/reload.md) (default: no file)."""

    drain_settle_secs: int = 0
    """Time that a removed worker stays listed as draining at least; it does so in any case until
    its last request has ended, in seconds (default: 0)."""

    connect_timeout_secs: float = 5
    """Time for a connection to a worker to open, in seconds (default: 5)."""

    max_connections_per_worker: int = 4096
    """Open connections to one worker at most; further requests wait in its queue (default: 4096)."""

    upstream_queue_size: int = 4096
    """Requests that may wait for a connection to one worker; further ones are answered 503
    (default: 4096)."""

    upstream_queue_timeout_secs: float = 60
    """Time that a request may wait for a connection to a worker, in seconds (default: 60)."""

    upstream_keep_alive_secs: float = 4
    """Time that an idle connection to a worker is kept; must stay below the 5 s after which SGLang
    closes it; 0 keeps none, in seconds (default: 4)."""

    retry_status_codes: Optional[List[int]] = None
    """Statuses of workers after which another attempt is made; '502,503,504' repeats no request
    that an engine has judged (default: 408, 429, 500, 502, 503, 504)."""

    retry_budget_ratio: float = 0.5
    """Retries of the last 10 s at most, as a share of the requests of that time, beside 10 a second
    that are always allowed; it keeps an outage from multiplying the traffic (default: 0.5)."""

    log_format: str = "auto"
    """Form of the log; auto is pretty on a terminal and JSON otherwise (default: auto). One of
    auto, pretty, json."""

    access_log: str = "auto"
    """One record per request; auto stops while there are more than 100 requests per second
    (default: auto). One of auto, on, off."""

    metrics_path: str = ""
    """Path, such as /metrics, at which the main port serves metrics too (default: not served
    there)."""

    config: Optional[str] = None
    """YAML file with settings, named like the flags; flags and environment go before it (default:
    no file)."""

    config_watch: bool = False
    """Reload when the file of --config changes, as SIGHUP does (docs/reload.md)."""

    router_disable_arg_fallback: bool = False
    """What it stands for is not available in this version yet."""

    epd_disaggregation: bool = False
    """Encode workers are not available in this version yet."""

    encode: List[Tuple[str, Optional[int]]] = dataclasses.field(default_factory=list)
    """Encode workers are not available in this version yet."""

    encode_policy: Optional[str] = None
    """Encode workers are not available in this version yet. One of random, round_robin,
    consistent_hashing."""

    encode_selector: List[str] = dataclasses.field(default_factory=list)
    """Encode workers are not available in this version yet."""

    least_load_kv_pressure_weight: float = 0.15
    """The policy least_load is not available in this version yet."""

    least_load_default_throughput: float = 2000
    """The policy least_load is not available in this version yet."""

    least_load_mean_prefill_tokens: int = 1024
    """The policy least_load is not available in this version yet."""

    balance_token_usage_threshold: float = 1
    """Routing by reported token usage is not available in this version yet."""

    overload_token_usage_threshold: float = 1
    """Routing by reported token usage is not available in this version yet."""

    load_monitor_interval: int = 10
    """Routing by reported token usage is not available in this version yet."""

    block_size: int = 16
    """Routing by reported token usage is not available in this version yet."""

    kv_indexer_url: Optional[str] = None
    """Routing by reported token usage is not available in this version yet."""

    dp_minimum_tokens_scheduler: bool = False
    """Routing by reported token usage is not available in this version yet."""

    routing_key_override: bool = False
    """Routing by key is not available in this version yet."""

    worker_startup_delay: int = 0
    """Has no effect: a worker is probed from its registration on, and used as soon as a probe
    passes."""

    remove_unhealthy_workers: bool = False
    """Control over checks of workers at this level is not available in this version yet."""

    multimodal_tensor_transport: Optional[str] = None
    """Transport of multimodal tensors is not available in this version yet. One of inline, shm,
    auto, rdma."""

    multimodal_shm_min_bytes: Optional[int] = None
    """Transport of multimodal tensors is not available in this version yet."""

    model_id_from: Optional[str] = None
    """Renaming of models is not available in this version yet."""

    model_alias: List[str] = dataclasses.field(default_factory=list)
    """Renaming of models is not available in this version yet."""

    disable_tokenizer_autoload: bool = False
    """Tokenizing in the router is not available in this version yet."""

    storage_context_headers: List[str] = dataclasses.field(default_factory=list)
    """History of responses and conversations in the router is not available in this version yet."""

    storage_hook_wasm_path: Optional[str] = None
    """WebAssembly extension is not available in this version yet."""

    enable_wasm: bool = False
    """WebAssembly extension is not available in this version yet."""

    oracle_external_auth: bool = False
    """History of responses and conversations in the router is not available in this version yet."""

    schema_config: Optional[str] = None
    """History of responses and conversations in the router is not available in this version yet."""

    enable_mesh: bool = False
    """A mesh of routers is not available in this version yet."""

    mesh_server_name: Optional[str] = None
    """A mesh of routers is not available in this version yet."""

    mesh_host: str = "0.0.0.0"
    """A mesh of routers is not available in this version yet."""

    mesh_advertise_host: Optional[str] = None
    """A mesh of routers is not available in this version yet."""

    mesh_port: int = 39527
    """A mesh of routers is not available in this version yet."""

    mesh_peer_urls: List[str] = dataclasses.field(default_factory=list)
    """A mesh of routers is not available in this version yet."""

    router_selector: List[str] = dataclasses.field(default_factory=list)
    """A mesh of routers is not available in this version yet."""

    engine_metrics: bool = False
    """What it stands for is not available in this version yet."""

    tenant_header_name: str = "x-smg-tenant-id"
    """Tenants are not available in this version yet."""

    trust_tenant_header: bool = False
    """Tenants are not available in this version yet."""

    tenant_api_key: List[str] = dataclasses.field(default_factory=list)
    """Tenants are not available in this version yet."""

    tenant_rate_limit_enabled: bool = False
    """Tenants are not available in this version yet."""

    tenant_rate_limit_config: Optional[str] = None
    """Tenants are not available in this version yet."""

    priority_scheduler_tenant_metric_top_n: int = 32
    """Tenants are not available in this version yet."""

    jwt_role_claim: str = "roles"
    """Keys for clients are not available in this version yet."""

    disable_audit_logging: bool = False
    """Audit logs are not available in this version yet."""

    webrtc_bind_addr: Optional[str] = None
    """What it stands for is not available in this version yet."""

    webrtc_stun_server: Optional[str] = None
    """What it stands for is not available in this version yet."""

    runtime_worker_threads: Optional[int] = None
    """What it stands for is not available in this version yet."""
