/**
 * Holds a tree against a schema. Every complaint gets its place, the value and a suggestion; what is wrong is then left out, so
 * that the cross checks can go on with the rest and everything is told at once.
 */
import { z } from 'zod';
import { editDistance, nearest } from '../../../base/config/suggest.ts';
import { removeAt } from '../text/edit-tree.ts';
import { type Findings, shown } from '../text/findings.ts';
import { findTree, formatPath, type MapTree, mapTree, type Path, plainOf, type Tree } from '../text/tree.ts';
import type { Unquoted } from './fields.ts';
import { type DocumentKind, findKnownElsewhere, findKnownValue } from './known-elsewhere.ts';

/** Rounds of leaving out; each removes what the one before complained about. */
const MAX_ROUNDS = 8;

/**
 * @returns what is right of the tree: as data, and as the tree it was made from. Null data: nothing useful is left.
 */
export function checkSchema<S extends z.ZodObject>(
  schema: S,
  document: DocumentKind,
  findings: Findings,
): { data: z.infer<S> | null; tree: Tree } {
  let tree = normalized(findings.tree, schema);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = schema.safeParse(plainOf(tree));
    if (result.success) return { data: result.data, tree };
    for (const issue of result.error.issues) {
      for (const path of told(issue, schema, document, tree, findings, round)) tree = removeAt(tree, path);
      if (issue.path.length === 0 && issue.code !== 'unrecognized_keys') return { data: null, tree };
    }
  }
  return { data: null, tree };
}

/** Tells one issue and returns the paths to leave out. */
function told(issue: z.core.$ZodIssue, schema: z.ZodObject, document: DocumentKind, tree: Tree, findings: Findings, round: number): Path[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) unknownKey([...path, key], schema, document, findings);
    return issue.keys.map((key) => [...path, key]);
  }
  const found = findTree(tree, path);
  // Left out already, for another complaint about it.
  if (found === null) return [];
  // A second complaint about what is left of a block after the first says nothing new.
  if (round === 0)
    findings.problem(
      path,
      `got ${shownTree(found)}, expected ${issue.message}`,
      knownValue(document, path, found) ?? quoting(found, issue.message),
    );
  return [path];
}

function shownTree(tree: Tree): string {
  return tree.kind === 'scalar' && tree.plain && tree.value !== null ? tree.text.slice(0, 80) : shown(plainOf(tree));
}

function knownValue(document: DocumentKind, path: Path, tree: Tree): string | null {
  return tree.kind === 'scalar' ? findKnownValue(document, path, tree.text) : null;
}

/** YAML 1.2 reads `1.10` as a number and `yes` as text. */
function quoting(tree: Tree, expected: string): string | null {
  if (tree.kind !== 'scalar') return null;
  if (typeof tree.value === 'number' && /text|name|time|header/.test(expected)) return `write ${JSON.stringify(tree.text)}, in quotes`;
  if (typeof tree.value === 'boolean' && /text|name/.test(expected)) return `write ${JSON.stringify(tree.text)}, in quotes`;
  if (typeof tree.value !== 'string') return null;
  const near = tree.value === '' ? null : nearest(tree.value, expected.split(/, | or /));
  return near === null || !/^[a-z_-]+$/.test(near) ? null : `did you mean ${near}?`;
}

function unknownKey(path: Path, schema: z.ZodObject, document: DocumentKind, findings: Findings): void {
  const key = String(path.at(-1));
  const elsewhere = findKnownElsewhere(document, path);
  if (elsewhere?.kind === 'ignored') {
    findings.warn(path, `has no effect here: ${elsewhere.why}`);
    return;
  }
  if (elsewhere !== null) {
    findings.problem(path, `not available: ${elsewhere.why}`, null, true);
    return;
  }
  const beside = Object.keys(blockAt(schema, path.slice(0, -1))?.shape ?? {});
  const meant = meantKey(path, beside, allPaths(schema));
  const suggestion =
    meant !== null
      ? `did you mean ${formatPath(meant)}?`
      : (flagPlace(document, path) ?? `known here: ${beside.slice(0, 12).join(', ')}${beside.length > 12 ? ', ...' : ''}`);
  findings.problem(path, `unknown key ${shown(key)} in the ${document}`, suggestion, true);
}

