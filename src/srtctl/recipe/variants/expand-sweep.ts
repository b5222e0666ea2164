/**
 * `sweep:` makes several recipes of one.
 *
 *     sweep: {tp: [4, 8], isl: [1024, 8192]}                       grid: every combination, the last parameter fastest
 *     sweep: {mode: zip, parameters: {tp: [4, 8], isl: [1, 2]}}    zip: first with first, second with second; one value counts for all
 *
 * A parameter replaces `{tp}` in every text of the recipe; a text that is nothing but `{tp}` becomes the value itself, number or
 * list. A parameter with dots is a path and is set there: `benchmark.isl: [1024, 8192]`.
 */
import { readDottedPath } from '../text/dotted-path.ts';
import { removeAt, setAt } from '../text/edit-tree.ts';
import { shown } from '../text/findings.ts';
import type { Problem } from '../text/problem.ts';
import { formatPath, type ListTree, type MapTree, mapTree, type Path, plainOf, scalarTree, type Tree } from '../text/tree.ts';
import { MAX_RESULTS } from './expand-variants.ts';

export interface SweptTree {
  readonly tree: MapTree;
  /** Parameter -> value; empty without a sweep. */
  readonly varied: Readonly<Record<string, unknown>>;
}

interface Parameter {
  readonly name: string;
  readonly path: Path;
  /** Null: it replaces `{name}`. */
  readonly target: readonly string[] | null;
  readonly values: ListTree;
}

export function expandSweep(root: MapTree, problems: Problem[]): SweptTree[] {
  const sweep = root.entries.get('sweep')?.value;
  if (sweep === undefined || (sweep.kind === 'scalar' && sweep.value === null))
    return [{ tree: removeAt(root, ['sweep']) as MapTree, varied: {} }];
  const rest = removeAt(root, ['sweep']) as MapTree;
  const before = problems.length;
  const { zipped, parameters } = readSweep(sweep, rest, problems);
  const points = problems.length > before ? [] : zipped ? zip(parameters, problems) : grid(parameters, sweep, problems);
  // With a wrong sweep the recipe is still judged once, so that all its problems are told together.
  if (points.length === 0) return [{ tree: rest, varied: {} }];
  return points.map((point) => substitute(rest, parameters, point));
}

function readSweep(sweep: Tree, rest: MapTree, problems: Problem[]): { zipped: boolean; parameters: Parameter[] } {
  const nothing = { zipped: false, parameters: [] };
  const complain = (tree: Tree, path: Path, message: string, suggestion: string | null = null): void => {
    problems.push({ ...tree.at, path: formatPath(path), message, suggestion });
  };
  if (sweep.kind !== 'map') {
    complain(sweep, ['sweep'], 'expected parameters, each with a list of values', 'for example sweep: {tp: [4, 8]}');
    return nothing;
  }
  const mode = sweep.entries.get('mode')?.value;
  const named = sweep.entries.get('parameters')?.value;
  const isLongForm = named?.kind === 'map';
  if (isLongForm && mode !== undefined && !(mode.kind === 'scalar' && (mode.value === 'zip' || mode.value === 'grid'))) {
    complain(mode, ['sweep', 'mode'], `got ${shown(plainOf(mode))}, expected grid or zip`);
  }
  const source = isLongForm ? named : sweep;
  const prefix = isLongForm ? ['sweep', 'parameters'] : ['sweep'];
  const parameters: Parameter[] = [];
  for (const [name, { value }] of source.entries) {
    const path = [...prefix, name];
    const dotted = name.includes('.') ? readDottedPath(name) : null;
    if (value.kind !== 'list' || value.items.length === 0)
      complain(value, path, 'expected a list of at least one value', `for example ${name}: [1, 2]`);
    else if (name.includes('.') && (dotted === null || dotted.rest !== ''))
      complain(value, path, `${JSON.stringify(name)} is not a path`, null);
    else if (dotted === null && !mentions(rest, `{${name}}`))
      complain(
        value,
        path,
        `nothing in the recipe says {${name}}`,
        `write {${name}} where the value belongs, or name the parameter by its path, as in benchmark.isl`,
      );
    else if (dotted !== null && setAt(rest, dotted.steps, value) === null)
      complain(value, path, 'cannot be set: a part of the path is a value without keys');
    else parameters.push({ name, path, target: dotted?.steps ?? null, values: value });
  }
  if (source.entries.size === 0) complain(source, prefix, 'there is nothing to vary', 'remove sweep');
  for (const key of isLongForm ? sweep.entries.keys() : []) {
    if (key !== 'mode' && key !== 'parameters')
      complain(sweep.entries.get(key)!.value, ['sweep', key], 'unknown key', 'parameters belong under sweep.parameters');
  }
  return { zipped: isLongForm && mode?.kind === 'scalar' && mode.value === 'zip', parameters };
}

