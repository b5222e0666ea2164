/**
 * The text of a file of workers. Pure.
 *
 *   a list, in YAML or JSON, of URLs and of objects with the fields of `POST /workers`; or an object with such a list at `workers`
 *   plain text with one URL a line, if its first line begins with a URL; for regular workers
 *
 * `#` begins a comment. An empty file is an error, because it is what a file looks like while it is written: `[]` names no workers.
 */
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { DesiredWorker } from '../registry/source.ts';
import { MAX_WORKERS } from '../registry/worker-limit.ts';
import { DEFAULT_OPTIONS } from '../registry/worker-options.ts';
import { type FieldProblem, type RouterMode, readNewWorker } from './worker-fields.ts';

/** Shaped as problems of the configuration are. */
export interface FileProblem {
  /** The field of the worker, or the flag of the file. */
  readonly flag: string;
  readonly value: string | null;
  /** Completes the sentence "expected ...". */
  readonly expected: string;
  /** `FILE:LINE:COLUMN`. */
  readonly source: string;
}

export type WorkersFileText =
  | { readonly ok: true; readonly workers: readonly DesiredWorker[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

export const WORKERS_FILE_FLAG = '--workers-file';
/** 8,192 workers with 500 bytes each. */
export const MAX_FILE_BYTES: number = 4 * 1024 * 1024;
/** A file of another kind has a problem in every line; the first ones are enough. */
const MAX_PROBLEMS = 20;
const EXPECTED = 'a list of workers; [] for none';

/** What holds for every worker of a file. */
export interface WorkersFileMode extends RouterMode {
  /** Of workers that name no key of their own. */
  readonly apiKey: string | null;
}

/** `name` stands for the file in messages. */
export function parseWorkersFile(name: string, text: string, mode: WorkersFileMode): WorkersFileText {
  const problems: FileProblem[] = [];
  const found = isPlain(text) ? fromLines(name, text, mode, problems) : fromYaml(name, text, mode, problems);
  checkTogether(found, problems);
  if (problems.length === 0) return { ok: true, workers: found.map(({ worker }) => worker) };
  return { ok: false, problems: shorten(problems) };
}

interface Found {
  readonly worker: DesiredWorker;
  /** `FILE:LINE:COLUMN`. */
  readonly source: string;
}

function isPlain(text: string): boolean {
  return /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*[a-z][a-z\d+.-]*:\/\//i.test(text);
}

function fromLines(name: string, text: string, mode: WorkersFileMode, problems: FileProblem[]): Found[] {
  return text.split('\n').flatMap((line, at) => {
    const url = line.replace(/(?:^|\s)#.*/, '').trim();
    if (url === '') return [];
    const source = `${name}:${at + 1}:${line.indexOf(url) + 1}`;
    return take(new Map([['url', url]]), () => source, source, mode, problems);
  });
}

function fromYaml(name: string, text: string, mode: WorkersFileMode, problems: FileProblem[]): Found[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core' });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  for (const { message, pos } of document.errors) {
    problems.push({ flag: WORKERS_FILE_FLAG, value: null, expected: `valid YAML (${message})`, source: place(pos[0]) });
  }
  if (problems.length > 0) return [];
  const list = listIn(document);
  if (!isSeq<Node | null>(list)) {
    const at = (list ?? document.contents)?.range?.[0] ?? 0;
    problems.push({ flag: WORKERS_FILE_FLAG, value: null, expected: EXPECTED, source: place(at) });
    return [];
  }
  return list.items.flatMap((item) => {
    const places = new Map<string, string>();
    const source = place(item?.range?.[0] ?? list.range?.[0] ?? 0);
    const fields = fieldsOf(item, document, (field, offset) => places.set(field, place(offset)));
    if (fields !== null) return take(fields, (field) => places.get(field) ?? source, source, mode, problems);
    problems.push({ flag: WORKERS_FILE_FLAG, value: null, expected: 'the URL of a worker, or an object with its fields', source });
    return [];
  });
}

/** The list itself, or that of `workers`, which is the only key then. */
function listIn({ contents }: Document.Parsed): Node | null {
  if (!isMap<Node, Node | null>(contents) || contents.items.length !== 1) return contents;
  const [only] = contents.items;
  return only !== undefined && isScalar(only.key) && only.key.value === 'workers' ? only.value : contents;
}

/** null: it is neither a URL nor an object. `at`: gets the offset of each field. */
function fieldsOf(item: Node | null, document: Document, at: (field: string, offset: number) => void): Map<string, unknown> | null {
  if (isScalar(item) && typeof item.value === 'string') return new Map([['url', item.value]]);
  if (!isMap(item)) return null;
  const fields = new Map<string, unknown>();
  // Parsed from text, so keys and values are nodes.
  for (const { key, value } of item.items as Pair<Node, Node | null>[]) {
    const field = isScalar(key) ? String(key.value) : '';
    at(field, key.range?.[0] ?? 0);
    fields.set(field, plain(value, document));
  }
  return fields;
}

function plain(value: Node | null, document: Document): unknown {
  try {
    return value?.toJS(document) ?? null;
  } catch (error) {
    // The library refuses aliases that would grow without bound. No field takes what stands for it here.
    if (error instanceof ReferenceError) return [];
    throw error;
  }
}

function take(
  fields: ReadonlyMap<string, unknown>,
  placeOf: (field: string) => string,
  source: string,
  mode: WorkersFileMode,
  problems: FileProblem[],
): Found[] {
  const read = readNewWorker(fields, { ...DEFAULT_OPTIONS, apiKey: mode.apiKey }, mode);
  if (read.ok) return [{ worker: read.value, source }];
  problems.push(...read.problems.map((problem) => toFileProblem(problem, placeOf(problem.field))));
  return [];
}

function toFileProblem({ field, value, expected }: FieldProblem, source: string): FileProblem {
  const shown = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return { flag: field, value: value === null || value === undefined ? null : shown, expected, source };
}

/** What no entry can say about itself alone. */
function checkTogether(found: readonly Found[], problems: FileProblem[]): void {
  const sources = new Map<string, string>();
  for (const { worker, source } of found) {
    const { url } = worker.address;
    const first = sources.get(url);
    if (first === undefined) sources.set(url, source);
    else problems.push({ flag: 'url', value: url, expected: `each worker once; ${first} names it too`, source });
  }
  if (found.length <= MAX_WORKERS) return;
  problems.push({
    flag: WORKERS_FILE_FLAG,
    value: String(found.length),
    expected: `at most ${MAX_WORKERS} workers`,
    source: found[MAX_WORKERS]!.source,
  });
}

function shorten(problems: readonly FileProblem[]): readonly FileProblem[] {
  const more = problems.length - MAX_PROBLEMS;
  const last = problems[MAX_PROBLEMS];
  if (more <= 0 || last === undefined) return problems;
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    { flag: WORKERS_FILE_FLAG, value: null, expected: `no further problems (${more} more follow)`, source: last.source },
  ];
}
