/** The plans of all recipes of `recipes/` as text, for comparison with those in `test/golden/plans`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../src/srtctl/plan/plan.ts';
import { planRecipe } from '../../src/srtctl/plan/plan-recipe.ts';
import { loadRecipe } from '../../src/srtctl/recipe/load/load-recipe.ts';
import { NO_CLUSTER } from '../../src/srtctl/recipe/resolve/cluster.ts';
import { ROOT } from './program.ts';
import { trackedFiles } from './tracked-files.ts';

export const GOLDEN_DIRECTORY: string = join(ROOT, 'test/golden/plans');
export const RECIPES: string = join(ROOT, 'recipes');

/** Stands for the environment of srtctl. */
const VARIABLES = { HOME: '/home/me', SGLANG_SRC: '/home/me/sglang' };

export interface GoldenPlan {
  /** File in GOLDEN_DIRECTORY. */
  readonly file: string;
  readonly plan: Plan;
}

export function recipeFiles(): readonly string[] {
  return trackedFiles()
    .flatMap((file) => /^recipes\/(.*\.yaml)$/.exec(file)?.[1] ?? [])
    .filter((file) => !file.startsWith('srtslurm'))
    .sort();
}

/** For a cluster with containers, and without them as `--local` does. Fails on any problem. */
export function plansOf(recipeFile: string): readonly GoldenPlan[] {
  const { recipes, problems } = loadRecipe(readFileSync(join(RECIPES, recipeFile), 'utf8'), recipeFile, { variables: VARIABLES });
  assert.deepEqual(problems, []);
  assert.ok(recipes.length > 0);
  const stem = recipeFile.replace(/\.yaml$/, '');
  return recipes.flatMap((recipe) =>
    [false, true].map((local) => {
      const { plan, problems } = planRecipe(recipe, NO_CLUSTER, { local, directory: '/home/me' });
      assert.deepEqual(problems, []);
      assert.ok(plan !== null);
      return { file: `${recipes.length === 1 ? stem : `${stem}.${recipe.name}`}${local ? '.local' : ''}.json`, plan };
    }),
  );
}

const WIDTH = 140;

/** JSON whose arrays and objects stand on one line where they fit, so that a changed process is a changed line or two. */
export function compactJson(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || flat.length + indent.length <= WIDTH) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    // Words of a command line fill lines.
    if (value.every((item) => typeof item !== 'object')) return `[\n${filled(value, inner)}\n${indent}]`;
    return `[\n${value.map((item) => `${inner}${compactJson(item, inner)}`).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value).map(([key, member]) => `${inner}${JSON.stringify(key)}: ${compactJson(member, inner)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function filled(words: readonly unknown[], indent: string): string {
  const lines: string[] = [];
  for (const [index, word] of words.entries()) {
    const text = `${JSON.stringify(word)}${index === words.length - 1 ? '' : ','}`;
    const last = lines.at(-1);
    if (last === undefined || last.length + text.length >= WIDTH) lines.push(`${indent}${text}`);
    else lines[lines.length - 1] = `${last} ${text}`;
  }
  return lines.join('\n');
}
