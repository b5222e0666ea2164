/** What loading a recipe cannot see: that nothing could run as the plan has it. */
import type { Recipe } from '../recipe/resolve/recipe.ts';
import { MODEL_DIRECTORY, type PlanContext, SOURCE_DIRECTORY, withoutSlash } from './context.ts';
import { findPort, findText } from './flag-words.ts';

/** Adds to the problems of the context. */
export function checkRecipe({ recipe, cluster, contained, problems, warnings }: PlanContext): void {
  if (contained)
    for (const [path, what] of [
      ['model.path', recipe.model.path.startsWith('hf:') ? null : recipe.model.path],
      ['setup_script', recipe.setupScript?.host ?? null],
    ] as const)
      if (what !== null && /[:,\r\n]/.test(what))
        problems.push({
          path,
          message: `${JSON.stringify(what)} cannot be mounted`,
          suggestion: 'paths with ":", "," or line breaks cannot be mounted',
        });
  const isSim = recipe.backend.type === 'sim';
  const devices = cluster.visibleDevicesVariable;
  if (contained && !isSim) warnOfHiddenMounts(recipe, warnings);
  if (contained && !isSim && recipe.model.container === null)
    problems.push({
      path: 'model.container',
      message: 'no container, and the cluster runs workers in containers',
      suggestion: 'name an image, or set container_runtime: none in the cluster file, or plan with --local',
    });
  for (const { role, flags, gpusPerWorker, environment } of recipe.workers) {
    const variables = { ...cluster.environment, ...recipe.environment, ...environment };
    if (gpusPerWorker % recipe.resources.gpusPerNode !== 0 && Object.hasOwn(variables, devices))
      warnings.push(`${devices} has no effect on ${role} workers: each has a part of a node, and the plan gives it GPUs of its own`);
    const key = `backend.sglang_config.${role}`;
    if (recipe.mode === 'router' && recipe.frontend.router === 'bundled' && flags['grpc-mode'] === true)
      problems.push({
        path: `${key}.grpc-mode`,
        message: 'the bundled router speaks HTTP to workers',
        suggestion: 'remove it, or set frontend.router: sglang_router',
      });
    const nccl = findText(flags, 'nccl-port');
    if (nccl !== null && findPort(flags, 'nccl-port') === null)
      problems.push({ path: `${key}.nccl-port`, message: `got ${nccl}, expected a port from 1 to 65535`, suggestion: null });
  }
}

/** Two at one place of the container; that the recipe has its own in the place of the cluster file's is as it should be. */
function warnOfHiddenMounts({ model, backend, mounts }: Recipe, warnings: string[]): void {
  const own: (readonly [string, string])[] = model.path.startsWith('hf:') ? [] : [[MODEL_DIRECTORY, model.path]];
  if (backend.sglangSourceDirectory !== null) own.push([SOURCE_DIRECTORY, backend.sglangSourceDirectory]);
  const seen = new Map(own.map(([container, host]) => [withoutSlash(container), host]));
  for (const { host, container } of mounts) {
    const place = withoutSlash(container);
    const before = seen.get(place) ?? host;
    if (before !== host) warnings.push(`two mounts at ${place}, of which one will hide the other: ${before} and ${host}`);
    seen.set(place, host);
  }
}
