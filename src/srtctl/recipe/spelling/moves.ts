/** Entries of a tree moved from one path to another, with the places at which they were written. */
import { formatPath, type MapEntry, type MapTree, mapTree, type Path, type Tree } from '../text/tree.ts';

/** Path in the new spelling -> path as it was written, for messages. */
export type Renamed = readonly (readonly [from: Path, written: Path])[];

/** Takes the entry at a path out. Null: there is none. */
export function takeEntry(root: MapTree, path: Path): { readonly entry: MapEntry; readonly rest: MapTree } | null {
  const [step, ...more] = path;
  const entry = root.entries.get(String(step));
  if (entry === undefined) return null;
  const entries = new Map(root.entries);
  if (more.length === 0) {
    entries.delete(String(step));
    return { entry, rest: mapTree(entries, root) };
  }
  if (entry.value.kind !== 'map') return null;
  const taken = takeEntry(entry.value, more);
  if (taken === null) return null;
  entries.set(String(step), { keyAt: entry.keyAt, value: taken.rest });
  return { entry: taken.entry, rest: mapTree(entries, root) };
}

/** Null: something is there already, or a value without keys is in the way. */
export function putEntry(root: MapTree, path: Path, entry: MapEntry): MapTree | null {
  const [step, ...more] = path;
  const key = String(step);
  const there = root.entries.get(key);
  const entries = new Map(root.entries);
  if (more.length === 0) {
    if (there !== undefined) return null;
    entries.set(key, entry);
    return mapTree(entries, root);
  }
  const isEmpty = there === undefined || (there.value.kind === 'scalar' && there.value.value === null);
  const inner: Tree = isEmpty ? mapTree(new Map(), { at: entry.keyAt }) : there.value;
  const next = inner.kind === 'map' ? putEntry(inner, more, entry) : null;
  if (next === null) return null;
  entries.set(key, { keyAt: there?.keyAt ?? entry.keyAt, value: next });
  return mapTree(entries, root);
}

/** The path as it was written. */
export function writtenPath(path: Path, renamed: Renamed): Path {
  const text = path.map(String);
  for (const [from, written] of renamed)
    if (from.every((step, at) => text[at] === String(step))) return [...written, ...path.slice(from.length)];
  return path;
}

/** The same for dotted text that begins with a path. */
export function writtenText(text: string, renamed: Renamed): string {
  for (const [from, written] of renamed) {
    const prefix = formatPath(from);
    if (text === prefix || text.startsWith(`${prefix}.`)) return `${formatPath(written)}${text.slice(prefix.length)}`;
  }
  return text;
}
