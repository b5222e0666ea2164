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
}

/** bundled: this package's router; sglang_router: `python -m sglang_router.launch_router` of the container. */
export type RouterChoice = 'bundled' | 'sglang_router';

/** ceiling: the seed's `ceil((nodes - 1) / additional)`, which may start fewer; even: as many as asked, if nodes suffice. */
export type RouterSpread = 'ceiling' | 'even';

/** The tier in front of the workers: routers or Dynamo frontends, and nginx. */
export interface Frontend {
  readonly router: RouterChoice;
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
  /** Install the package in each container before it is used. */
  readonly install: boolean;
  readonly version: string | null;
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
  readonly environment: Environment;
}

/** A command of the recipe's author, run by `bash -lc`. */
interface CustomBenchmark {
  readonly type: 'custom';
  readonly command: string;
  readonly container: string | null;
  readonly environment: Environment;
}

export type Benchmark = ManualBenchmark | SaBenchmark | CustomBenchmark;

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
  readonly setupScript: string | null;
  readonly healthCheck: HealthCheck;
  readonly benchmark: Benchmark;
  /** Values that must not appear in any file or log: those of keys that look secret and those tagged `!secret`. */
  readonly secrets: readonly string[];
}
