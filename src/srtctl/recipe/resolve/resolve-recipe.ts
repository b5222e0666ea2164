/** One tree -> one Recipe, or complaints. Everything that needs only recipe and cluster file is checked here. */

import { checkSchema } from '../schema/check-schema.ts';
import { DEFAULTS, RECIPE, REQUIRED, type RecipeInput } from '../schema/recipe-schema.ts';
import { secretValues } from '../secrets/secret-values.ts';
import { type Findings, shown } from '../text/findings.ts';
import { checkPairFlags } from './check-pair-flags.ts';
import type { Variables } from './expand-host.ts';
import { expandAt, readEnvironment, readMountList, readMountMap, readOptions } from './free-maps.ts';
import type { Recipe, Variant } from './recipe.ts';
import { resolveBenchmark } from './resolve-benchmark.ts';
import type { PathCheck, ResolveContext } from './resolve-context.ts';
import { resolveFrontend } from './resolve-frontend.ts';
import { resolveModel } from './resolve-model.ts';
import { resolveHealthCheck, resolveSlurm } from './resolve-slurm.ts';
import { resolveWorkers } from './resolve-workers.ts';

/** Null if there are problems. */
export function resolveRecipe(findings: Findings, variant: Variant, context: ResolveContext): Recipe | null {
  const { cluster, variables, directoryExists, fileExists } = context;
  const { data: input, tree } = checkSchema(RECIPE, 'recipe', findings);
  if (input === null) return null;
  tellMissing(findings);
  const { mode, frontend } = resolveFrontend(input, tree, cluster, findings);
  const { resources, workers } = resolveWorkers(input, tree, cluster.gpusPerNode, findings);
  checkPairFlags(workers, findings);
  const model = resolveModel(input, context, findings);
  const slurm = resolveSlurm(input, cluster, findings);
  const alias = (name: string): string => (Object.hasOwn(cluster.containers, name) ? cluster.containers[name]! : name);
  const recipe: Recipe = {
    name: input.name ?? '',
    variant,
    mode,
    model,
    resources,
    workers,
    disaggregated: workers.some(({ role }) => role !== 'aggregated'),
    backend: {
      type: input.backend?.type ?? 'sglang',
      sglangSourceDirectory: sourceDirectory(input, mode, variables, directoryExists, findings),
    },
    frontend,
    dynamo: dynamo(input, mode, findings),
    slurm,
    environment: readEnvironment(tree, ['environment'], findings),
    mounts: [
      ...readMountList(tree, ['extra_mount'], variables, findings),
      ...readMountMap(tree, ['container_mounts'], variables, findings),
    ],
    srunOptions: readOptions(tree, ['srun_options'], findings),
    sbatchDirectives: { ...cluster.sbatchDirectives, ...readOptions(tree, ['sbatch_directives'], findings) },
    setupScript: setupScript(input, variables, fileExists, findings),
    healthCheck: resolveHealthCheck(input, cluster, slurm, findings),
    benchmark: resolveBenchmark(input, tree, model.container, alias, findings),
    secrets: [...new Set([...secretValues(findings.tree), ...cluster.secrets])],
  };
  return findings.problems.length === 0 ? recipe : null;
}

function tellMissing(findings: Findings): void {
  for (const path of REQUIRED) {
    if (!findings.isWritten(path))
      findings.problem(path, 'is missing', path[0] === 'resources' ? 'say how many nodes and workers there are' : null);
  }
}

function sourceDirectory(
  input: RecipeInput,
  mode: Recipe['mode'],
  variables: Variables,
  exists: PathCheck | null,
  findings: Findings,
): string | null {
  const given = input.backend?.sglang_src_dir ?? '';
  const path = ['backend', 'sglang_src_dir'];
  if (given === '') return null;
  // A wrong use_sglang_router is told already, and nobody knows what it would have been.
  const isModeKnown = input.backend?.use_sglang_router !== undefined || findings.find(['backend', 'use_sglang_router']) === null;
  if (mode === 'dynamo' && isModeKnown)
    findings.problem(path, `got ${shown(given)}, which works only in router mode`, 'set backend.use_sglang_router: true, or remove it');
  const directory = expandAt(given, path, variables, findings);
  if (directory === null) return null;
  if (/[:,\r\n]/.test(directory))
    findings.problem(path, `${shown(directory)} cannot be mounted`, 'paths with ":", "," or line breaks cannot be mounted');
  else if (exists !== null && !exists(directory))
    findings.problem(path, `there is no directory ${shown(directory)} on this host`, 'give the checkout of SGLang, or remove the key');
  return directory;
}

function setupScript(input: RecipeInput, variables: Variables, exists: PathCheck | null, findings: Findings): string | null {
  const path = ['setup_script'];
  if (input.setup_script === undefined) return null;
  const file = expandAt(input.setup_script, path, variables, findings);
  if (file === null) return null;
  if (/[:,\r\n]/.test(file))
    findings.problem(path, `${shown(file)} cannot be mounted`, 'paths with ":", "," or line breaks cannot be mounted');
  else if (exists !== null && !exists(file)) findings.problem(path, `there is no file ${shown(file)} on this host`);
  return file;
}

function dynamo(input: RecipeInput, mode: Recipe['mode'], findings: Findings): Recipe['dynamo'] {
  const given = input.dynamo ?? {};
  if (mode === 'router' && input.dynamo !== undefined) findings.warn(['dynamo'], 'has no effect in router mode');
  return {
    requestPlane: given.request_plane ?? 'tcp',
    eventPlane: given.event_plane ?? 'nats',
    mockerModel: given.mocker_model ?? null,
    etcdPort: Number(given.etcd_port ?? DEFAULTS.etcdPort),
    natsPort: Number(given.nats_port ?? DEFAULTS.natsPort),
    workerPort: Number(given.worker_port ?? DEFAULTS.workerPort),
    install: given.install ?? true,
    version: given.version ?? null,
  };
}
