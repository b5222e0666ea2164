// The plan: everything that a recipe starts, as data. Planning makes it, launchers execute it unchanged, `plan.json` of a run holds it.
import type { Benchmark, HealthCheck, WorkerRole } from '../recipe/resolve/recipe.ts';

/** What a process is. */
export type PlanRole = 'nginx' | 'router' | 'frontend' | WorkerRole | 'etcd' | 'nats' | 'mooncake' | 'service' | 'task' | 'benchmark';

/** Start order: a tier starts when all below it are up, and everything in a tier starts at once; stopping goes the other way. */
export const TIERS = { images: -1, infrastructure: 0, workers: 1, routers: 2, entrance: 3, benchmark: 4 } as const;

/** For people. */
export const TIER_NAMES: Readonly<Record<number, string>> = {
  [TIERS.images]: 'images',
  [TIERS.infrastructure]: 'infrastructure',
  [TIERS.workers]: 'workers',
  [TIERS.routers]: 'routers',
  [TIERS.entrance]: 'nginx',
  [TIERS.benchmark]: 'benchmark',
};

/**
 * When a process counts as ready. Every url and host holds a node symbol.
 * - `worker`: GET url + `/health` answers 200 and GET url + `/v1/models` lists `model`.
 * - `router`: GET url + `/workers` lists every one of `workers` (by url, in any order) as healthy.
 * - `frontend`: GET url + `/health` lists instances with `namespace` and the endpoint `generate`: `prefill` of them in the component
 *   `prefill`, `decode` in `backend` or `decode` (aggregated workers count here), no more and no fewer, since nobody else uses the etcd of
 *   a run; and GET url + `/v1/models` lists `model`.
 * - `dynamo-worker`: GET url + `/health`, the worker's own, names as ready an endpoint that begins so for each of `endpoints`.
 * - `http`: GET url answers 200. `run`: and GET its url answers with `says`, so that nobody else's server on the same address is taken for this one.
 * - `tcp`: a connection to host:port is accepted.
 * - `log`: a line of its output matches `pattern`, a regular expression.
 * - `done`: it has to end with status 0 before the next tier starts (a download).
 * - `exit`: it is done when it ends, and its status is its result (the benchmark).
 * - `none`: being alive is all that can be asked (ranks above 0 of a worker).
 */
export type ReadyRule =
  | { readonly kind: 'worker'; readonly url: string; readonly model: string }
  | { readonly kind: 'dynamo-worker'; readonly url: string; readonly endpoints: readonly string[] }
  | { readonly kind: 'router'; readonly url: string; readonly workers: readonly string[] }
  | {
      readonly kind: 'frontend';
      readonly url: string;
      readonly model: string;
      readonly namespace: string;
      readonly prefill: number;
      readonly decode: number;
    }
  | { readonly kind: 'http'; readonly url: string; readonly run: { readonly url: string; readonly says: string } | null }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'log'; readonly pattern: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'none' };

/**
 * Folder of the run directory for what processes need while they run: nothing of an earlier run may be there, and nothing of it is worth
 * keeping. Runs begin and end without it.
 */
export const SCRATCH_FOLDER = 'scratch';

/** A file to be written before its process starts; `path` is relative to the run directory, symbols in `content` are bound. */
export interface PlannedFile {
  readonly path: string;
  readonly content: string;
}

/** A directory of the host made visible in the container of a process. */
export interface PlannedMount {
  /** Absolute path on the host; may hold `<run>` and `<package>`. */
  readonly host: string;
  /** Absolute path in the container. */
  readonly container: string;
  /** Such as `ro`; null: none. */
  readonly options: string | null;
}

/**
 * A command run to its end before the process starts: same node, container, environment, mounts and log as the process. A status other
 * than 0 is a failed start. Executed as it stands (argv, no shell).
 */
