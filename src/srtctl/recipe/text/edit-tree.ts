/** Trees made of other trees: merging, setting and removing. Nothing is changed in place. */
import { type MapEntry, type MapTree, mapTree, type Path, type Place, type Tree } from './tree.ts';

/** `over` onto `base`: maps are merged key by key, null removes the key, everything else replaces. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    if (entry.value.kind === 'scalar' && entry.value.value === null) {
      entries.delete(key);
      continue;
    }
    const below = entries.get(key);
    entries.set(key, below === undefined ? entry : { keyAt: entry.keyAt, value: mergeTrees(below.value, entry.value) });
  }
  return mapTree(entries, base);
}

/** Null where the path goes through a value that has no keys, or beyond the end of a list. */
export function setAt(root: Tree, path: Path, value: Tree): Tree | null {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (root.kind === 'list') {
    const index = Number(step);
    if (!Number.isInteger(index) || index < 0 || index > root.items.length || String(index) !== String(step)) return null;
    const child = root.items[index];
    const next = child === undefined && rest.length > 0 ? null : setAt(child ?? value, rest, value);
    return next === null ? null : { ...root, items: [...root.items.slice(0, index), next, ...root.items.slice(index + 1)] };
  }
  if (root.kind === 'scalar' && root.value !== null) return null;
  const entries = new Map<string, MapEntry>(root.kind === 'map' ? root.entries : []);
  const key = String(step);
  const next = setAt(entries.get(key)?.value ?? emptyMap(value.at), rest, value);
  if (next === null) return null;
  entries.set(key, { keyAt: value.at, value: next });
  return mapTree(entries, root.kind === 'map' ? root : value);
}

/** The same tree if there is nothing at the path. */
export function removeAt(root: Tree, path: Path): Tree {
  const [step, ...rest] = path;
  if (step === undefined) return root;
  if (root.kind === 'list') {
    const index = Number(step);
    const child = root.items[index];
    if (child === undefined) return root;
    return { ...root, items: rest.length === 0 ? root.items.toSpliced(index, 1) : root.items.with(index, removeAt(child, rest)) };
  }
  if (root.kind === 'scalar') return root;
  const entry = root.entries.get(String(step));
  if (entry === undefined) return root;
  const entries = new Map(root.entries);
  if (rest.length === 0) entries.delete(String(step));
  else entries.set(String(step), { keyAt: entry.keyAt, value: removeAt(entry.value, rest) });
  return mapTree(entries, root);
}

function emptyMap(at: Place): MapTree {
  return { kind: 'map', entries: new Map(), secret: false, at };
}

/** `x-...` at the top is nobody's: a place for anchors. */
export function withoutExtensions(tree: MapTree): MapTree {
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !key.startsWith('x-'))) };
}
