/** One tree -> one Recipe, or complaints. Everything that needs only recipe and cluster file is checked here. */

import { checkSchema } from '../schema/check-schema.ts';
import { RECIPE, REQUIRED, type RecipeInput } from '../schema/recipe-schema.ts';
import { secretValues } from '../secrets/secret-values.ts';
import { type Findings, shown } from '../text/findings.ts';
import { checkMountedFiles } from './check-mounted-files.ts';
import { checkPairFlags } from './check-pair-flags.ts';
import type { Variables } from './expand-host.ts';
import { expandAt, readEnvironment, readMountList, readMountMap, readOptions } from './free-maps.ts';
import type { Recipe, Variant } from './recipe.ts';
import { resolveBenchmark, resolveClientPlacement } from './resolve-benchmark.ts';
import type { PathCheck, ResolveContext } from './resolve-context.ts';
import { resolveDynamo } from './resolve-dynamo.ts';
import { resolveFrontend } from './resolve-frontend.ts';
import { resolveModel } from './resolve-model.ts';
import { resolveMooncake } from './resolve-mooncake.ts';
import { resolveProfiling, trafficOfProfiling } from './resolve-profiling.ts';
import { resolveHostSetup, resolveServices } from './resolve-services.ts';
import { resolveConfigs } from './resolve-setup-script.ts';
import { resolveHealthCheck, resolveSlurm } from './resolve-slurm.ts';
import { resolveWorkers } from './resolve-workers.ts';

/** Null if there are problems. */
export function resolveRecipe(findings: Findings, variant: Variant, context: ResolveContext): Recipe | null {
  const { cluster, variables, directoryExists } = context;
  const { data: input, tree } = checkSchema(RECIPE, 'recipe', findings);
  if (input === null) return null;
  tellMissing(findings);
  const alias = (name: string): string => (Object.hasOwn(cluster.containers, name) ? cluster.containers[name]! : name);
  const { mode, frontend } = resolveFrontend(input, tree, alias, cluster.nginxRaiseUlimit, findings);
  const { resources, workers } = resolveWorkers(input, tree, cluster, alias, findings);
  checkPairFlags(workers, findings);
  checkDirect(frontend, workers, findings);
  const model = resolveModel(input, context, findings);
  const slurm = resolveSlurm(input, cluster, findings);
  const profiling = resolveProfiling(input, workers, findings);
  const benchmark = resolveBenchmark(input, tree, alias, findings);
  const directories = {
    ...resolveConfigs(input, context, findings),
    workspaceDirectory: variables['INFMAX_WORKSPACE'] || null,
    mounts: [
      ...readMountList(tree, ['extra_mount'], variables, findings),
      ...readMountMap(tree, ['container_mounts'], variables, findings),
    ],
  };
  checkMountedFiles(tree, { ...directories, mounts: [...cluster.mounts, ...directories.mounts] }, context.fileExists, findings);
  const recipe: Recipe = {
    name: nameOf(input, findings),
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
    dynamo: resolveDynamo(input, tree, mode, findings),
    slurm,
    environment: readEnvironment(tree, ['environment'], findings),
    srunOptions: readOptions(tree, ['srun_options'], findings),
    sbatchDirectives: { ...cluster.sbatchDirectives, ...readOptions(tree, ['sbatch_directives'], findings) },
    ...directories,
    mooncake: resolveMooncake(input, tree, alias, findings),
    services: resolveServices(tree, input.backend?.mooncake_kv_store !== undefined, alias, findings),
    hostSetup: resolveHostSetup(input.host_setup) ?? (input.host_setup === undefined ? cluster.hostSetup : null),
    profiling,
    modelRevision: input.identity?.model?.revision ?? null,
    frameworks: input.identity?.frameworks ?? {},
    clientPlacement: resolveClientPlacement(input),
    healthCheck: resolveHealthCheck(input, cluster, slurm, findings),
    benchmark: profiling !== null && benchmark.type === 'manual' ? trafficOfProfiling(input) : benchmark,
    secrets: [...new Set([...secretValues(findings.tree), ...cluster.secrets])],
  };
  return findings.problems.length === 0 ? recipe : null;
}

/** Without a router requests reach one worker only. */
function checkDirect({ isDirect }: Recipe['frontend'], workers: Recipe['workers'], findings: Findings): void {
  const [first, second] = workers;
  if (!isDirect || first === undefined || (second === undefined && first.role === 'aggregated' && first.workers === 1)) return;
  findings.problem(
    ['frontend', 'type'],
    'the only frontend is the worker itself, which takes one aggregated worker',
    'use sglang-router for several workers, or for prefill and decode',
  );
}

/** Names become directories and jobs, so a slash cannot stay. */
function nameOf(input: RecipeInput, findings: Findings): string {
  const name = input.name ?? '';
  if (!/[\\/]/.test(name)) return name;
  const meant = name.replaceAll(/[\\/]+/g, '-');
  findings.warn(['name'], `${shown(name)} has a slash: the run is called ${shown(meant)}`);
  return meant;
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
