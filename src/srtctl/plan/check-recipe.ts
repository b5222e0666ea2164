/** What loading a recipe cannot see: that nothing could run as the plan has it. */
import type { PlanContext } from './context.ts';
import { findPort, findText } from './flag-words.ts';

/** Adds to the problems of the context. */
export function checkRecipe({ recipe, contained, problems }: PlanContext): void {
  if (contained)
    for (const [path, what] of [
      ['model.path', recipe.model.path.startsWith('hf:') ? null : recipe.model.path],
      ['setup_script', recipe.setupScript],
    ] as const)
      if (what !== null && /[:,\r\n]/.test(what))
        problems.push({
          path,
          message: `${JSON.stringify(what)} cannot be mounted`,
          suggestion: 'paths with ":", "," or line breaks cannot be mounted',
        });
  const isSim = recipe.backend.type === 'sim';
  if (contained && !isSim && recipe.model.container === null)
    problems.push({
      path: 'model.container',
      message: 'no container, and the cluster runs workers in containers',
      suggestion: 'name an image, or set container_runtime: none in the cluster file, or plan with --local',
    });
  for (const { role, flags } of recipe.workers) {
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
