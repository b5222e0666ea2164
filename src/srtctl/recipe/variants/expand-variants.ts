/**
 * Files with `base:`, `override_NAME:` and `zip_override_NAME:`.
 *
 *     base: {...}                     the recipe that the others change
 *     override_tp8: {...}             merged onto base: maps key by key, lists replaced, null removes
 *     zip_override_sizes: {...}       every list in it is walked in step: one variant for each position; a list of one element
 *                                     counts for all positions, a list of lists gives lists
 */
import { nearest } from '../../../base/config/suggest.ts';
import { mergeTrees } from '../text/edit-tree.ts';
import type { Problem } from '../text/problem.ts';
import { formatPath, type ListTree, type MapEntry, type MapTree, mapTree, type Path, scalarTree, type Tree } from '../text/tree.ts';

export interface TreeVariant {
  readonly tree: MapTree;
  /** `base`, `tp8`, `sizes_0`; null: the file has no variants. */
  readonly name: string | null;
}

export const MAX_RESULTS = 1000;

export function isVariantFile(root: MapTree): boolean {
  return root.entries.has('base') || [...root.entries.keys()].some((key) => /^(zip_)?override_./.test(key));
}

/**
 * @param select `base`, `override_tp8`, `tp8`, `zip_override_sizes[2]`, with `*` and `?` as in file names; null: all but base,
 *   or base if there is nothing else.
 */
export function expandVariants(root: MapTree, select: string | null, problems: Problem[]): TreeVariant[] {
  if (!isVariantFile(root)) {
    if (select !== null) complain(problems, root, [], `"${select}" selects nothing: the file has no base and no override_*`, null);
    return select === null ? [{ tree: root, name: null }] : [];
  }
  const base = root.entries.get('base')?.value;
  if (base === undefined)
    complain(problems, root, [], 'there is override_* but no base that it could change', 'put the recipe under base:');
  else if (base.kind !== 'map') complain(problems, base, ['base'], 'expected a recipe', null);
  const all = new Map<string, TreeVariant>();
  const whole: MapTree = base?.kind === 'map' ? base : mapTree(new Map(), root);
  // The schema of a file is that of all its recipes.
  const schema = root.entries.get('schema');
  const start = schema === undefined || whole.entries.has('schema') ? whole : mapTree(new Map(whole.entries).set('schema', schema), whole);
  all.set('base', { tree: start, name: 'base' });
  for (const [key, entry] of root.entries) {
    if (key === 'base' || key === 'schema' || key.startsWith('x-')) continue;
    for (const [id, over, name] of variantsOf(key, entry, problems)) {
      all.set(id, { tree: named(mergeTrees(start, over) as MapTree, start, over, name), name });
    }
    if (all.size > MAX_RESULTS) {
      complain(problems, root, [], `more than ${MAX_RESULTS} variants`, 'split the file');
      break;
    }
  }
  return selected(all, select, root, problems);
}

type Found = readonly [id: string, over: MapTree, name: string];

function variantsOf(key: string, { keyAt, value }: MapEntry, problems: Problem[]): Found[] {
  const match = /^(zip_)?override_(.+)$/s.exec(key);
  if (match === null) {
    problems.push({
      ...keyAt,
      path: formatPath([key]),
      message: `unknown key beside base: ${JSON.stringify(key)}`,
      suggestion: `put it under base:, or name it override_${key}`,
    });
    return [];
  }
  if (value.kind !== 'map') {
    complain(problems, value, [key], 'expected the keys that change', null);
    return [];
  }
  const name = match[2]!;
  if (match[1] === undefined) return [[key, value, name]];
  const lists: { readonly list: ListTree; readonly path: Path }[] = [];
  collectLists(value, [key], lists);
  const length = Math.max(0, ...lists.map(({ list }) => list.items.length));
  for (const { list, path } of lists) {
    if (list.items.length === length || list.items.length === 1) continue;
    complain(problems, list, path, `${list.items.length} values beside ${length} in another list`, `give 1 or ${length}`);
    return [];
  }
  if (length === 0) complain(problems, value, [key], 'there is no list with values to walk', `name it override_${name}`);
  return Array.from(
    { length: Math.min(length, MAX_RESULTS + 1) },
    (_, at) => [`${key}[${at}]`, pick(value, at) as MapTree, `${name}_${at}`] as const,
  );
}

function collectLists(tree: Tree, path: Path, lists: { list: ListTree; path: Path }[]): void {
  if (tree.kind === 'list') lists.push({ list: tree, path });
  if (tree.kind === 'map') for (const [key, { value }] of tree.entries) collectLists(value, [...path, key], lists);
}

function pick(tree: Tree, at: number): Tree {
  if (tree.kind === 'list') return tree.items[tree.items.length === 1 ? 0 : at] ?? tree;
  if (tree.kind === 'scalar') return tree;
  return mapTree(new Map([...tree.entries].map(([key, { keyAt, value }]) => [key, { keyAt, value: pick(value, at) }])), tree);
}

/** A variant that does not name itself is called after the base and itself. */
function named(tree: MapTree, base: MapTree, over: MapTree, name: string): MapTree {
  const own = base.entries.get('name');
  if (own === undefined || over.entries.has('name') || own.value.kind !== 'scalar') return tree;
  const value = scalarTree(`${own.value.text}_${name}`, own.value.at);
  return mapTree(new Map(tree.entries).set('name', { keyAt: own.keyAt, value }), tree);
}

function selected(all: ReadonlyMap<string, TreeVariant>, select: string | null, root: MapTree, problems: Problem[]): TreeVariant[] {
  if (select === null) return all.size === 1 ? [...all.values()] : [...all].filter(([id]) => id !== 'base').map(([, variant]) => variant);
  const found = [...all].filter(([id, { name }]) => [id, id.replace(/\[\d+\]$/, ''), name ?? ''].some((word) => matches(select, word)));
  if (found.length === 0) {
    const near = nearest(select, [...all.keys(), ...[...all.values()].map(({ name }) => name ?? '')]);
    complain(
      problems,
      root,
      [],
      `"${select}" selects nothing: there is ${[...all.keys()].slice(0, 20).join(', ')}`,
      near === null ? null : `did you mean ${near}?`,
    );
  }
  return found.map(([, variant]) => variant);
}

/** `*` and `?` as in file names, in time linear in the product of the lengths. */
function matches(pattern: string, word: string): boolean {
  let reachable = new Set([0]);
  for (const letter of pattern.slice(0, 256)) {
    const next = new Set<number>();
    for (const at of reachable) {
      if (letter === '*') for (let end = at; end <= word.length; end++) next.add(end);
      else if (at < word.length && (letter === '?' || word[at] === letter)) next.add(at + 1);
    }
    reachable = next;
  }
  return reachable.has(word.length);
}

function complain(problems: Problem[], tree: Tree, path: Path, message: string, suggestion: string | null): void {
  problems.push({ ...tree.at, path: formatPath(path), message, suggestion });
}