export interface PlannedStep {
  /** For people, such as `install SGLang from source`. */
  readonly what: string;
  readonly argv: readonly string[];
  /** Absolute directory to run in; null: that of the process. */
  readonly cwd: string | null;
  /** Added to the environment of the process, for this step alone. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * One operating-system process. Symbols in argv, env, mounts, before, files and ready, bound by the launcher and nothing else:
 * - `<node0>`, `<node1>`...: the address of n0, n1..., `<infra>` and `<client>` those of nodes without workers (an IPv6 address gets its
 *   brackets where a `:` follows the symbol);
 * - `<run>`: the absolute run directory; `<job>`: the identifier of the run (the job number under SLURM);
 * - `<namespace>`: the same as a name for Dynamo: `srtctl-` and what of it are letters, digits, `_` and `-`, with `-` for the rest;
 * - `<node-binary>`: the Node that runs srtctl (or a configured one);
 * - `<package>`: the absolute directory of this package, which holds `dist/`.
 */
export interface PlannedProcess {
  /** Unique in the plan: `nginx`, `router-0`, `prefill-0`, `prefill-0.1` (rank 1 of worker 0), `benchmark`. */
  readonly id: string;
  readonly role: PlanRole;
  /** `n0`, `n1`..., `infra` or `client`: one of the nodes of the plan. */
  readonly node: string;
  /** One of TIERS. */
  readonly tier: number;
  /** Index within its role: router-1 has 1, both ranks of prefill-0 have 0. */
  readonly worker: number;
  /** Rank of the process in a worker on several nodes, 0 elsewhere; only rank 0 serves HTTP. */
  readonly rank: number;
  /** Every port that it listens on, by purpose: http, bootstrap, nccl, dist, engine, kv-events, prometheus, client, peer, system. */
  readonly ports: Readonly<Record<string, number>>;
  readonly argv: readonly string[];
  /** Absolute working directory; null: the run directory. */
  readonly cwd: string | null;
  /** What is added to the environment of the launcher. */
  readonly env: Readonly<Record<string, string>>;
  /** Image to run in; null: directly on the host, and then there are no mounts. */
  readonly container: string | null;
  readonly mounts: readonly PlannedMount[];
  /** GPUs of the node that it uses, ascending; empty for processes without. */
  readonly gpus: readonly number[];
  /** Commands run first, in order. */
  readonly before: readonly PlannedStep[];
  readonly files: readonly PlannedFile[];
  /** Where stdout and stderr go, relative to the run directory. */
  readonly log: string;
  /** Its unexpected end (any status) ends the run. */
  readonly critical: boolean;
  readonly ready: ReadyRule;
}

/** Number of routers, frontends, workers and nodes: what was asked, and what will run. */
export interface PlannedCount {
  readonly what: string;
  readonly asked: number;
  readonly runs: number;
}

/** GPUs by use, for the reports of benchmarks. */
export interface PlannedGpus {
  readonly total: number;
  readonly prefill: number;
  readonly decode: number;
  readonly aggregated: number;
}

/** The recipe's benchmark and what it is pointed at. */
export type PlannedBenchmark = Exclude<Benchmark, { readonly type: 'manual' }> & {
  /** The endpoint of the plan. */
  readonly endpoint: string;
  /** Name of the model in requests. */
  readonly model: string;
  /** Path of the model's files as the benchmark process sees it. */
  readonly tokenizer: string;
  readonly gpus: PlannedGpus;
};

/** Those that the client of this package runs. */
export type ClientBenchmark = Extract<PlannedBenchmark, { readonly type: 'sa-bench' | 'router' | 'trace-replay' | 'mooncake-router' }>;

/** All processes of one deployment. JSON as it stands. */
export interface Plan {
  readonly name: string;
  /** `n0`, `n1`...; in front of them `infra`, behind them `client`, where a recipe asks for such nodes. In the order of the job's nodes. */
  readonly nodes: readonly string[];
  readonly gpusPerNode: number;
  readonly processes: readonly PlannedProcess[];
  /** Where clients send requests: `http://<node0>:8000`. */
  readonly endpoint: string;
  /** Name of the served model, as clients write it. */
  readonly model: string;
  /** Null: the fleet stays up until it is cancelled. */
  readonly benchmark: PlannedBenchmark | null;
  readonly healthCheck: HealthCheck;
  /**
   * Shell commands of the cluster file, for bash, in front of every process and its steps, in the same shell, so that what they
   * export reaches them; a failing one is a failed start. The only text of this plan that a shell may read; null: none.
   */
  readonly preamble: string | null;
  readonly counts: readonly PlannedCount[];
  readonly warnings: readonly string[];
}

/** Why a recipe cannot be planned. */
export interface PlanProblem {
  /** Key of the recipe that is to blame, dotted: `resources.prefill_workers`. */
  readonly path: string;
  readonly message: string;
  /** What to do; null when the message says it. */
  readonly suggestion: string | null;
}
