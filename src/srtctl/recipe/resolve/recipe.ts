/** What a recipe means once it is loaded: both spellings merged, aliases and defaults of the cluster file applied, every number checked. */

/**
 * A value of an engine or router flag. true: the flag alone; false and null: no flag at all; a list: several words after the
 * flag; an object: one word of JSON. Integers beyond 2^53 stay text, digit by digit.
 */
export type FlagValue = string | number | boolean | null | readonly (string | number | boolean)[] | { readonly [key: string]: unknown };

/** Flag names without the leading dashes, words joined by `-`, in the order of the file. What only the plan can know (host, nnodes, ...) is left out. */
export type Flags = Readonly<Record<string, FlagValue>>;

/** Names and values of environment variables. Values are text as the process will see it. */
export type Environment = Readonly<Record<string, string>>;

export type WorkerRole = 'prefill' | 'decode' | 'aggregated';

/** All workers of one role. */
export interface WorkerGroup {
  readonly role: WorkerRole;
  /** At least 1. */
  readonly workers: number;
  /** Nodes of this group alone; 0 for decode workers that share the nodes of the prefill workers (`decode_nodes: 0`). */
  readonly nodes: number;
  /** GPUs of one worker, at least 1; more than `Resources.gpusPerNode` makes it a worker of several nodes. */
  readonly gpusPerWorker: number;
  /** As in `sglang_config.<role>`; nothing is added. */
  readonly flags: Flags;
  /** `<role>_environment`. It wins over `Recipe.environment`. */
  readonly environment: Environment;
  /** Image of this role; null: that of the model. */
  readonly container: string | null;
  /** What follows `--kv-events-config` besides the endpoint; null: no events. */
  readonly kvEvents: Readonly<Record<string, unknown>> | null;
}

export interface Model {
  /** Path, `hf:org/name`, or a name that no alias of the cluster file explains. */
  readonly path: string;
  /** Image or path of an image; null where the recipe names none (allowed for `backend.type: sim` and runtime `none`). */
  readonly container: string | null;
  /** fp4, fp8, ...; free text for the report. */
  readonly precision: string | null;
}

export interface Resources {
  readonly gpuType: string | null;
  readonly gpusPerNode: number;
  /** Nodes of all worker groups together. */
  readonly nodes: number;
  /** One worker that is smaller than a node takes a node for itself. */
  readonly spreadWorkers: boolean;
  /** Workers smaller than a node fill one node after the other, all roles in one row of nodes, as srt-slurm places them. */
  readonly packWorkers: boolean;
}

/** bundled: this package's router; sglang_router: `python -m sglang_router.launch_router` of the container. */
export type RouterChoice = 'bundled' | 'sglang_router';

/** ceiling: the seed's `ceil((nodes - 1) / additional)`, which may start fewer; even: as many as asked, if nodes suffice. */
export type RouterSpread = 'ceiling' | 'even';

/** The tier in front of the workers: routers or Dynamo frontends, and nginx. */
export interface Frontend {
  readonly router: RouterChoice;
  /** The recipe names its router; otherwise the plan may take sglang_router where the bundled one cannot do what the flags ask. */
  readonly isRouterNamed: boolean;
  /** The only worker has the public port: there are neither routers nor nginx. */
  readonly isDirect: boolean;
  /** Image of sglang_router and of Dynamo frontends; null: that of the model. */
  readonly container: string | null;
  /** Frontends in containers are bound to the first NUMA node. */
  readonly bindsNuma: boolean;
  /** nginx and several routers; otherwise one router on the public port. */
  readonly multiple: boolean;
  /** Routers beyond the first, 0 or more. */
  readonly additional: number;
  readonly spread: RouterSpread;
  /** The endpoint listens on all addresses of node 0; null: on the one that the plan uses. */
  readonly publicHost: '0.0.0.0' | '::' | null;
  /** Port of the endpoint on node 0. */
  readonly publicPort: number;
  /** Port of routers behind nginx. */
  readonly routerPort: number;
  /** More flags of every router. */
  readonly args: Flags;
  readonly environment: Environment;
  readonly nginx: Nginx;
}

