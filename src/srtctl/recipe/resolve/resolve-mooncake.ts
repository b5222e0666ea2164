/** backend.mooncake_kv_store; null: workers share no store. */
import type { RecipeInput } from '../schema/recipe-schema.ts';
import type { Findings } from '../text/findings.ts';
import type { Tree } from '../text/tree.ts';
import { readEnvironment } from './free-maps.ts';
import type { MooncakeStore } from './recipe.ts';

/** @param alias explains names of images by the cluster file. */
export function resolveMooncake(input: RecipeInput, tree: Tree, alias: (name: string) => string, findings: Findings): MooncakeStore | null {
  const given = input.backend?.mooncake_kv_store;
  if (given === undefined) return null;
  return {
    container: given.container === undefined ? null : alias(given.container),
    environment: readEnvironment(tree, ['backend', 'mooncake_kv_store', 'env'], findings),
    masterArgs: given.master_extra_args ?? [],
  };
}
