/**
 * Recipe text -> recipes.
 *
 *     text -> tree -> variants (base, override_*) -> --set, --unset -> sweep -> schema -> cross checks -> Recipe
 *
 * Nothing throws for bad input: all problems of all variants are told at once, each with file, line and column.
 */
import { type Cluster, NO_CLUSTER } from '../resolve/cluster.ts';
import type { Variables } from '../resolve/expand-host.ts';
import type { Recipe } from '../resolve/recipe.ts';
import { resolveRecipe } from '../resolve/resolve-recipe.ts';
import { createRedactor } from '../secrets/redactor.ts';
import { secretScalars, secretValues } from '../secrets/secret-values.ts';
import { readDottedPath } from '../text/dotted-path.ts';
import { setAt, withoutExtensions } from '../text/edit-tree.ts';
import { Findings } from '../text/findings.ts';
import { type Problem, sortProblems } from '../text/problem.ts';
import { type ReadYaml, readYaml } from '../text/read-yaml.ts';
import { type Place, placeOf, scalarTree, type Tree } from '../text/tree.ts';
import { writeYaml } from '../text/write-yaml.ts';
import { expandSweep } from '../variants/expand-sweep.ts';
import { expandVariants } from '../variants/expand-variants.ts';
import { applyEdits, type Override, readOverrides } from '../variants/overrides.ts';

export interface LoadOptions {
  readonly overrides?: readonly Override[];
  /** Which variants of a file with `override_*`; null: all but base. */
  readonly select?: string | null;
  readonly cluster?: Cluster;
  readonly variables?: Variables;
  readonly directoryExists?: ((path: string) => boolean) | null;
  readonly fileExists?: ((path: string) => boolean) | null;
}

export interface LoadedRecipes {
  /** Each with its own name. Empty if there are problems. */
  readonly recipes: readonly Recipe[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where a key of one of these recipes was written, for complaints that come later; the nearest block if it was not. */
  placeOf(recipe: Recipe, path: string): Place;
  /**
   * One of these recipes as it may be kept and shown, secrets as `***`: the file itself if the recipe is all that it holds, otherwise
   * what variants, `--set`, `--unset` and the sweep made of it.
   */
  textOf(recipe: Recipe): string;
}

export function loadRecipe(text: string, fileName: string, options: LoadOptions = {}): LoadedRecipes {
  const { overrides = [], select = null, cluster = NO_CLUSTER, variables = {}, directoryExists = null, fileExists = null } = options;
  const read = readYaml(text, fileName);
  const problems: Problem[] = [...read.problems];
  const warnings: Problem[] = [];
  const edits = readOverrides(overrides, problems);
  const secrets = new Set([...cluster.secrets, ...edits.flatMap(({ steps, value }) => editSecrets(steps, value))]);
  if (read.tree !== null) for (const value of secretValues(read.tree)) secrets.add(value);
  const recipes: Recipe[] = [];
  const trees: Tree[] = [];
  if (read.tree?.kind === 'map') {
    const editProblems: Problem[] = [];
    for (const { tree, name } of expandVariants(read.tree, select, problems)) {
      const edited = applyEdits(tree, edits, editProblems);
      if (edited.kind !== 'map') continue;
      for (const swept of expandSweep(withoutExtensions(edited), problems)) {
        const findings = new Findings(swept.tree);
        const recipe = resolveRecipe(
          findings,
          { override: name, varied: swept.varied },
          { cluster, variables, directoryExists, fileExists },
        );
        if (recipe !== null) {
          recipes.push(recipe);
          trees.push(swept.tree);
        }
        for (const value of recipe?.secrets ?? secretValues(swept.tree)) secrets.add(value);
        problems.push(...findings.problems);
        warnings.push(...findings.warnings);
      }
    }
    problems.push(...editProblems);
  } else if (problems.length === 0) {
    problems.push({
      file: fileName,
      line: read.tree?.at.line ?? 0,
      column: read.tree?.at.column ?? 0,
      path: '',
      message: empty(read.tree),
      suggestion: 'begin with name: and model:',
    });
  }
  const redactor = createRedactor([...secrets]);
  const clean = (found: readonly Problem[]): Problem[] => sortProblems(redactor.data(found));
  const named = problems.length === 0 ? uniquelyNamed(recipes) : [];
  return {
    recipes: named,
    placeOf: (recipe, path) => {
      const tree = trees[named.indexOf(recipe)];
      return tree === undefined ? { file: fileName, line: 0, column: 0 } : placeOf(tree, readDottedPath(path)?.steps ?? []);
    },
    problems: clean(problems),
    warnings: clean(warnings),
    textOf: (recipe) => {
      const tree = trees[named.indexOf(recipe)];
      if (tree === undefined || (edits.length === 0 && recipe.variant.override === null && !isSwept(recipe))) {
        return redactor.text(withoutSecretSpans(text, read));
      }
      const hidden = new Set(secretScalars(tree).map(({ text: secret }) => secret));
      const whole = setAt(tree, ['name'], scalarTree(recipe.name, tree.at)) ?? tree;
      return writeYaml(whole, (value) => (hidden.has(value) ? '***' : redactor.text(value)));
    },
  };
}

function isSwept({ variant }: Recipe): boolean {
  return Object.keys(variant.varied).length > 0;
}

function empty(tree: Tree | null): string {
  return tree === null || (tree.kind === 'scalar' && tree.value === null)
    ? 'the file is empty, expected a recipe'
    : 'expected a recipe: a block of keys';
}

function editSecrets(steps: readonly string[], value: Tree | null): string[] {
  if (value === null) return [];
  const wrapped = steps.reduceRight<Tree>(
    (inner, key) => ({ kind: 'map', entries: new Map([[key, { keyAt: inner.at, value: inner }]]), secret: false, at: inner.at }),
    value,
  );
  return secretValues(wrapped);
}

/** Also finds what no search for values would: escapes, folded lines. */
function withoutSecretSpans(text: string, { tree, spans }: ReadYaml): string {
  const found = tree === null ? [] : secretScalars(tree).flatMap((scalar) => (spans.has(scalar) ? [spans.get(scalar)!] : []));
  let clean = text;
  for (const [start, end] of [...found].sort((a, b) => b[0] - a[0])) {
    // A block of lines ends after its line break, which the next key needs.
    clean = `${clean.slice(0, start)}"***"${clean.slice(start, end).endsWith('\n') ? '\n' : ''}${clean.slice(end)}`;
  }
  return clean;
}

/** Runs are found by name, so a name that comes again gets a number. */
function uniquelyNamed(recipes: readonly Recipe[]): Recipe[] {
  const taken = new Set<string>();
  return recipes.map((recipe) => {
    let { name } = recipe;
    for (let number = 2; taken.has(name); number++) name = `${recipe.name}-${number}`;
    taken.add(name);
    return { ...recipe, name };
  });
}
