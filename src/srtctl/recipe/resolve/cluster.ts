/** What the cluster file `srtslurm.yaml` says once it is loaded. Without a file `NO_CLUSTER` stands for it. */
import type { Environment, HealthCheck, HostSetup, Mount } from './recipe.ts';

export interface Cluster {
  /** The file it came from; null: there is none. */
  readonly file: string | null;
  readonly name: string | null;
  readonly account: string | null;
  readonly partition: string | null;
  readonly timeLimit: string | null;
  /** For recipes that do not say. */
  readonly gpusPerNode: number | null;
  /** Interface whose address other nodes use; null: the address that the node's name resolves to. */
  readonly networkInterface: string | null;
  /** pyxis: srun's container options; none: everything runs on the bare node. */
  readonly containerRuntime: 'pyxis' | 'none';
  /** The cluster file says which; otherwise what SLURM has counts. */
  readonly isRuntimeNamed: boolean;
  /** For recipes that do not say. */
  readonly gpuType: string | null;
  /** The Node that runs bundled routers and simulated engines on the nodes; null: the one that runs srtctl. */
  readonly nodePath: string | null;
  /** Checkout of srt-slurm, whose `configs` containers see as /configs; null: not named. */
  readonly srtctlRoot: string | null;
  /** Where runs are written; null: `outputs` in the working directory. */
  readonly outputDirectory: string | null;
  /** Seen by all nodes; images of registries are imported there once. Null: pyxis imports them at every step. */
  readonly imageDirectory: string | null;
  readonly modelPaths: Readonly<Record<string, string>>;
  readonly containers: Readonly<Record<string, string>>;
  /** Mounted into every container. */
  readonly mounts: readonly Mount[];
  /** For recipes without one. */
  readonly hostSetup: HostSetup | null;
  /** Shell commands before every process of every node. A failing one stops the process. */
  readonly preamble: string | null;
  /** For every process; the recipe's values win. */
  readonly environment: Environment;
  readonly healthCheck: HealthCheck | null;
  /** More `#SBATCH` lines; the recipe's win. Null: a directive without a value. */
  readonly sbatchDirectives: Readonly<Record<string, string | null>>;
  /** How SLURM is asked for GPUs: `--gpus-per-node=4` or `--gres=gpu:4`. */
  readonly gpuDirective: 'gpus-per-node' | 'gres';
  /** Variable that names the GPUs of a worker on a part of a node. */
  readonly visibleDevicesVariable: string;
  /** The nodes do not see the run directory before the job begins: it travels in the batch script. */
  readonly embedsRun: boolean;
  readonly useGpusPerNodeDirective: boolean;
  readonly useSegmentDirective: boolean;
  readonly useExclusiveDirective: boolean;
  readonly nginxRaiseUlimit: boolean;
  /** As `Recipe.secrets`. */
  readonly secrets: readonly string[];
}

/** What counts where there is no cluster file. */
export const NO_CLUSTER: Cluster = {
  file: null,
  name: null,
  account: null,
  partition: null,
  timeLimit: null,
  gpusPerNode: null,
  networkInterface: null,
  containerRuntime: 'pyxis',
  isRuntimeNamed: false,
  gpuType: null,
  nodePath: null,
  srtctlRoot: null,
  outputDirectory: null,
  imageDirectory: null,
  modelPaths: {},
  containers: {},
  mounts: [],
  hostSetup: null,
  preamble: null,
  environment: {},
  healthCheck: null,
  sbatchDirectives: {},
  gpuDirective: 'gpus-per-node',
  visibleDevicesVariable: 'CUDA_VISIBLE_DEVICES',
  embedsRun: false,
  useGpusPerNodeDirective: true,
  useSegmentDirective: true,
  useExclusiveDirective: false,
  nginxRaiseUlimit: false,
  secrets: [],
};
