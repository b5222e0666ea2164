/** Every key of a recipe: its type, default and meaning. Complaints, docs/recipe-reference.md and the JSON Schema follow from it. */
import { z } from 'zod';
import { block, count, either, environment, flags, names, oneOf, options, pattern, share, text, texts, yesNo } from './fields.ts';

/** Defaults of settings that have two spellings, and of those that several places need. */
export const DEFAULTS = {
  additionalFrontends: 9,
  gpusPerNode: 4,
  healthAttempts: 180,
  healthIntervalSeconds: 10,
  promptsMultiplier: 10,
  warmupMultiplier: 2,
  rangeRatio: 0.8,
  nginxContainer: 'nginx:1.27.4',
  affinityHeader: 'X-Session-ID',
  keepaliveTimeout: '600s',
  publicPort: 8000,
  routerPort: 30080,
  etcdPort: 2379,
  natsPort: 4222,
  /** Of Dynamo's workers; SGLang's own have ports by their flags. */
  workerPort: 7500,
} as const;

/** sa-bench, and what else can follow readiness. */
export const BENCHMARK_TYPES = ['manual', 'sa-bench', 'custom'] as const;

/** Printable characters without / and \, not beginning with a space. Without the flag u, since editors read it from the JSON Schema. */
const NAME = /^[!-.0-[\]-~\u00a1-\uffff][ -.0-[\]-~\u00a0-\uffff]{0,127}$/;

const multipleFrontends = (where: string): ReturnType<typeof yesNo> =>
  yesNo({
    describe: `nginx on the public port and several routers or frontends behind it; false: one of them on the public port${where}`,
    standard: true,
  });
const additionalFrontends = (where: string): ReturnType<typeof count> =>
  count(0, { describe: `Routers or frontends beyond the first${where}`, standard: DEFAULTS.additionalFrontends }, 10_000);
const router = (where: string): z.ZodOptional<z.ZodType<'bundled' | 'sglang_router'>> =>
  oneOf(['bundled', 'sglang_router'], {
    describe: `The router: this package's, or \`python -m sglang_router.launch_router\` of the container${where}`,
    standard: 'bundled',
  });

const workerNodes = (role: string): ReturnType<typeof count> => count(0, { describe: `Nodes of the ${role} workers` }, 100_000);
const workers = (role: string): ReturnType<typeof count> => count(0, { describe: `How many ${role} workers` }, 100_000);
const gpusPer = (role: string): ReturnType<typeof count> =>
  count(1, { describe: `GPUs of one ${role} worker`, whenUnset: 'nodes x gpus_per_node / workers' }, 100_000);

const REQUEST_RATE = 'inf or a number of requests per second above 0';

