/** Collects what is wrong or doubtful in one tree; positions come from the tree. */
import type { Problem } from './problem.ts';
import { findTree, formatPath, type Path, placeOf, type Tree } from './tree.ts';

export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** Those of the problems that say that the workers have no place: a point of a sweep may be left out for them. */
  readonly unplaceable: Problem[] = [];
  readonly tree: Tree;
  /** Nothing starts from here: what this host lacks is worth a warning, since the recipe may be right for another one. */
  readonly isPreview: boolean;
  readonly #written: (path: Path) => Path;

  /** `written`: the path of a key as the recipe spells it. */
  constructor(tree: Tree, written: (path: Path) => Path = (path) => path, isPreview = false) {
    this.tree = tree;
    this.#written = written;
    this.isPreview = isPreview;
  }

  /** Something that stops the run. `onKey`: the key itself is wrong, not its value. */
  problem(path: Path, message: string, suggestion: string | null = null, onKey = false): void {
    this.problems.push(this.#found(path, message, suggestion, onKey));
  }

  /** The workers have no place on the nodes. */
  impossible(path: Path, message: string, suggestion: string | null = null): void {
    this.problem(path, message, suggestion);
    this.unplaceable.push(this.problems.at(-1)!);
  }

  /** Something that people should know, but that stops nothing. */
  warn(path: Path, message: string, suggestion: string | null = null): void {
    this.warnings.push(this.#found(path, message, suggestion, false));
  }

  /** Whether something is written there, right or wrong. A key without a value or with an empty text is not. */
  isWritten(path: Path): boolean {
    const found = this.find(path);
    return found !== null && !(found.kind === 'scalar' && (found.value === null || found.value === ''));
  }

  find(path: Path): Tree | null {
    return findTree(this.tree, path);
  }

  #found(path: Path, message: string, suggestion: string | null, onKey: boolean): Problem {
    return { ...placeOf(this.tree, path, onKey), path: formatPath(this.#written(path)), message, suggestion };
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
