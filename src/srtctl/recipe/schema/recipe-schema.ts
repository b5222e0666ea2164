/** Every key of a recipe: its type, default and meaning. Complaints, docs/recipe-reference.md and the JSON Schema follow from it. */
import { z } from 'zod';
import { BENCHMARK, PROFILING } from './benchmark-schema.ts';
import { DEFAULTS } from './defaults.ts';
import { DYNAMO, INFRA } from './dynamo-schema.ts';
import { anything, block, count, either, environment, flags, names, oneOf, options, pattern, text, texts, yesNo } from './fields.ts';
import { additionalFrontends, FRONTEND, multipleFrontends, router } from './frontend-schema.ts';
import { hostSetup, SERVICES } from './service-schema.ts';

/** Printable characters, not beginning with a space. Without the flag u, since editors read it from the JSON Schema. */
const NAME = /^[!-~\u00a1-\uffff][ -~\u00a0-\uffff]{0,127}$/;

const workerNodes = (role: string): ReturnType<typeof count> => count(0, { describe: `Nodes of the ${role} workers` }, 100_000);
const workers = (role: string): ReturnType<typeof count> => count(0, { describe: `How many ${role} workers` }, 100_000);
const gpusPer = (role: string): ReturnType<typeof count> =>
  count(1, { describe: `GPUs of one ${role} worker`, whenUnset: 'nodes x gpus_per_node / workers' }, 100_000);

export const RECIPE = z.strictObject(
  {
    name: pattern(NAME, 'a name of at most 128 printable characters', {
      describe: 'Name of the run and of the SLURM job; a slash in it becomes a dash',
    }),
    model: block('What is served', {
      path: text({ describe: 'Directory of the model, an alias of the cluster file, or `hf:org/name`; `$NAME` and `~` are expanded' }),
      container: text({
        describe: 'Image, path of an image, or an alias of the cluster file. Not needed where nothing runs in containers',
      }),
      precision: text({ describe: 'Free text for reports: fp4, fp8, bf16, ...' }),
    }),
    resources: block('Nodes, GPUs and workers: either prefill_* and decode_*, or agg_*', {
      gpu_type: text({ describe: 'Free text for reports: gb300, h100, ...' }),
      gpus_per_node: count(1, { describe: 'GPUs of a node', whenUnset: "the cluster file's, or 4" }, 1024),
      prefill_nodes: workerNodes('prefill'),
      prefill_workers: workers('prefill'),
      decode_nodes: count(0, { describe: 'Nodes of the decode workers; 0: they share the nodes of the prefill workers' }, 100_000),
      decode_workers: workers('decode'),
      agg_nodes: count(1, { describe: 'Nodes of the aggregated workers', standard: 1 }, 100_000),
      agg_workers: workers('aggregated'),
      gpus_per_prefill: gpusPer('prefill'),
      gpus_per_decode: gpusPer('decode'),
      gpus_per_agg: gpusPer('aggregated'),
      spread_workers: yesNo({ describe: 'A worker smaller than a node gets a node for itself', standard: false }),
      pack_workers: yesNo({
        describe:
          'Workers smaller than a node fill one node after the other, as in srt-slurm; false: they spread over the nodes of their role',
        standard: false,
      }),
      het_jobs: yesNo({ describe: 'Heterogeneous jobs are not available: only false', standard: false }),
    }),
    backend: block('Engines, and the seed spelling of router mode', {
      type: oneOf(['sglang', 'sim'], {
        describe: 'sglang: real engines; sim: simulated ones of this package, without GPUs',
        standard: 'sglang',
      }),
      use_sglang_router: yesNo({ describe: 'Router mode; false: Dynamo frontends. The same as frontend.type', standard: false }),
      enable_multiple_frontends: multipleFrontends('. The same as frontend.enable_multiple_frontends'),
      num_additional_frontends: additionalFrontends('. The same as frontend.num_additional_frontends'),
      router: router('. The same as frontend.router'),
      sglang_src_dir: z
        .string({ error: 'a directory' })
        .meta({
          description: 'Checkout of SGLang that is mounted at /ext-sglang-src/ and installed on every worker. Only in router mode',
          expected: 'a directory',
          unset: 'the SGLang of the container',
        })
        .optional(),
      sglang_config: block('Flags of the engines, without leading dashes', {
        prefill: flags('Flags of the prefill workers'),
        decode: flags('Flags of the decode workers'),
        aggregated: flags('Flags of the aggregated workers'),
      }),
      prefill_environment: environment('Environment of the prefill workers'),
      decode_environment: environment('Environment of the decode workers'),
      aggregated_environment: environment('Environment of the aggregated workers'),
      prefill_container: text({ describe: 'Image of the prefill workers', whenUnset: 'model.container' }),
      decode_container: text({ describe: 'Image of the decode workers', whenUnset: 'model.container' }),
      aggregated_container: text({ describe: 'Image of the aggregated workers', whenUnset: 'model.container' }),
      kv_events_config: anything(
        'Events of the KV cache on a port of each worker: true, false, or by role true, false or a block with publisher and topic',
        'true, false or a block of roles',
      ),
      mooncake_kv_store: block('A Mooncake master that the workers use as a store of KV caches', {
        container: text({ describe: 'Image of the master', whenUnset: 'model.container' }),
        env: environment('Environment of every worker'),
        master_extra_args: texts('More words for mooncake_master', 'text'),
      }),
    }),
    frontend: FRONTEND,
    dynamo: DYNAMO,
    infra: INFRA,
    services: SERVICES,
    host_setup: hostSetup('Commands on the bare nodes, outside of containers, before anything else starts there'),
    slurm: block('What SLURM is asked for', {
      account: text({ describe: 'Account', whenUnset: "the cluster file's, or SLURM's own" }),
      partition: text({ describe: 'Partition', whenUnset: "the cluster file's, or SLURM's own" }),
      time_limit: either([z.string(), z.int()], 'a time as SLURM writes it, for example 04:00:00', {
        describe: 'Time limit: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS',
        whenUnset: "the cluster file's, or the partition's",
      }),
    }),
    environment: environment('Environment of every process but nginx'),
    extra_mount: texts('Mounts of every container', '"host:container" or "host:container:options"'),
    container_mounts: names('Mounts of every container: path on the host -> path in the container'),
    srun_options: options('More options of srun for every process, without leading dashes'),
    sbatch_directives: options('More `#SBATCH` options, without leading dashes'),
    setup_script: text({
      describe:
        'Script that every worker runs in its container before the engine: a path, or a name that is looked for beside the recipe, in `configs/` and in `configs/patches/`',
    }),
    health_check: block('Upper bounds of the wait for readiness', {
      max_attempts: count(1, {
        describe: 'Attempts; the wait ends after max_attempts x interval_seconds',
        standard: DEFAULTS.healthAttempts,
      }),
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
    benchmark: BENCHMARK,
    profiling: PROFILING,
    identity: block('What should run; workers report in their logs where it differs', {
      model: block('The model', {
        repo: text({ describe: 'Name at a hub, for reports' }),
        revision: text({ describe: 'Revision at the hub; `hf:` models are served in it' }),
      }),
      container: block('The container', { image: text({ describe: 'Name of the image, for reports' }) }),
      frameworks: names('Python packages and their versions, such as sglang: 0.5.9; each worker compares them'),
    }),
  },
  { error: 'a recipe: a block of keys' },
);

export type RecipeInput = z.infer<typeof RECIPE>;

/** What a recipe cannot do without. */
export const REQUIRED: readonly (readonly string[])[] = [['name'], ['model', 'path'], ['resources']];
