/** Collects what is wrong or doubtful in one tree; positions come from the tree. */
import type { Problem } from './problem.ts';
import { findTree, formatPath, type Path, placeOf, type Tree } from './tree.ts';

export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly tree: Tree;

  constructor(tree: Tree) {
    this.tree = tree;
  }

  /** Something that stops the run. `onKey`: the key itself is wrong, not its value. */
  problem(path: Path, message: string, suggestion: string | null = null, onKey = false): void {
    this.problems.push(this.#found(path, message, suggestion, onKey));
  }

  /** Something that people should know, but that stops nothing. */
  warn(path: Path, message: string, suggestion: string | null = null): void {
    this.warnings.push(this.#found(path, message, suggestion, false));
  }

  /** Whether something was written there, right or wrong; a key without a value is not. What is wrong of it has been told already. */
  isWritten(path: Path): boolean {
    const found = this.find(path);
    return found !== null && !(found.kind === 'scalar' && found.value === null);
  }

  find(path: Path): Tree | null {
    return findTree(this.tree, path);
  }

  #found(path: Path, message: string, suggestion: string | null, onKey: boolean): Problem {
    return { ...placeOf(this.tree, path, onKey), path: formatPath(path), message, suggestion };
  }
}

const SHOWN_CHARACTERS = 80;

/** A value as a message shows it: short and on one line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'object' && value !== null ? shownObject(value) : JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

function shownObject(value: object): string {
  return Array.isArray(value) ? JSON.stringify(value.slice(0, 20)) : 'a block of keys';
}
