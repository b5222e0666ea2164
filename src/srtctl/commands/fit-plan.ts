/** Whether a plan can run on the SLURM that is there: containers and segments. */
import type { Plan, PlanProblem } from '../plan/plan.ts';
import { planRecipe } from '../plan/plan-recipe.ts';
import type { Cluster } from '../recipe/resolve/cluster.ts';
import type { Recipe } from '../recipe/resolve/recipe.ts';
import type { SlurmAbilities } from '../slurm/abilities.ts';

export type Fit =
  | { readonly ok: true; readonly plan: Plan; readonly note: string | null }
  /** What is missing, and the key by which the user chooses. */
  | { readonly ok: false; readonly message: string };

/** `directory`: as for the plan. */
export function fitPlan(recipe: Recipe, plan: Plan, cluster: Cluster, abilities: SlurmAbilities, directory: string): Fit {
  if (!abilities.segments && 'segment' in recipe.sbatchDirectives)
    return { ok: false, message: 'sbatch_directives.segment: this SLURM has no --segment; remove it' };
  const contained = plan.processes.filter(({ container }) => container !== null);
  if (abilities.containers || contained.length === 0) return { ok: true, plan, note: null };
  const [needed] = contained.filter(({ role }) => role !== 'nginx');
  // The cluster file says so: the nodes have what this machine has not.
  if (cluster.isRuntimeNamed)
    return { ok: true, plan, note: 'the srun of this machine has no --container-image (pyxis); that of the nodes must have it' };
  if (needed !== undefined)
    return {
      ok: false,
      message:
        `${needed.id} is to run in the container ${needed.container}, and this SLURM has no pyxis (srun has no --container-image)\n` +
        '  set container_runtime in srtslurm.yaml: none starts everything with the programs of the nodes; pyxis if the nodes have it all the same',
    };
  const bare = planRecipe(recipe, { ...cluster, containerRuntime: 'none' }, { local: false, directory });
  if (bare.plan === null) return { ok: false, message: inWords(bare.problems) };
  return { ok: true, plan: bare.plan, note: 'this SLURM has no pyxis: nginx is that of the nodes, not that of its image' };
}

function inWords(problems: readonly PlanProblem[]): string {
  return problems.map(({ path, message, suggestion }) => `${path}: ${message}${suggestion === null ? '' : ` (${suggestion})`}`).join('\n');
}