export interface Nginx {
  readonly container: string;
  readonly raiseUlimit: boolean;
  /** Header whose value binds a session to a router; null: plain round robin. */
  readonly affinityHeader: string | null;
  /** As nginx writes times: `600s`. */
  readonly keepaliveTimeout: string;
}

export interface Mount {
  /** Path on the host. */
  readonly host: string;
  /** Path in the container, absolute. */
  readonly container: string;
  /** What follows a second colon, for example `ro`; null if nothing does. */
  readonly options: string | null;
}

/** What SLURM is asked for. Null: neither the recipe nor the cluster file says; SLURM's own default counts. */
export interface SlurmRequest {
  readonly account: string | null;
  readonly partition: string | null;
  /** As SLURM writes it: `MM`, `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM`, `D-HH:MM:SS`. */
  readonly timeLimit: string | null;
  readonly timeLimitSeconds: number | null;
}

/** Upper bounds of the wait for readiness. */
export interface HealthCheck {
  readonly intervalMs: number;
  /** Attempts times interval. */
  readonly timeoutMs: number;
  /** While the fleet runs: a process that has not answered its probe for so long ends the run. */
  readonly silenceMs: number;
}

export interface Dynamo {
  readonly requestPlane: 'tcp' | 'nats' | 'http';
  readonly eventPlane: 'nats' | 'zmq';
  /** Directory with the tokenizer of simulated engines; null: that of this package. */
  readonly mockerModel: string | null;
  /** Of clients; its peers have the next one. */
  readonly etcdPort: number;
  /** Of clients; its monitoring has one 4000 higher. */
  readonly natsPort: number;
  /** Health and metrics of the first worker of a node; others have the next free ones. */
  readonly workerPort: number;
  /** What is installed in each container before it is used; null: the container has it. */
  readonly install: DynamoSource | null;
  /** As JSON for `--router-policy-config` of the frontends; null: none. */
  readonly workerSelection: unknown;
  /** etcd and NATS have a node to themselves, the first of the job. */
  readonly hasInfraNode: boolean;
  /** Null: NATS's own limit. */
  readonly natsMaxPayloadMb: number | null;
}

/** Where Dynamo comes from. `version`: of the package; `wheel`: a nightly version, or a wheel as pip takes it. */
export type DynamoSource =
  | { readonly kind: 'version'; readonly version: string; readonly isDefault: boolean }
  | { readonly kind: 'wheel'; readonly wheel: string }
  /** `revision` null: the newest commit. */
  | { readonly kind: 'git'; readonly repository: string; readonly revision: string | null; readonly patches: readonly string[] };

/** A Mooncake master for all workers. */
export interface MooncakeStore {
  readonly container: string | null;
  /** Of every worker. */
  readonly environment: Environment;
  readonly masterArgs: readonly string[];
}

export type ServicePlace = 'head' | 'infra' | 'workers' | 'all' | WorkerRole;

/** log: a line of its output matches the regular expression. */
export type ServiceReady =
  | { readonly kind: 'none' }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'http'; readonly port: number; readonly path: string }
  | { readonly kind: 'log'; readonly pattern: string };

/** A process beside the fleet. */
export interface Service {
  readonly name: string;
  /** Null: that of the model. */
  readonly container: string | null;
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Shell commands in front of it, in the same shell; null: none. */
  readonly preamble: string | null;
  /** One process on each of these nodes. */
  readonly place: ServicePlace;
  /** One process for each worker on each of its nodes instead, which sees the GPUs of the worker. */
  readonly isPerWorker: boolean;
  /** before: it must be ready before workers start; with: before routers start; after: it starts when routers and frontends are ready. */
  readonly start: 'before' | 'with' | 'after';
  readonly isCritical: boolean;
  /** It learns where etcd and NATS are, in Dynamo mode. */
  readonly usesDiscovery: boolean;
  /** It learns where the Mooncake master is. */
  readonly usesMooncake: boolean;
  readonly ready: ServiceReady;
  /** Longest wait for its readiness; null: that of the run. */
  readonly timeoutMs: number | null;
}

