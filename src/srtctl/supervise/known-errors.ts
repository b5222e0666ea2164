/** Errors that are known by their words, what they mean, and what to do. The troubleshooting section of the manual, as code. */
import type { PlanRole } from '../plan/plan.ts';

export interface KnownError {
  /** For tests and for people who search. */
  readonly name: string;
  readonly pattern: RegExp;
  /** Roles whose output it is looked for in; null: all. */
  readonly roles: readonly PlanRole[] | null;
  /** cause: explains other failures; symptom: usually a consequence of one elsewhere. */
  readonly kind: 'cause' | 'symptom';
  readonly hint: string;
}

const ENGINES: readonly PlanRole[] = ['prefill', 'decode', 'aggregated'];

/** Names of entries. */
export const LOST_ETCD = 'lost etcd';
export const CANNOT_REACH = 'cannot reach';

/** Best known first: in this order they are told. */
export const KNOWN_ERRORS: readonly KnownError[] = [
  {
    name: 'no space on disk',
    pattern: /no space left on device|ENOSPC|disk quota exceeded|EDQUOT/i,
    roles: null,
    kind: 'cause',
    hint: 'A disk is full or over quota. Free space, or write runs elsewhere with -o DIR (and caches with HF_HOME, TMPDIR).',
  },
  {
    name: 'port conflict',
    pattern: /address already in use|EADDRINUSE|errno 98\b|port \d+ is (?:already )?(?:in use|not available|occupied)/i,
    roles: null,
    kind: 'cause',
    hint: 'Port conflict: somebody else listens there. nginx has the public port (8000) and routers behind it listen on 30080; look for a leftover of an earlier run (`ss -ltnp`), or choose another port in the recipe.',
  },
  {
    name: 'gpu out of memory',
    pattern:
      /cuda(?: error)?:? out of memory|OutOfMemoryError|hipErrorOutOfMemory|not enough memory.{0,80}mem.fraction|CUBLAS_STATUS_ALLOC_FAILED/i,
    roles: ENGINES,
    kind: 'cause',
    hint: 'GPU memory is exhausted: lower mem-fraction-static, context-length, max-running-requests or cuda-graph-max-bs, raise tensor-parallel-size, or look for another process on that GPU (nvidia-smi).',
  },
  {
    name: 'host out of memory',
    pattern: /oom.?kill|out of memory: killed process|cannot allocate memory|std::bad_alloc|\bENOMEM\b|JavaScript heap out of memory/i,
    roles: null,
    kind: 'cause',
    hint: 'Memory of the machine is exhausted: run fewer processes on the node, or ask for more memory (SLURM: --mem).',
  },
  {
    name: 'step before the process',
    pattern: /^srtctl: .{1,400} failed with status \d+/,
    roles: null,
    kind: 'cause',
    hint: 'A command in front of the process failed: the preamble of the cluster file, or the installation of SGLang from sglang_src_dir. Its output is in the log above this line.',
  },
  {
    name: 'command not found',
    pattern: /exec: .{0,200}: (?:not found|permission denied)|command not found| was not found; PATH is |: No such file or directory$/i,
    roles: null,
    kind: 'cause',
    hint: 'A program is missing where the process runs: check the container, and PATH or the preamble of the cluster file.',
  },
  {
    name: 'no Dynamo',
    pattern: /No module named '?dynamo\b/,
    roles: null,
    kind: 'cause',
    hint: 'The python3 of this process has no Dynamo: install it there, let the container be one that holds it, or name another python3 by PATH or the preamble of the cluster file.',
  },
  {
    name: 'etcd or NATS at the start',
    pattern: /\b(?:etcd|nats) startup connection timed out/i,
    roles: null,
    kind: 'cause',
    hint: 'etcd or NATS could not be reached from its node, though both were ready on n0: their ports (2379, 4222) must be open between the nodes.',
  },
  {
    name: 'module not found',
    pattern: /ModuleNotFoundError|No module named|ImportError|ERR_MODULE_NOT_FOUND|Cannot find module/i,
    roles: null,
    kind: 'cause',
    hint: 'A module is missing: the container or the environment of the preamble does not hold SGLang (or its router) in a version that fits, or the package was not built.',
  },
  {
    name: 'unknown flag',
    pattern:
      /unrecognized arguments|invalid choice|unknown option|unexpected argument|no such option|the following arguments are required/i,
    roles: null,
    kind: 'cause',
    hint: 'A flag of the recipe is not known to the program of this version: compare sglang_config (or frontend.args) with its --help.',
  },
  {
    name: 'model not found',
    pattern:
      /does not appear to have a file named|is not a local folder and is not a valid model|repository not found|Can't load (?:the )?(?:config|tokenizer|model)|no such file or directory: ['"]?\/model/i,
    roles: null,
    kind: 'cause',
    hint: 'The model was not found: check model.path and its alias in the cluster file, and that the path is mounted where the engine looks for it.',
  },
  {
    name: 'model access',
    pattern: /gated repo|401 client error|403 client error|invalid user token/i,
    roles: null,
    kind: 'cause',
    hint: 'The model needs a token: set HF_TOKEN in environment.',
  },
  {
    name: 'context length',
    pattern: /longer than the model's context length|exceeds the model's maximum context length/i,
    // Engines say it of every such request of anybody, which is no reason for them to fail.
    roles: ['benchmark'],
    kind: 'cause',
    hint: 'A request does not fit into the context of the model: lower isl and osl of the benchmark, or raise context-length.',
  },
  {
    name: 'no gpu',
    pattern:
      /no cuda gpus are available|no cuda-capable device|invalid device ordinal|found no nvidia driver|cuda driver version is insufficient/i,
    roles: ENGINES,
    kind: 'cause',
    hint: 'The engine sees too few GPUs or no driver: compare gpus_per_node and tensor-parallel-size with what the node has (nvidia-smi).',
  },
  {
    name: 'too many open files',
    pattern: /too many open files|EMFILE/i,
    roles: null,
    kind: 'cause',
    hint: 'Limit of open files reached: raise `ulimit -n` (nginx: nginx_raise_ulimit: true).',
  },
  {
    name: 'bootstrap',
    pattern:
      /KVPoll\.(?:Bootstrapping|WaitingForInput)|bootstrap (?:server|port|addr|info|failed).{0,120}(?:fail|refused|timed? ?out|error|mismatch|not found|unreachable|could not)|(?:fail|could not|unable).{0,80}bootstrap/i,
    roles: null,
    kind: 'cause',
    hint: 'Prefill and decode did not find each other over the bootstrap port: disaggregation-bootstrap-port must be the same in prefill, decode and what the router is told, and reachable between the nodes.',
  },
  {
    name: 'transfer backend',
    pattern: /(?:nixl|mooncake|ucx|rdma|ibv_|infiniband).{0,120}(?:fail|error|not found|unable|no device)|no (?:rdma|ib) device/i,
    roles: ENGINES,
    kind: 'cause',
    hint: 'Transfer of the KV cache failed: the same disaggregation-transfer-backend must be installed on both sides, and its devices (disaggregation-ib-device, UCX_TLS) must exist on the nodes.',
  },
  {
    name: 'worker start-up timeout of the router',
    pattern:
      /worker.{0,80}(?:did not become|not become|failed to become) (?:healthy|ready)|timeout waiting for worker|timed out waiting for .{0,40}worker/i,
    roles: ['router'],
    kind: 'symptom',
    hint: 'The router gave up on a worker before it was up: raise worker-startup-timeout-secs in frontend.args, and see why the worker was late.',
  },
  {
    name: LOST_ETCD,
    pattern: /Unable to maintain lease|Unable to reconnect to ETCD|^etcd on n\d+ did not answer/i,
    roles: null,
    kind: 'symptom',
    hint: 'etcd did not answer for longer than its lease (ETCD_LEASE_TTL): Dynamo processes that lose it end by themselves, with status 0. See logs/etcd.log: was it stopped, starved, without a disk, or out of reach?',
  },
  {
    name: CANNOT_REACH,
    pattern:
      /connection refused|ECONNREFUSED|connect\(\) failed|no route to host|EHOSTUNREACH|name or service not known|EAI_AGAIN|ENOTFOUND/i,
    roles: ['benchmark', 'router', 'frontend', 'nginx'],
    kind: 'symptom',
    hint: 'Nobody answers at an address that it needs. The benchmark talks to the public endpoint on node 0: nginx must run there (enable_multiple_frontends: true) or the router (false); routers need workers that are up and a network between the nodes.',
  },
  {
    name: 'collective communication',
    pattern:
      /NCCL (?:error|WARN)|ncclSystemError|ncclUnhandled|ncclInternalError|ncclRemoteError|DistBackendError|gloo.{0,60}(?:timeout|timed out|refused|closed)|TCPStore/i,
    roles: ENGINES,
    kind: 'symptom',
    hint: 'Communication between ranks failed. If no other rank failed first: check network_interface (NCCL_SOCKET_IFNAME, GLOO_SOCKET_IFNAME), that the dist-init port is open, and NCCL_DEBUG=INFO.',
  },
  {
    name: 'watchdog',
    pattern:
      /watchdog (?:timeout|caught)|scheduler (?:hit|died|exited)|A child process (?:exited|died|failed)|SIGQUIT received|Received sigquit from a child/i,
    roles: ENGINES,
    kind: 'symptom',
    hint: 'A part of the engine died or hung; the lines above in its log say which and why.',
  },
];

/**
 * Lines that speak of errors and are none: engines try every model class and say which they skip, print all of their settings,
 * pass on warnings of libraries, tell of requests whose client went away, and call it a failure that somebody asked
 * whether they are well before they were. Source: logs of SGLang 0.5.23 and ai-dynamo 1.6.1.
 */
const BENIGN =
  /Ignore import error|server_args=|ServerArgs\(|\b(?:User|Deprecation|Future|Runtime)Warning\b|warnings\.warn|Fail to set RLIMIT|Aborted by AbortReq|falling back to |py-spy|tower_http::trace::on_failure/;

export function isBenign(line: string): boolean {
  return BENIGN.test(line);
}

/** Entries that match a line of `lines`, in the order of KNOWN_ERRORS. */
export function findKnownErrors(role: PlanRole, lines: readonly string[]): KnownError[] {
  return KNOWN_ERRORS.filter(
    ({ pattern, roles }) => (roles === null || roles.includes(role)) && lines.some((line) => !isBenign(line) && pattern.test(line)),
  );
}
