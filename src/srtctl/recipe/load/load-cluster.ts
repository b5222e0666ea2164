/** Text of a cluster file -> Cluster, or complaints as strict as those about recipes. */

import { type Cluster, NO_CLUSTER } from '../resolve/cluster.ts';
import type { Variables } from '../resolve/expand-host.ts';
import { expandAt, readEnvironment, readMountMap, readOptions } from '../resolve/free-maps.ts';
import { resolveHostSetup } from '../resolve/resolve-services.ts';
import { healthCheck } from '../resolve/resolve-slurm.ts';
import { timeLimitSeconds } from '../resolve/time-limit.ts';
import { checkSchema } from '../schema/check-schema.ts';
import { CLUSTER, type ClusterInput } from '../schema/cluster-schema.ts';
import { createRedactor } from '../secrets/redactor.ts';
import { secretValues } from '../secrets/secret-values.ts';
import { withoutExtensions } from '../text/edit-tree.ts';
import { Findings, shown } from '../text/findings.ts';
import { type Problem, sortProblems } from '../text/problem.ts';
import { readYaml } from '../text/read-yaml.ts';
import { mapTree, type Tree } from '../text/tree.ts';

export interface LoadedCluster {
  /** With defaults where there are problems. */
  readonly cluster: Cluster;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export function loadCluster(text: string, fileName: string, variables: Variables = {}): LoadedCluster {
  const read = readYaml(text, fileName);
  const at = { file: fileName, line: 0, column: 0 };
  if (read.problems.length > 0) return { cluster: { ...NO_CLUSTER, file: fileName }, problems: read.problems, warnings: [] };
  if (read.tree !== null && read.tree.kind !== 'map') {
    const problem: Problem = { ...read.tree.at, path: '', message: 'expected a cluster file: a block of keys', suggestion: null };
    return { cluster: { ...NO_CLUSTER, file: fileName }, problems: [problem], warnings: [] };
  }
  // An empty file says nothing and is none the worse for it.
  const findings = new Findings(withoutExtensions(read.tree ?? mapTree(new Map(), { at })));
  const { data, tree } = checkSchema(CLUSTER, 'cluster file', findings);
  const cluster = resolveCluster(data ?? {}, tree, fileName, variables, findings);
  const redactor = createRedactor(cluster.secrets);
  return { cluster, problems: sortProblems(redactor.data(findings.problems)), warnings: sortProblems(redactor.data(findings.warnings)) };
}

function resolveCluster(data: ClusterInput, tree: Tree, file: string, variables: Variables, findings: Findings): Cluster {
  const time = data.default_time_limit === undefined ? null : String(data.default_time_limit);
  if (time !== null && !((timeLimitSeconds(time) ?? 0) > 0)) {
    findings.problem(['default_time_limit'], `got ${shown(time)}, expected a time as SLURM writes it`, 'for example 04:00:00');
  }
  if (/^\.|^[^/~$]/.test(data.image_dir ?? '/'))
    findings.problem(['image_dir'], `got ${shown(data.image_dir)}, expected an absolute path: nodes have other working directories`, null);
  const host = (key: 'output_dir' | 'image_dir' | 'node_path' | 'srtctl_root'): string | null =>
    data[key] === undefined ? null : expandAt(data[key], [key], variables, findings);
  if (data.use_het_jobs === true)
    findings.problem(
      ['use_het_jobs'],
      'got true: srtctl submits no heterogeneous jobs',
      'set it to false; each recipe is one job with all its nodes',
    );
  const aliases = (key: 'model_paths' | 'containers'): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(data[key] ?? {}).map(([name, path]) => [name, expandAt(path, [key, name], variables, findings) ?? path]),
    );
  return {
    file,
    name: data.cluster ?? null,
    account: data.default_account ?? null,
    partition: data.default_partition ?? null,
    timeLimit: time,
    gpusPerNode: data.gpus_per_node === undefined ? null : Number(data.gpus_per_node),
    networkInterface: data.network_interface ?? null,
    containerRuntime: data.container_runtime ?? 'pyxis',
    isRuntimeNamed: data.container_runtime !== undefined,
    gpuType: data.default_gpu_type ?? null,
    nodePath: host('node_path'),
    srtctlRoot: host('srtctl_root'),
    outputDirectory: host('output_dir'),
    imageDirectory: host('image_dir'),
    modelPaths: aliases('model_paths'),
    containers: aliases('containers'),
    mounts: readMountMap(tree, ['default_mounts'], variables, findings),
    preamble: data.default_bash_preamble ?? null,
    hostSetup: resolveHostSetup(data.default_host_setup),
    environment: readEnvironment(tree, ['environment'], findings),
    healthCheck: data.default_health_check === undefined ? null : healthCheck(data.default_health_check),
    sbatchDirectives: readOptions(tree, ['default_sbatch_directives'], findings),
    gpuDirective: data.gpu_sbatch_directive === 'gres' ? 'gres' : 'gpus-per-node',
    visibleDevicesVariable:
      data.visible_devices_env ?? (data.accelerator_vendor === 'amd' ? 'ROCR_VISIBLE_DEVICES' : 'CUDA_VISIBLE_DEVICES'),
    embedsRun: data.runtime_config_transport === 'embedded',
    useGpusPerNodeDirective: data.use_gpus_per_node_directive ?? true,
    useSegmentDirective: data.use_segment_sbatch_directive ?? true,
    useExclusiveDirective: data.use_exclusive_sbatch_directive ?? false,
    nginxRaiseUlimit: data.nginx_raise_ulimit ?? false,
    secrets: secretValues(findings.tree),
  };
}