/** Commands on the bare nodes. */
export interface HostSetup {
  readonly commands: readonly string[];
  readonly teardown: readonly string[];
  readonly onlyWorkers: boolean;
  readonly isLenient: boolean;
  readonly timeoutSeconds: number;
}

/** The setup script on the host and the name by which it is asked for in containers. */
export interface SetupScript {
  /** File of the host, relative to the working directory or absolute; null: it was not found, and containers must have it in /configs. */
  readonly host: string | null;
  /** Its place below /configs; null: its own directory is mounted. */
  readonly inConfigs: string | null;
  /** Without directories. */
  readonly name: string;
}

export interface ProfiledSteps {
  readonly role: WorkerRole;
  readonly start: number;
  readonly stop: number;
}

/** Profiles of the engines. Without a benchmark, traffic of its own runs for a while. */
export interface Profiling {
  readonly type: 'torch' | 'nsys' | 'nsys-time';
  /** For each role that has workers. */
  readonly steps: readonly ProfiledSteps[];
  /** nsys-time: seconds from the start of a worker, and seconds recorded. */
  readonly delaySeconds: number;
  readonly durationSeconds: number;
  /** As nsys writes it. */
  readonly nsysTrace: string;
  readonly captureRangeEnd: string;
  readonly nsysArgs: readonly string[];
}

/** Holds the fleet up until it is cancelled. */
interface ManualBenchmark {
  readonly type: 'manual';
}

/** Closed loop of streaming completions, one point for each concurrency. */
interface SaBenchmark {
  readonly type: 'sa-bench';
  /** Tokens of a prompt (`isl`) and of an answer (`osl`). */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In the order of the recipe, each at least 1, none empty. */
  readonly concurrencies: readonly number[];
  /** Requests in a second; null for `inf`: as fast as the concurrency allows. */
  readonly requestRate: number | null;
  /** Lengths are uniform between this share of isl/osl and all of it; above 0 up to 1. */
  readonly rangeRatio: number;
  /** Measured requests of a point = this times its concurrency; warm-up likewise, 0 for none. */
  readonly promptsMultiplier: number;
  readonly warmupMultiplier: number;
  /** How often each point is measured. */
  readonly repeats: number;
  /** Of arrivals at a rate: 1 for a Poisson process, below 1 for bursts, above 1 for more even times. */
  readonly burstiness: number;
  /** Prompts are sent as chat messages. */
  readonly asChat: boolean;
  /** JSONL file of the host with prompts; null: random words. */
  readonly dataset: string | null;
  /** Decode workers sleep at each step for so long, until the wait is over; null: never. */
  readonly slowDown: { readonly sleepSeconds: number; readonly waitSeconds: number } | null;
  readonly environment: Environment;
}

/** A command of the recipe's author, run by `bash -lc`. */
interface CustomBenchmark {
  readonly type: 'custom';
  readonly command: string;
  readonly container: string | null;
  readonly environment: Environment;
}

/** `sglang.bench_serving` of the container, one run for each concurrency. */
export interface BenchServing {
  readonly type: 'sglang-bench';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly concurrencies: readonly number[];
  readonly requestRate: number | null;
  readonly container: string | null;
  readonly environment: Environment;
}

/** Prompts that share a prefix, one point for each share. */
export interface PrefixBenchmark {
  readonly type: 'router';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly requests: number;
  readonly concurrency: number;
  /** Each from 0 to 1, at least one. */
  readonly prefixRatios: readonly number[];
  readonly environment: Environment;
}

