/** Recipes that tests share. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './program.ts';

export function recipeText(name: string): string {
  return readFileSync(join(ROOT, 'recipes', name), 'utf8');
}

/** The seed's complete recipe. */
export const SEED_RECIPE: string = recipeText('seed.yaml');

/** A small recipe without problems and warnings; `more` is appended. */
export function smallRecipe(more = ''): string {
  return `name: small
model:
  path: /models/small
  container: image:1
resources:
  gpus_per_node: 4
  agg_nodes: 1
  agg_workers: 1
${more}`;
}