export const RECIPE = z.strictObject(
  {
    name: pattern(NAME, 'a name of at most 128 printable characters without / and \\', {
      describe: 'Name of the run and of the SLURM job',
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
    }),
    frontend: block('What stands in front of the workers; the later spelling of router mode', {
      type: oneOf(['dynamo', 'sglang', 'sglang-router'], {
        describe: 'dynamo: Dynamo frontends; sglang or sglang-router: router mode',
        standard: 'dynamo',
      }),
      router: router(''),
      enable_multiple_frontends: multipleFrontends(''),
      num_additional_frontends: additionalFrontends(''),
      spread: oneOf(['ceiling', 'even'], {
        describe:
          'Where additional routers go. ceiling: every ceil((nodes - 1) / additional)-th node, which may start fewer than asked; even: as many as asked, one per node at most',
        standard: 'ceiling',
      }),
      public_host: oneOf(['0.0.0.0', '::'], {
        describe: 'The endpoint listens on all IPv4 (0.0.0.0) or all addresses (::) of node 0',
        whenUnset: 'the address of the node, as for every other process',
      }),
      public_port: count(1, { describe: 'Port of the endpoint on node 0', standard: DEFAULTS.publicPort }, 65_535),
      router_port: count(1, { describe: 'Port of routers and frontends behind nginx', standard: DEFAULTS.routerPort }, 65_535),
      args: flags('More flags of every router or frontend'),
      env: environment('Environment of every router or frontend'),
      nginx_container: text({ describe: 'Image of nginx, or an alias of the cluster file', standard: DEFAULTS.nginxContainer }),
      nginx_raise_ulimit: yesNo({ describe: 'Raise the limit of open files for nginx', standard: false }),
      nginx_session_affinity: yesNo({ describe: 'Keep the requests of a session on one router', standard: false }),
      nginx_session_affinity_header: pattern(/^[A-Za-z0-9-]{1,64}$/, 'a name of a header: letters, digits and -', {
        describe: 'Header that names the session',
        standard: DEFAULTS.affinityHeader,
      }),
      nginx_keepalive_timeout: pattern(/^\d{1,6}(ms|s|m|h|d)?$/, 'a time as nginx writes it, for example 600s', {
        describe: 'How long nginx keeps idle connections of clients',
        standard: DEFAULTS.keepaliveTimeout,
      }),
    }),
    dynamo: block('Dynamo mode', {
      install: yesNo({ describe: 'Install the package in each container before it is used', standard: true }),
      version: text({ describe: 'Version of the package that is installed', whenUnset: 'the newest' }),
      request_plane: oneOf(['tcp', 'nats', 'http'], { describe: 'How requests travel to workers', standard: 'tcp' }),
      event_plane: oneOf(['nats', 'zmq'], { describe: 'How events travel; zmq listens on all addresses of a node', standard: 'nats' }),
      etcd_port: count(1, { describe: 'Port of etcd on node 0; the next one is for its peers', standard: DEFAULTS.etcdPort }, 65_534),
      nats_port: count(
        1,
        { describe: 'Port of NATS on node 0; the one 4000 higher is for its monitoring', standard: DEFAULTS.natsPort },
        61_535,
      ),
      worker_port: count(
        1,
        { describe: 'Port of the first worker of a node for health and metrics; others have the next ones', standard: DEFAULTS.workerPort },
        65_535,
      ),
      mocker_model: text({
        describe: 'Directory with tokenizer.json, tokenizer_config.json and config.json for simulated engines, the same on every node',
        whenUnset: 'a small one of this package, one token for each byte',
      }),
    }),
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
    setup_script: text({ describe: 'Script that every worker runs in its container before the engine' }),
    health_check: block('Upper bounds of the wait for readiness', {
      max_attempts: count(1, {
        describe: 'Attempts; the wait ends after max_attempts x interval_seconds',
        standard: DEFAULTS.healthAttempts,
      }),
      interval_seconds: count(1, { describe: 'Seconds between attempts', standard: DEFAULTS.healthIntervalSeconds }, 3600),
    }),
    benchmark: block('What runs when everything is ready', {
      type: oneOf(BENCHMARK_TYPES, {
        describe:
          'manual: nothing, the fleet stays up until it is cancelled; sa-bench: a closed loop of streaming completions; custom: a command',
        standard: 'manual',
      }),
      isl: count(1, { describe: 'sa-bench: tokens of a prompt' }, 10_000_000),
      osl: count(1, { describe: 'sa-bench: tokens of an answer' }, 10_000_000),
      concurrencies: either(
        [z.string(), z.int(), z.array(z.union([z.int(), z.string()]))],
        'concurrencies such as "16x32" (16, then 32), 16 or [16, 32]',
        {
          describe: 'sa-bench: requests in flight, point after point: "16x32" is 16, then 32; a number or a list will do',
        },
      ),
      req_rate: either([z.literal('inf'), z.number().positive({ error: REQUEST_RATE })], REQUEST_RATE, {
        describe: 'sa-bench: requests that start in a second',
        standard: 'inf',
      }),
      random_range_ratio: share({
        describe: 'sa-bench: lengths are uniform between this share of isl and osl and all of it',
        standard: DEFAULTS.rangeRatio,
      }),
      num_prompts_mult: count(1, {
        describe: 'sa-bench: measured requests of a point = this x concurrency',
        standard: DEFAULTS.promptsMultiplier,
      }),
      num_warmup_mult: count(0, {
        describe: 'sa-bench: warm-up requests of a point = this x concurrency',
        standard: DEFAULTS.warmupMultiplier,
      }),
      command: text({ describe: 'custom: evaluated by `bash -lc`' }),
      container_image: text({
        describe: 'custom: image of the command, or an alias of the cluster file',
        whenUnset: "the model's container",
      }),
      env: environment('Environment of the benchmark'),
    }),
  },
  { error: 'a recipe: a block of keys' },
);

export type RecipeInput = z.infer<typeof RECIPE>;

/** What a recipe cannot do without. */
export const REQUIRED: readonly (readonly string[])[] = [['name'], ['model', 'path'], ['resources']];
