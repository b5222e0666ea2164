/** Every key of the cluster file `srtslurm.yaml`: its type, default and meaning. */
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { block, count, either, environment, names, oneOf, options, text, yesNo } from './fields.ts';
import { hostSetup } from './service-schema.ts';

export const CLUSTER = z.strictObject(
  {
    cluster: text({ describe: 'Name of the cluster, for reports' }),
    default_account: text({ describe: 'Account for recipes without one' }),
    default_partition: text({ describe: 'Partition for recipes without one' }),
    default_time_limit: either([z.string(), z.int()], 'a time as SLURM writes it, for example 04:00:00', {
      describe: 'Time limit for recipes without one',
    }),
    gpus_per_node: count(1, { describe: 'GPUs of a node, for recipes that do not say' }, 1024),
    network_interface: text({ describe: 'Interface whose address other nodes use', whenUnset: "the address of the node's name" }),
    container_runtime: oneOf(['pyxis', 'none'], {
      describe: "pyxis: srun's container options; none: everything runs on the bare node",
      standard: 'pyxis',
    }),
    node_path: text({
      describe: 'The Node that runs bundled routers and simulated engines on the nodes',
      whenUnset: 'the one that runs srtctl',
    }),
    srtctl_root: text({ describe: 'Checkout of srt-slurm, whose `configs` directory containers see as /configs' }),
    output_dir: text({ describe: 'Directory that runs are written to; `$NAME` and `~` are expanded', standard: 'outputs' }),
    image_dir: text({
      describe: 'Directory that all nodes see: `enroot import` puts images of registries there once, before the workers',
      whenUnset: 'pyxis imports an image at every step',
    }),
    use_het_jobs: yesNo({ describe: 'Heterogeneous jobs are not available: only false', standard: false }),
    model_paths: names('Aliases for model.path'),
    containers: names('Aliases for containers'),
    default_mounts: names('Mounts of every container: path on the host -> path in the container'),
    default_bash_preamble: text({ describe: 'Shell commands before every process of every node; a failing one stops the process' }),
    environment: environment("Environment of every process; the recipe's values win"),
    default_host_setup: hostSetup('host_setup for recipes without one'),
    default_health_check: block('health_check for recipes without one', {
      max_attempts: count(1, { describe: 'Attempts', standard: DEFAULTS.healthAttempts }),
      interval_seconds: count(1, { describe: 'Seconds between attempts', standard: DEFAULTS.healthIntervalSeconds }, 3600),
      silence_secs: count(
        30,
        {
          describe: 'Seconds without an answer of a running process to its probe, after which the run ends',
          standard: DEFAULTS.silenceSeconds,
        },
        86_400,
      ),
    }),
    default_sbatch_directives: options("More `#SBATCH` options, without leading dashes; the recipe's win"),
    accelerator_vendor: oneOf(['nvidia', 'amd'], {
      describe: 'Whose GPUs the nodes have: decides the variable that names those of a worker',
      standard: 'nvidia',
    }),
    visible_devices_env: text({
      describe: 'Variable that names the GPUs of a worker',
      whenUnset: 'CUDA_VISIBLE_DEVICES, for amd ROCR_VISIBLE_DEVICES',
    }),
    gpu_sbatch_directive: oneOf(['gpus-per-node', 'gpus_per_node', 'gres'], {
      describe: 'How SLURM is asked for GPUs: --gpus-per-node=4, or --gres=gpu:4',
      standard: 'gpus-per-node',
    }),
    runtime_config_transport: oneOf(['shared-filesystem', 'embedded'], {
      describe: 'embedded: the nodes do not share the run directory with the host that submits, and the run travels in the batch script',
      standard: 'shared-filesystem',
    }),
    default_gpu_type: text({ describe: 'resources.gpu_type for recipes without one' }),
    use_gpus_per_node_directive: yesNo({ describe: 'Ask SLURM for --gpus-per-node', standard: true }),
    use_segment_sbatch_directive: yesNo({ describe: 'Ask SLURM for --segment, all nodes in one', standard: true }),
    use_exclusive_sbatch_directive: yesNo({ describe: 'Ask SLURM for --exclusive', standard: false }),
    nginx_raise_ulimit: yesNo({ describe: 'frontend.nginx_raise_ulimit for recipes that do not say', standard: false }),
  },
  { error: 'a cluster file: a block of keys' },
);

export type ClusterInput = z.infer<typeof CLUSTER>;
