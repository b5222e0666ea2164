/**
 * A YAML document as a tree in which every value knows where it was written. Overrides, sweeps and `--set` build new trees out of
 * the parts of others, so a complaint still names the line that the wrong value came from.
 */

/** Line and column count from 1; 0: the file as a whole. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `1.10` where the value is 1.1. */
  readonly text: string;
  /** Written without quotes. */
  readonly plain: boolean;
  /** Tagged `!secret`. */
  readonly secret: boolean;
  readonly at: Place;
}

export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly secret: boolean;
  readonly at: Place;
}

export interface MapEntry {
  readonly keyAt: Place;
  readonly value: Tree;
}

export interface MapTree {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly secret: boolean;
  readonly at: Place;
}

export type Tree = ScalarTree | ListTree | MapTree;

/** Keys of maps and indices of lists. */
export type Path = readonly (string | number)[];

/** A map or a list without anything in it. */
export function isEmpty(tree: Tree): boolean {
  if (tree.kind === 'scalar') return false;
  return tree.kind === 'map' ? tree.entries.size === 0 : tree.items.length === 0;
}

/** Null if there is nothing at the path. */
export function findTree(root: Tree, path: Path): Tree | null {
  let tree: Tree = root;
  for (const step of path) {
    const next: Tree | undefined = childOf(tree, step);
    if (next === undefined) return null;
    tree = next;
  }
  return tree;
}

function childOf(tree: Tree, step: string | number): Tree | undefined {
  if (tree.kind === 'map') return tree.entries.get(String(step))?.value;
  if (tree.kind === 'list') return tree.items[Number(step)];
  return undefined;
}

/** Where the value at the path is, or else the nearest value around it. With `ofKey` the place of its key. */
export function placeOf(root: Tree, path: Path, ofKey = false): Place {
  for (let length = path.length; length > 0; length--) {
    const parent = findTree(root, path.slice(0, length - 1));
    const step = path[length - 1]!;
    if (parent?.kind === 'map' && parent.entries.has(String(step))) {
      const entry = parent.entries.get(String(step))!;
      // A block map begins on the line of its first key, which says less than the key above it.
      return (ofKey && length === path.length) || entry.value.kind === 'map' ? entry.keyAt : entry.value.at;
    }
    const found = parent === null ? undefined : childOf(parent, step);
    if (found !== undefined) return found.at;
  }
  return root.at;
}

/** As plain data. Maps become objects, values their own. */
export function plainOf(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainOf(value)]));
}

export function scalarTree(value: ScalarTree['value'], at: Place): ScalarTree {
  return { kind: 'scalar', value, text: String(value), plain: false, secret: false, at };
}

export function mapTree(entries: ReadonlyMap<string, MapEntry>, like: { readonly at: Place; readonly secret?: boolean }): MapTree {
  return { kind: 'map', entries, secret: like.secret ?? false, at: like.at };
}

/** `backend.sglang_config."a.b"`; keys that hold dots or nothing are quoted. */
export function formatPath(path: Path): string {
  return path.map((step) => (/^[^."\s=]+$/.test(String(step)) ? String(step) : JSON.stringify(String(step)))).join('.');
}
