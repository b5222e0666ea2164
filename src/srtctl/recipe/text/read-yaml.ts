/** YAML text -> tree with places. Never throws: what cannot be read becomes problems. */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Problem } from './problem.ts';
import { formatPath, type ListTree, type MapEntry, type MapTree, type Path, type Place, type ScalarTree, type Tree } from './tree.ts';

const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_DEPTH = 64;
/** Aliases (`*name`) count as often as they are used. */
const MAX_NODES = 200_000;

export interface ReadYaml {
  /** Null if nothing useful could be read. */
  readonly tree: Tree | null;
  readonly problems: readonly Problem[];
  /** [start, end) in the text of every scalar, by its place, for taking secrets out. */
  readonly spans: ReadonlyMap<ScalarTree, readonly [number, number]>;
}

/** The places start at line `firstLine` and column `firstColumn`; null tree without a problem: the document is empty. */
export function readYaml(text: string, file: string): ReadYaml {
  const reader = new Reader(file);
  const tree = reader.read(text);
  return { tree, problems: reader.problems, spans: reader.spans };
}

class Reader {
  readonly problems: Problem[] = [];
  readonly spans = new Map<ScalarTree, readonly [number, number]>();
  readonly #file: string;
  readonly #lines = new LineCounter();
  #document: Document | null = null;
  #text = '';
  #nodes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): Tree | null {
    if (text.length > MAX_CHARACTERS) {
      this.#complain(null, [], `the file has ${text.length} characters; at most ${MAX_CHARACTERS} are read`);
      return null;
    }
    this.#text = text;
    const document = this.#parse(text);
    if (document === null) return null;
    this.#document = document;
    for (const error of document.errors) {
      const tab = error.code === 'TAB_AS_INDENT' ? 'indent with spaces' : null;
      const several = error.code === 'MULTIPLE_DOCS' ? 'several documents in one file (---), expected one' : null;
      this.#complain(error.pos[0], [], several ?? `not YAML: ${firstLine(error.message)}`, tab);
    }
    if (document.errors.length > 0 || document.contents === null) return null;
    return this.#convert(document.contents as Node, [], new Set());
  }

  #parse(text: string): Document | null {
    try {
      return parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error', merge: false });
    } catch (error) {
      // The parser recurses; text nested thousands of levels deep exhausts the stack.
      this.#complain(null, [], `not YAML: ${error instanceof RangeError ? 'nested too deeply' : String(error)}`);
      return null;
    }
  }

  /** Null: a problem was told. `open` are the anchored nodes around this one. */
  #convert(node: Node, path: Path, open: ReadonlySet<Node>): Tree | null {
    const offset = node.range?.[0] ?? null;
    if (++this.#nodes > MAX_NODES) {
      if (this.#nodes === MAX_NODES + 1)
        this.#complain(offset, path, `more than ${MAX_NODES} values, counting what aliases (*name) repeat`);
      return null;
    }
    if (path.length > MAX_DEPTH) {
      this.#complain(offset, path.slice(0, 4), `nested deeper than ${MAX_DEPTH} levels`);
      return null;
    }
    if (isAlias(node)) return this.#alias(node.source, offset, node.resolve(this.#document!) ?? null, path, open);
    const tag = node.tag;
    if (tag?.startsWith('!') && tag !== '!secret') {
      this.#complain(offset, path, `unknown tag ${tag}`, 'the only tag is !secret');
    }
    const inside = new Set(open).add(node);
    if (isMap(node)) return this.#map(node, path, inside);
    if (isSeq(node)) {
      const items = node.items.map((item, at) => this.#convert(item as Node, [...path, at], inside)).filter((item) => item !== null);
      return { kind: 'list', items, secret: tag === '!secret', at: this.#place(offset) } satisfies ListTree;
    }
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  #alias(name: string, offset: number | null, target: Node | null, path: Path, open: ReadonlySet<Node>): Tree | null {
    if (target === null) this.#complain(offset, path, `*${name} refers to nothing: there is no &${name} before it`);
    else if (open.has(target)) this.#complain(offset, path, `*${name} stands inside what it refers to`);
    else return this.#convert(target, path, open);
    return null;
  }

  #scalar(node: Scalar, path: Path): ScalarTree | null {
    const { value } = node;
    const secret = node.tag === '!secret';
    const isPlain = node.type === 'PLAIN';
    const text = typeof value === 'string' ? value : (node.source ?? String(value));
    const at = this.#place(node.range?.[0] ?? null);
    if (text.includes('\0')) {
      this.#complain(node.range?.[0] ?? null, path, 'a NUL character is not possible here');
      return null;
    }
    const known = value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const tree: ScalarTree = { kind: 'scalar', value: known ? value : text, text, plain: isPlain, secret, at };
    if (node.range) this.spans.set(tree, [node.range[0], node.range[1]]);
    return tree;
  }

  #map(node: YAMLMap, path: Path, open: ReadonlySet<Node>): MapTree {
    const entries = new Map<string, MapEntry>();
    const merged: MapTree[] = [];
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const keyNode = pair.key as Node | null;
      const keyOffset = keyNode?.range?.[0] ?? null;
      const key = this.#key(keyNode, path);
      if (key === null) continue;
      const value = pair.value === null ? this.#missing(keyOffset) : this.#convert(pair.value as Node, [...path, key], open);
      if (value === null) continue;
      if (key === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        merged.push(...this.#mergeSources(value, path));
        continue;
      }
      const before = entries.get(key);
      if (before !== undefined) {
        this.#complain(keyOffset, [...path, key], `the key is here twice, first in line ${before.keyAt.line}`, 'remove one of them');
      }
      entries.set(key, { keyAt: this.#place(keyOffset), value });
    }
    for (const source of merged) for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    return { kind: 'map', entries, secret: node.tag === '!secret', at: this.#place(node.range?.[0] ?? null) };
  }

  #key(node: Node | null, path: Path): string | null {
    const target = isAlias(node) ? (node.resolve(this.#document!) ?? null) : node;
    const offset = node?.range?.[0] ?? null;
    if (!isScalar(target) || target.value === null || typeof target.value === 'object') {
      this.#complain(offset, path, 'a key must be a word');
      return null;
    }
    const key = typeof target.value === 'string' ? target.value : (target.source ?? String(target.value));
    if (key !== '__proto__' && !key.includes('\0')) return key;
    this.#complain(offset, path, `${JSON.stringify(key)} is not possible as a key`);
    return null;
  }

  #missing(offset: number | null): ScalarTree {
    return { kind: 'scalar', value: null, text: '', plain: true, secret: false, at: this.#place(offset) };
  }

  #mergeSources(value: Tree, path: Path): MapTree[] {
    const sources = value.kind === 'list' ? value.items : [value];
    const maps = sources.filter((source) => source.kind === 'map');
    if (maps.length < sources.length) this.#complainAt(value.at, path, '<< takes maps: an alias (*name) of one, or a list of such');
    return maps;
  }

  #place(offset: number | null): Place {
    if (offset === null || this.#text === '') return { file: this.#file, line: 0, column: 0 };
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length));
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #complain(offset: number | null, path: Path, message: string, suggestion: string | null = null): void {
    this.#complainAt(this.#place(offset), path, message, suggestion);
  }

  #complainAt(at: Place, path: Path, message: string, suggestion: string | null = null): void {
    this.problems.push({ ...at, path: formatPath(path), message, suggestion });
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.slice(0, 200);
}