/** A trace in the Mooncake format. */
export interface TraceBenchmark {
  readonly type: 'trace-replay' | 'mooncake-router';
  /** Absolute file of the host, URL, or the name of a published trace. */
  readonly trace: string;
  /** Requests in flight, point after point; empty: requests start at the times of the trace. */
  readonly concurrencies: readonly number[];
  readonly goodTtftMs: number;
  readonly goodItlMs: number;
  /** Null: the client of this package replays it. */
  readonly aiperf: { readonly package: string; readonly args: Flags } | null;
  readonly container: string | null;
  readonly environment: Environment;
}

/** Answers are scored by a tool of the container. Null: the number of the tool. */
export interface ScoredBenchmark {
  readonly type: 'gsm8k' | 'gpqa' | 'mmlu' | 'longbenchv2' | 'aime' | 'lm-eval';
  readonly examples: number | null;
  readonly maxTokens: number | null;
  readonly repeat: number | null;
  readonly threads: number | null;
  readonly maxContextTokens: number | null;
  readonly categories: readonly string[];
  readonly shots: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  /** File of the host with the data; null: the tool gets its own. */
  readonly data: string | null;
  readonly container: string | null;
  readonly environment: Environment;
}

export type Benchmark = ManualBenchmark | SaBenchmark | CustomBenchmark | BenchServing | PrefixBenchmark | TraceBenchmark | ScoredBenchmark;

/** Where the client of the benchmark runs. `own`: on a node beyond those of the workers. */
export type ClientPlacement = 'head' | 'last-decode' | 'own';

/** How this recipe came out of its file, for names and reports. */
export interface Variant {
  /** `override_tp8` without `override_`, `base`, or null. */
  readonly override: string | null;
  /** What a sweep varied, parameter to value, in the order of the file; empty without a sweep. */
  readonly varied: Readonly<Record<string, unknown>>;
}

export interface Recipe {
  /** Name of the run. Results of sweeps and overrides have names of their own. */
  readonly name: string;
  readonly variant: Variant;
  /** router: SGLang router mode; dynamo: Dynamo frontends with etcd and NATS. */
  readonly mode: 'router' | 'dynamo';
  readonly model: Model;
  readonly resources: Resources;
  /** Prefill then decode, or aggregated alone. Never empty. */
  readonly workers: readonly WorkerGroup[];
  readonly disaggregated: boolean;
  readonly backend: {
    readonly type: 'sglang' | 'sim';
    /** Checkout that is mounted and installed on every worker; null: the container's SGLang. */
    readonly sglangSourceDirectory: string | null;
  };
  /** Directory of the host that containers see as /configs; null: there is none. */
  readonly configsDirectory: string | null;
  /** Directory of the host that containers see as /infmax-workspace; null: none. */
  readonly workspaceDirectory: string | null;
  readonly mooncake: MooncakeStore | null;
  readonly services: readonly Service[];
  readonly hostSetup: HostSetup | null;
  readonly profiling: Profiling | null;
  /** Revision of a model of a hub; null: its newest. */
  readonly modelRevision: string | null;
  /** Python packages and the versions that workers should have; they report differences in their logs. */
  readonly frameworks: Readonly<Record<string, string>>;
  readonly clientPlacement: ClientPlacement;
  readonly frontend: Frontend;
  readonly dynamo: Dynamo;
  readonly slurm: SlurmRequest;
  /** For every process but nginx. */
  readonly environment: Environment;
  /** `extra_mount`, then `container_mounts`. Placeholders such as `{job_id}` are still in. */
  readonly mounts: readonly Mount[];
  /** Null: an option without a value. */
  readonly srunOptions: Readonly<Record<string, string | null>>;
  readonly sbatchDirectives: Readonly<Record<string, string | null>>;
  readonly setupScript: SetupScript | null;
  readonly healthCheck: HealthCheck;
  readonly benchmark: Benchmark;
  /** Values that must not appear in any file or log: those of keys that look secret and those tagged `!secret`. */
  readonly secrets: readonly string[];
}
