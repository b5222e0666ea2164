/** Loads recipes from text for tests of loading. */
import assert from 'node:assert/strict';
import { type LoadedRecipes, type LoadOptions, loadRecipe } from '../../src/srtctl/recipe/load/load-recipe.ts';
import type { Recipe } from '../../src/srtctl/recipe/resolve/recipe.ts';
import { formatProblem } from '../../src/srtctl/recipe/text/problem.ts';

export function load(text: string, options?: LoadOptions): LoadedRecipes {
  return loadRecipe(text, 'r.yaml', options);
}

/** The only recipe of a text without problems. */
export function one(text: string, options?: LoadOptions): Recipe {
  const { recipes, problems } = load(text, options);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.equal(recipes.length, 1);
  return recipes[0]!;
}

export function problemsOf(text: string, options?: LoadOptions): string[] {
  return load(text, options).problems.map(formatProblem);
}

export function warningsOf(text: string, options?: LoadOptions): string[] {
  return load(text, options).warnings.map(formatProblem);
}

export function keptText(text: string, options?: LoadOptions): string {
  const { recipes, textOf } = load(text, options);
  return textOf(recipes[0] ?? assert.fail());
}
