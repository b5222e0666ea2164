/** What a recipe must not say, because the plan would contradict it or nothing could run. */
import type { WorkerGroup } from '../recipe/recipe.ts';
import type { PlanContext } from './context.ts';
import { findPort, findText } from './flag-words.ts';
import { BOOTSTRAP_PORT } from './worker-ports.ts';

/** Flags whose value in a recipe is replaced without harm. */
const REPLACED = ['host', 'node-rank', 'dist-init-addr', 'nccl-init-addr'] as const;

/** Adds to the problems and warnings of the context. */
export function checkRecipe(context: PlanContext): void {
  const { recipe, contained, problems } = context;
  for (const group of recipe.workers) checkFlags(context, group);
  checkBootstrapPorts(context);
  const isSim = recipe.backend.type === 'sim';
  if (contained && !isSim && recipe.model.container === null)
    problems.push({
      path: 'model.container',
      message: 'no container, and the cluster runs workers in containers',
      suggestion: 'name an image, or set container_runtime: none in the cluster file',
    });
  if (recipe.mode === 'router' && recipe.frontend.router === 'bundled')
    for (const group of recipe.workers)
      if (group.flags['grpc-mode'] === true)
        problems.push({
          path: keyOf(group, 'grpc-mode'),
          message: 'the bundled router speaks HTTP to workers',
          suggestion: 'remove it, or set frontend.router: sglang_router',
        });
}

function keyOf(group: WorkerGroup, flag: string): string {
  return `backend.sglang_config.${group.role}.${flag}`;
}

function checkFlags(context: PlanContext, group: WorkerGroup): void {
  const { problems, warnings, recipe } = context;
  for (const flag of REPLACED)
    if (group.flags[flag] !== undefined && group.flags[flag] !== null)
      warnings.push(`${keyOf(group, flag)} is ignored: the plan gives every process its own`);
  const mode = findText(group.flags, 'disaggregation-mode');
  const wanted = group.role === 'aggregated' ? 'null' : group.role;
  if (mode !== null && mode !== wanted)
    problems.push({
      path: keyOf(group, 'disaggregation-mode'),
      message: `"${mode}" for ${group.role} workers`,
      suggestion: group.role === 'aggregated' ? 'remove it' : `write ${wanted}, or nothing`,
    });
  const nodes = Math.ceil(group.gpusPerWorker / recipe.resources.gpusPerNode);
  const asked = findText(group.flags, 'nnodes');
  if (asked !== null && asked !== String(nodes))
    problems.push({
      path: keyOf(group, 'nnodes'),
      message: `${asked}, but a ${group.role} worker of ${group.gpusPerWorker} GPUs takes ${nodes} node${nodes === 1 ? '' : 's'} of ${recipe.resources.gpusPerNode}`,
      suggestion: 'remove it; nodes follow from resources',
    });
  for (const flag of ['port', 'nccl-port', 'disaggregation-bootstrap-port']) {
    const text = findText(group.flags, flag);
    if (text !== null && findPort(group.flags, flag) === null)
      problems.push({ path: keyOf(group, flag), message: `${text} is no port`, suggestion: 'a port is a whole number from 1 to 65535' });
  }
}

/** Prefill's own is the one that counts: its engine listens there, and routers are told. A different one at decode is a mistake. */
function checkBootstrapPorts({ recipe, problems }: PlanContext): void {
  const prefill = recipe.workers.find(({ role }) => role === 'prefill');
  const decode = recipe.workers.find(({ role }) => role === 'decode');
  if (prefill === undefined || decode === undefined) return;
  const asked = findPort(decode.flags, 'disaggregation-bootstrap-port');
  const own = findPort(prefill.flags, 'disaggregation-bootstrap-port');
  if (asked === null || asked === (own ?? BOOTSTRAP_PORT)) return;
  problems.push({
    path: keyOf(decode, 'disaggregation-bootstrap-port'),
    message: `${asked}, but prefill workers listen for bootstrap on ${own === null ? `${BOOTSTRAP_PORT} (the default)` : own}, and routers are told that`,
    suggestion: 'give both the same port, or leave it out of decode',
  });
}