type Point = readonly Tree[];

function grid(parameters: readonly Parameter[], sweep: Tree, problems: Problem[]): Point[] {
  const count = parameters.reduce((product, { values }) => product * values.items.length, 1);
  if (count > MAX_RESULTS) {
    problems.push({ ...sweep.at, path: 'sweep', message: `${count} combinations; at most ${MAX_RESULTS} are possible`, suggestion: null });
    return [];
  }
  let points: Point[] = parameters.length === 0 ? [] : [[]];
  for (const { values } of parameters) points = points.flatMap((point) => values.items.map((value) => [...point, value]));
  return points;
}

function zip(parameters: readonly Parameter[], problems: Problem[]): Point[] {
  const length = Math.max(0, ...parameters.map(({ values }) => values.items.length));
  for (const { values, path } of parameters) {
    if (values.items.length === length || values.items.length === 1) continue;
    problems.push({
      ...values.at,
      path: formatPath(path),
      message: `${values.items.length} values beside ${length} of another parameter`,
      suggestion: `give 1 or ${length}`,
    });
    return [];
  }
  if (length > MAX_RESULTS) {
    const [first] = parameters;
    problems.push({
      ...first!.values.at,
      path: 'sweep',
      message: `${length} values; at most ${MAX_RESULTS} are possible`,
      suggestion: null,
    });
    return [];
  }
  return Array.from({ length }, (_, at) => parameters.map(({ values }) => values.items[values.items.length === 1 ? 0 : at]!));
}

function substitute(rest: MapTree, parameters: readonly Parameter[], point: Point): SweptTree {
  const values = new Map(parameters.flatMap(({ name, target }, at) => (target === null ? [[name, point[at]!] as const] : [])));
  let tree: Tree = values.size === 0 ? rest : replaced(rest, values);
  for (const [at, { target }] of parameters.entries()) if (target !== null) tree = setAt(tree, target, point[at]!) ?? tree;
  const varied = Object.fromEntries(parameters.map(({ name }, at) => [name, plainOf(point[at]!)]));
  return { tree: renamed(tree as MapTree, rest, parameters, point), varied };
}

const PLACEHOLDER = /\{([^{}\s]+)\}/g;

function replaced(tree: Tree, values: ReadonlyMap<string, Tree>): Tree {
  if (tree.kind === 'list') return { ...tree, items: tree.items.map((item) => replaced(item, values)) };
  if (tree.kind === 'map')
    return mapTree(new Map([...tree.entries].map(([key, { keyAt, value }]) => [key, { keyAt, value: replaced(value, values) }])), tree);
  if (typeof tree.value !== 'string' || !tree.value.includes('{')) return tree;
  const whole = /^\{([^{}\s]+)\}$/.exec(tree.value)?.[1];
  const value = whole === undefined ? undefined : values.get(whole);
  // The place stays that of the text: that is where the reader of a complaint has to look.
  if (value !== undefined) return { ...value, at: tree.at };
  const text = tree.value.replace(PLACEHOLDER, (all, name: string) => (values.has(name) ? textOf(values.get(name)!) : all));
  return { ...tree, value: text, text };
}

function textOf(tree: Tree): string {
  if (tree.kind === 'scalar') return tree.text;
  return tree.kind === 'list' ? tree.items.map(textOf).join(',') : JSON.stringify(plainOf(tree));
}

function mentions(tree: Tree, placeholder: string): boolean {
  if (tree.kind === 'scalar') return typeof tree.value === 'string' && tree.value.includes(placeholder);
  if (tree.kind === 'list') return tree.items.some((item) => mentions(item, placeholder));
  return [...tree.entries.values()].some(({ value }) => mentions(value, placeholder));
}

/** `name_tp8_isl1024`, unless the name says itself what varies. */
function renamed(tree: MapTree, rest: MapTree, parameters: readonly Parameter[], point: Point): MapTree {
  const name = rest.entries.get('name');
  if (name?.value.kind !== 'scalar' || typeof name.value.value !== 'string' || tree.entries.get('name')?.value !== name.value) return tree;
  const parts = parameters.map((parameter, at) => `${(parameter.target ?? [parameter.name]).at(-1)}${textOf(point[at]!)}`);
  const text = [name.value.value, ...parts.map((part) => part.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 40))].join('_');
  return mapTree(new Map(tree.entries).set('name', { keyAt: name.keyAt, value: scalarTree(text, name.value.at) }), tree);
}
