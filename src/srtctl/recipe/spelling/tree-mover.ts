/** Entries of one recipe on their way to another spelling; what cannot be moved becomes problems. */
import type { Problem } from '../text/problem.ts';
import { formatPath, type MapEntry, type MapTree, type Path, type Place, plainOf } from '../text/tree.ts';
import { putEntry, type Renamed, takeEntry } from './moves.ts';

export class TreeMover {
  tree: MapTree;
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #renamed: (readonly [Path, Path])[] = [];

  constructor(root: MapTree) {
    this.tree = root;
  }

  /** Where entries went, the longest paths first. */
  get renamed(): Renamed {
    return [...this.#renamed].sort(([a], [b]) => b.length - a.length);
  }

  has(path: Path): boolean {
    return takeEntry(this.tree, path) !== null;
  }

  /** Null: there is nothing, or nothing with a value. */
  plain(path: Path): unknown {
    const found = takeEntry(this.tree, path);
    return found === null ? null : plainOf(found.entry.value);
  }

  take(path: Path): MapEntry | null {
    const taken = takeEntry(this.tree, path);
    if (taken === null) return null;
    this.tree = taken.rest;
    return taken.entry;
  }

  /** `written`: where the entry came from. */
  put(path: Path, entry: MapEntry, written: Path): void {
    const next = putEntry(this.tree, path, entry);
    if (next === null) {
      this.problem(entry.value, written, `is given twice: here and as ${formatPath(path)}`, 'keep one of them');
      return;
    }
    this.tree = next;
    this.#renamed.push([path, written]);
  }

  problem({ at }: { readonly at: Place }, path: Path, message: string, suggestion: string | null = null): void {
    this.problems.push({ ...at, path: formatPath(path), message, suggestion });
  }

  warn({ at }: { readonly at: Place }, path: Path, message: string, suggestion: string | null = null): void {
    this.warnings.push({ ...at, path: formatPath(path), message, suggestion });
  }
}