/** Keys that mean something else in each block. */
const EVERYWHERE: ReadonlySet<string> = new Set(['type', 'env', 'args', 'container', 'path', 'name', 'nodes', 'model', 'port']);

/** A key of the same block with a slip of the hand, or one that only another block has. A wrong guess is worse than none. */
function meantKey(path: Path, beside: readonly string[], places: readonly Path[]): Path | null {
  const block = path.slice(0, -1);
  const normal = String(path.at(-1)).replaceAll('-', '_').toLowerCase();
  const near = beside.includes(normal) ? normal : beside.find((candidate) => isSlip(normal, candidate));
  if (near !== undefined) return [...block, near];
  return EVERYWHERE.has(normal) ? null : (places.find((place) => place.at(-1) === normal) ?? null);
}

/** Word by word: `agg_node` may be agg_nodes, but http_port is not etcd_port. */
function isSlip(written: string, known: string): boolean {
  if (known.startsWith(`${written}_`)) return true;
  const [ours, theirs] = [written.split('_'), known.split('_')];
  if (ours.length !== theirs.length) return written.length > 5 && editDistance(written, known) <= 1;
  return ours.every((word, at) => editDistance(word, theirs[at]!) <= Math.floor(Math.min(word.length, theirs[at]!.length) / 3));
}

/** Flags of routers and frontends that were written one block too high; null: this is no such place. */
function flagPlace(document: DocumentKind, path: Path): string | null {
  return document === 'recipe' && path.length === 2 && path[0] === 'frontend'
    ? 'flags of routers and frontends go under frontend.args'
    : null;
}

/** The object schema at a path of blocks, or null. */
function blockAt(schema: z.ZodObject, path: Path): z.ZodObject | null {
  let at: unknown = schema;
  for (const step of path) at = at instanceof z.ZodObject ? unwrapped(at.shape[step]) : undefined;
  return at instanceof z.ZodObject ? at : null;
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function allPaths(schema: z.ZodObject, above: Path = []): Path[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const inner = unwrapped(value);
    const path = [...above, key];
    return inner instanceof z.ZodObject ? [path, ...allPaths(inner, path)] : [path];
  });
}

/**
 * In blocks whose keys are fixed, a key without a value or with an empty text counts as not given, and quoted numbers and booleans are
 * read as what they name.
 */
function normalized(tree: Tree, schema: z.ZodObject): Tree {
  if (tree.kind !== 'map') return tree;
  const entries = [...tree.entries].flatMap(([key, { keyAt, value }]) => {
    const inner = unwrapped(schema.shape[key]);
    if (inner === undefined) return [[key, { keyAt, value }] as const];
    if (value.kind === 'scalar' && (value.value === null || value.value === '')) return [];
    return [[key, { keyAt, value: inner instanceof z.ZodObject ? normalized(value, inner) : unquotedValue(value, inner) }] as const];
  });
  return mapTree(new Map(entries), tree) satisfies MapTree;
}

/** Older YAML has more words than true and false. */
const WORDS_OF_BOOLEANS: ReadonlySet<string> = new Set(['true', 'false', 'yes', 'no', 'on', 'off']);
const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;

function unquotedValue(tree: Tree, field: unknown): Tree {
  const unquoted = field instanceof z.ZodType ? (field.meta()?.['unquoted'] as Unquoted | undefined) : undefined;
  if (unquoted === undefined || tree.kind !== 'scalar' || typeof tree.value !== 'string') return tree;
  const text = tree.value.trim();
  if (unquoted === 'boolean') return WORDS_OF_BOOLEANS.has(text.toLowerCase()) ? { ...tree, value: /^(?:true|yes|on)$/i.test(text) } : tree;
  return NUMBER.test(text) && !tree.plain ? { ...tree, value: Number(text) } : tree;
}
