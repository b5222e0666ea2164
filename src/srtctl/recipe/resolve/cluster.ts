/** What the cluster file `srtslurm.yaml` says once it is loaded. Without a file `NO_CLUSTER` stands for it. */
import type { Environment, HealthCheck, Mount } from './recipe.ts';

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
  /** The Node that runs bundled routers and simulated engines on the nodes; null: the one that runs srtctl. */
  readonly nodePath: string | null;
  /** Where runs are written; null: `outputs` in the working directory. */
  readonly outputDirectory: string | null;
  readonly modelPaths: Readonly<Record<string, string>>;
  readonly containers: Readonly<Record<string, string>>;
  /** Mounted into every container. */
  readonly mounts: readonly Mount[];
  /** Shell commands before every process of every node. A failing one stops the process. */
  readonly preamble: string | null;
  /** For every process; the recipe's values win. */
  readonly environment: Environment;
  readonly healthCheck: HealthCheck | null;
  /** More `#SBATCH` lines; the recipe's win. Null: a directive without a value. */
  readonly sbatchDirectives: Readonly<Record<string, string | null>>;
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
  nodePath: null,
  outputDirectory: null,
  modelPaths: {},
  containers: {},
  mounts: [],
  preamble: null,
  environment: {},
  healthCheck: null,
  sbatchDirectives: {},
  useGpusPerNodeDirective: true,
  useSegmentDirective: true,
  useExclusiveDirective: false,
  nginxRaiseUlimit: false,
  secrets: [],
};
