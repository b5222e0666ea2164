/** One tree of a recipe from what the command line asks to change: `--set PATH=VALUE` and `--unset PATH`. */
import { nearest } from '../../../base/config/suggest.ts';
import { readDottedPath } from '../text/dotted-path.ts';
import { removeAt, setAt } from '../text/edit-tree.ts';
import type { Problem } from '../text/problem.ts';
import { readYaml } from '../text/read-yaml.ts';
import { findTree, formatPath, type Place, scalarTree, type Tree } from '../text/tree.ts';

/** In the order of the command line. `text` is `PATH=VALUE` for set and `PATH` for unset. */
export interface Override {
  readonly kind: 'set' | 'unset';
  readonly text: string;
}

/** Read once, applied to every variant of a recipe. Problems name the option as their file. */
export interface Edit {
  readonly source: Place;
  readonly steps: readonly string[];
  /** Null: remove. */
  readonly value: Tree | null;
}

export function readOverrides(overrides: readonly Override[], problems: Problem[]): Edit[] {
  return overrides.flatMap((override) => readOverride(override, problems) ?? []);
}

function readOverride({ kind, text }: Override, problems: Problem[]): Edit | null {
  const path = readDottedPath(text);
  const option = `--${kind} ${path === null ? JSON.stringify(text.split('=', 1)[0]) : formatPath(path.steps)}`;
  const source: Place = { file: option, line: 0, column: 0 };
  if (path === null || (kind === 'set' ? !path.rest.startsWith('=') : path.rest !== '')) {
    const form = kind === 'set' ? 'PATH=VALUE, for example model.path=/models/a' : 'PATH, for example slurm.time_limit';
    problems.push({ ...source, path: '', message: `expected ${form}`, suggestion: 'keys that hold "." or "=" stand in double quotes' });
    return null;
  }
  if (kind === 'unset') return { source, steps: path.steps, value: null };
  const read = readYaml(path.rest.slice(1), option);
  problems.push(...read.problems.map((problem) => ({ ...problem, ...source, path: formatPath(path.steps) })));
  if (read.problems.length > 0) return null;
  return { source, steps: path.steps, value: read.tree === null ? scalarTree('', source) : placed(read.tree, source) };
}

/** A line and a column inside of one option help nobody. */
function placed(tree: Tree, at: Place): Tree {
  if (tree.kind === 'scalar') return { ...tree, at };
  if (tree.kind === 'list') return { ...tree, at, items: tree.items.map((item) => placed(item, at)) };
  return { ...tree, at, entries: new Map([...tree.entries].map(([key, { value }]) => [key, { keyAt: at, value: placed(value, at) }])) };
}

export function applyEdits(root: Tree, edits: readonly Edit[], problems: Problem[]): Tree {
  let tree = root;
  for (const { source, steps, value } of edits) {
    const path = formatPath(steps);
    if (value === null) {
      if (findTree(tree, steps) === null)
        problems.push({ ...source, path, message: 'there is nothing to unset', suggestion: hint(tree, steps) });
      tree = removeAt(tree, steps);
      continue;
    }
    const next = setAt(tree, steps, value);
    if (next === null)
      problems.push({ ...source, path, message: 'cannot be set: a part of the path is a value without keys', suggestion: null });
    else tree = next;
  }
  return tree;
}

function hint(tree: Tree, steps: readonly string[]): string | null {
  const parent = findTree(tree, steps.slice(0, -1));
  const last = steps.at(-1)!;
  const near = parent?.kind === 'map' ? nearest(last, parent.entries.keys()) : null;
  return near === null ? null : `did you mean ${formatPath([...steps.slice(0, -1), near])}?`;
}
