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
import type { ResolveContext } from '../resolve/resolve-context.ts';
import { resolveRecipe } from '../resolve/resolve-recipe.ts';
import { createRedactor } from '../secrets/redactor.ts';
import { secretScalars, secretValues } from '../secrets/secret-values.ts';
import { type Renamed, writtenPath, writtenText } from '../spelling/moves.ts';
import { findOtherEngine } from '../spelling/other-engines.ts';
import { toSchema1 } from '../spelling/to-schema-1.ts';
import { readDottedPath } from '../text/dotted-path.ts';
import { setAt, withoutExtensions } from '../text/edit-tree.ts';
import { Findings } from '../text/findings.ts';
import { type Problem, sortProblems } from '../text/problem.ts';
import { type ReadYaml, readYaml } from '../text/read-yaml.ts';
import { type MapTree, type Place, placeOf, scalarTree, type Tree } from '../text/tree.ts';
import { writeYaml } from '../text/write-yaml.ts';
import { expandSweep, type SweptTree } from '../variants/expand-sweep.ts';
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
  /** Null: the recipe has no file, such as standard input. */
  readonly recipeDirectory?: string | null;
  /** Nothing starts from here: variables that this host lacks are warnings. */
  readonly isPreview?: boolean;
}

export interface LoadedRecipes {
  /** Each with its own name. Empty if there are problems. */
  readonly recipes: readonly Recipe[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where a key of one of these recipes is written, and how it is spelled there; the nearest block if it is not. */
  placeOf(recipe: Recipe, path: string): Place & { readonly path: string };
  /**
   * One of these recipes as it may be kept and shown, secrets as `***`: the file itself if the recipe is all that it holds, otherwise
   * what variants, `--set`, `--unset` and the sweep made of it.
   */
  textOf(recipe: Recipe): string;
}

export function loadRecipe(text: string, fileName: string, options: LoadOptions = {}): LoadedRecipes {
  const { overrides = [], select = null, cluster = NO_CLUSTER, variables = {} } = options;
  const { directoryExists = null, fileExists = null, recipeDirectory = null, isPreview = false } = options;
  const read = readYaml(text, fileName);
  const problems: Problem[] = [...read.problems];
  const warnings: Problem[] = [];
  const edits = readOverrides(overrides, problems);
  const secrets = new Set([...cluster.secrets, ...edits.flatMap(({ steps, value }) => editSecrets(steps, value))]);
  if (read.tree !== null) for (const value of secretValues(read.tree)) secrets.add(value);
  const recipes: Recipe[] = [];
  const sources: Source[] = [];
  if (read.tree?.kind === 'map') {
    const editProblems: Problem[] = [];
    for (const { tree, name } of expandVariants(read.tree, select, problems)) {
      const edited = applyEdits(tree, edits, editProblems);
      if (edited.kind !== 'map') continue;
      const points = expandSweep(withoutExtensions(edited), problems).map((swept) =>
        resolvePoint(swept, name, isPreview, { cluster, variables, directoryExists, fileExists, recipeDirectory }),
      );
      const kept = withoutImpossible(points, warnings);
      for (const point of kept) {
        if (point.recipe !== null) {
          recipes.push(point.recipe);
          sources.push(point.source);
        }
        for (const value of point.recipe?.secrets ?? secretValues(point.source.tree)) secrets.add(value);
        problems.push(...point.problems);
        warnings.push(...point.warnings);
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
      const source = sources[named.indexOf(recipe)];
      if (source === undefined) return { file: fileName, line: 0, column: 0, path };
      return { ...placeOf(source.schema1, readDottedPath(path)?.steps ?? []), path: writtenText(path, source.renamed) };
    },
    problems: clean(problems),
    warnings: clean(warnings),
    textOf: (recipe) => {
      const tree = sources[named.indexOf(recipe)]?.tree;
      if (tree === undefined || (edits.length === 0 && recipe.variant.override === null && !isSwept(recipe))) {
        return redactor.text(withoutSecretSpans(text, read));
      }
      const hidden = new Set(secretScalars(tree).map(({ text: secret }) => secret));
      const whole = setAt(tree, ['name'], scalarTree(recipe.name, tree.at)) ?? tree;
      return writeYaml(whole, (value) => (hidden.has(value) ? '***' : redactor.text(value)));
    },
  };
}

/** What one recipe was made of. */
interface Source {
  /** As it is written. */
  readonly tree: MapTree;
  /** The same in the keys of schema 1, and how these are spelled in the file. */
  readonly schema1: MapTree;
  readonly renamed: Renamed;
}

interface Point {
  readonly recipe: Recipe | null;
  readonly source: Source;
  readonly varied: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Null: it can be placed, or there are problems besides that its workers have no place. */
  readonly impossible: Problem | null;
}

function resolvePoint({ tree, varied }: SweptTree, override: string | null, isPreview: boolean, context: ResolveContext): Point {
  const other = findOtherEngine(tree);
  if (other !== null) {
    const source = { tree, schema1: tree, renamed: [] };
    return { recipe: null, source, varied, problems: [other], warnings: [], impossible: null };
  }
  const { tree: schema1, renamed, problems, warnings } = toSchema1(tree);
  const findings = new Findings(schema1, (path) => writtenPath(path, renamed), isPreview);
  const recipe = resolveRecipe(findings, { override, varied }, context);
  const found = [...problems, ...findings.problems];
  return {
    recipe: problems.length === 0 ? recipe : null,
    source: { tree, schema1, renamed },
    varied,
    problems: found,
    warnings: [...warnings, ...findings.warnings],
    impossible: found.length > 0 && found.length === findings.unplaceable.length ? found[0]! : null,
  };
}

const NAMED_POINTS = 4;

/** Without the points of a sweep whose workers have no place, if any is left without them. */
function withoutImpossible(points: readonly Point[], warnings: Problem[]): readonly Point[] {
  const left = points.filter(({ impossible }) => impossible === null);
  const skipped = points.flatMap(({ impossible, varied }) => (impossible === null ? [] : [{ impossible, varied }]));
  const [first] = skipped;
  if (first === undefined || left.length === 0) return points;
  const names = skipped.slice(0, NAMED_POINTS).map(({ varied }) =>
    Object.entries(varied)
      .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
      .join(', '),
  );
  const more = skipped.length > NAMED_POINTS ? ` and ${skipped.length - NAMED_POINTS} more` : '';
  warnings.push({
    ...first.impossible,
    path: 'sweep',
    message: `${skipped.length} of ${points.length} points are skipped (${names.join('; ')}${more}): ${first.impossible.path}: ${first.impossible.message}`,
    suggestion: null,
  });
  return left;
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
