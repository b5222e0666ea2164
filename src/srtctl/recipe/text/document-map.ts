/** Entries of a YAML document moved about with their comments, and the document written again. */
import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

export type Keys = readonly string[];

/** The document of `text`; null: it cannot be read, or is no block of keys. */
export function readDocument(text: string): Document | null {
  const document = parseDocument(text, { merge: true, version: '1.2' });
  return document.errors.length === 0 && isMap(document.contents) ? document : null;
}

export function writeDocument(document: Document): string {
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** One recipe of a document: the whole, or a block such as base and override_*. */
export class DocumentMap {
  readonly #document: Document;
  readonly #root: YAMLMap;

  constructor(document: Document, at: Keys = []) {
    const root = at.length === 0 ? document.contents : document.getIn(at);
    if (!isMap(root)) throw new Error(`no block of keys at ${at.join('.')}`);
    this.#document = document;
    this.#root = root;
  }

  keys(path: Keys = []): readonly string[] {
    const map = this.#map(path);
    return map === null ? [] : map.items.map(keyOf);
  }

  has(path: Keys): boolean {
    return this.#pair(path) !== null;
  }

  /** Undefined: there is nothing. */
  plain(path: Keys): unknown {
    const node = this.#pair(path)?.value;
    return node === undefined || node === null ? node : (node as Node).toJS(this.#document);
  }

  set(path: Keys, value: unknown, after: string | null = null): void {
    const at = after === null ? -1 : this.#root.items.findIndex((one) => keyOf(one) === after);
    this.#put(path, this.#document.createPair(path.at(-1)!, value), at < 0 ? null : at + 1);
  }

  /** In front of all other keys. */
  setFirst(key: string, value: unknown): void {
    const [first] = this.#root.items;
    const pair = this.#document.createPair(key, value);
    this.#root.items.unshift(pair);
    // What is said above the first key is said about the whole.
    if (!isScalar(pair.key) || !isScalar(first?.key)) return;
    pair.key.commentBefore = first.key.commentBefore ?? null;
    first.key.commentBefore = null;
  }

  remove(path: Keys): void {
    this.#take(path);
  }

  /** With its comments; blocks that are left empty go. Nothing happens without an entry there. */
  move(from: Keys, to: Keys): void {
    const at = this.#root.items.findIndex((one) => keyOf(one) === from[0]);
    const pair = this.#take(from);
    if (pair === null) return;
    if (isScalar(pair.key)) pair.key.value = to.at(-1)!;
    const isLeft = this.has([from[0]!]);
    this.#put(to, pair, isLeft ? at + 1 : at);
  }

  /** The value, or each of a list of values. */
  change(path: Keys, how: (value: unknown) => unknown): void {
    const value = this.#pair(path)?.value;
    for (const node of isSeq(value) ? value.items : [value]) if (isScalar(node)) changeScalar(node, how(node.value));
  }

  #map(path: Keys): YAMLMap | null {
    if (path.length === 0) return this.#root;
    const value = this.#pair(path)?.value;
    const node = isAlias(value) ? value.resolve(this.#document) : value;
    return isMap(node) ? node : null;
  }

  #pair(path: Keys): Pair | null {
    const map = this.#map(path.slice(0, -1));
    return map?.items.find((pair) => keyOf(pair) === path.at(-1)) ?? null;
  }

  #take(path: Keys): Pair | null {
    const map = this.#map(path.slice(0, -1));
    const at = map?.items.findIndex((pair) => keyOf(pair) === path.at(-1)) ?? -1;
    if (map === null || at < 0) return null;
    const [pair] = map.items.splice(at, 1);
    // What is said above the first key of a block is kept with the block.
    if (at === 0 && map.commentBefore != null && pair !== undefined && isScalar(pair.key)) {
      pair.key.commentBefore = map.commentBefore;
      map.commentBefore = null;
    }
    const above = path.slice(0, -1);
    if (map.items.length === 0 && above.length > 0) {
      const holder = this.#take(above);
      // What was said about the block is said about what was in it.
      if (holder !== null && pair !== undefined) inheritComment(holder, pair);
    }
    return pair ?? null;
  }

  /** `at`: where a key of the first level goes that is not there yet; null: to the end. */
  #put(path: Keys, pair: Pair, at: number | null): void {
    let map = this.#root;
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const there = map.items.find((one) => keyOf(one) === key);
      if (there !== undefined && isMap(there.value)) {
        map = there.value;
        continue;
      }
      const made = this.#document.createNode({}) as YAMLMap;
      const holder = this.#document.createPair(key, made);
      if (there !== undefined) map.items.splice(map.items.indexOf(there), 1, holder);
      else insert(map, holder, depth === 0 ? at : null);
      map = made;
    }
    const there = map.items.findIndex((one) => keyOf(one) === path.at(-1));
    if (there >= 0) map.items.splice(there, 1, pair);
    else insert(map, pair, path.length === 1 ? at : null);
    if (map.flow === true && isCollection(pair.value) && pair.value.flow !== true) map.flow = false;
  }
}

function insert(map: YAMLMap, pair: Pair, at: number | null): void {
  map.items.splice(at ?? map.items.length, 0, pair);
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

function changeScalar(node: { value: unknown; source?: string; type?: unknown }, value: unknown): void {
  if (node.value === value) return;
  node.value = value;
  delete node.source;
  delete node.type;
}

function inheritComment(holder: Pair, pair: Pair): void {
  if (!isScalar(holder.key) || !isScalar(pair.key)) return;
  const said = [holder.key.commentBefore, pair.key.commentBefore].filter((text) => text != null);
  if (said.length > 0) pair.key.commentBefore = said.join('\n');
}
