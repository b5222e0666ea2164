/**
 * The engine's prefix cache: a radix tree over pages of tokens. It counts the KV tokens it holds, evicts the least
 * recently used leaves, and never those that a running request uses (locked).
 *
 *            root
 *           /    \            an edge holds a run of tokens (a whole number of pages);
 *     "The quick" "Hello"     children of a node differ in their first page
 *       /     \
 *   " brown"  " dog"          age list: oldest leaf ... newest, then its parents: a node is always older than its parent,
 *                             so eviction from the old end meets leaves before their parents
 */
export interface PrefixNode {
  parent: PrefixNode | null;
  tokens: Uint16Array;
  /** By first page of the child's run: its token for pages of one, else the page as a string. */
  readonly children: Map<number | string, PrefixNode>;
  /** Requests that use this node or one below it. */
  locks: number;
  older: PrefixNode | null;
  newer: PrefixNode | null;
}

export interface PrefixMatch {
  readonly node: PrefixNode;
  /** Tokens from the root to `node`. */
  readonly length: number;
}

function newNode(parent: PrefixNode | null, tokens: Uint16Array): PrefixNode {
  return { parent, tokens, children: new Map(), locks: 0, older: null, newer: null };
}

export class PrefixCache {
  readonly root: PrefixNode = newNode(null, new Uint16Array(0));
  readonly #pageTokens: number;
  #heldTokens = 0;
  #lockedTokens = 0;
  /** Ends of the age list. */
  #oldest: PrefixNode | null = null;
  #newest: PrefixNode | null = null;

  /** `pageTokens` >= 1: prefixes are found and kept in multiples of it. */
  constructor(pageTokens: number) {
    this.#pageTokens = pageTokens;
  }

  get heldTokens(): number {
    return this.#heldTokens;
  }

  /** Tokens that `evict` can free. */
  get evictableTokens(): number {
    return this.#heldTokens - this.#lockedTokens;
  }

  /** The longest held prefix of the first `limit` tokens; it becomes the most recently used. */
  match(tokens: Uint16Array, limit: number): PrefixMatch {
    const end = limit - (limit % this.#pageTokens);
    const { node, length } = this.#walk(tokens, end);
    this.#touchPath(node);
    return { node, length };
  }

  /** How long the longest held prefix is; changes nothing. */
  peek(tokens: Uint16Array, limit: number): number {
    const end = limit - (limit % this.#pageTokens);
    return this.#descend(tokens, end).length;
  }

  /** Holds the first `length` tokens (cut to whole pages). `added`: tokens that were not there before. */
  insert(tokens: Uint16Array, length: number): PrefixMatch & { readonly added: number } {
    const end = length - (length % this.#pageTokens);
    const found = this.#walk(tokens, end);
    let node = found.node;
    const added = end - found.length;
    if (added > 0) {
      const leaf = newNode(node, tokens.slice(found.length, end));
      node.children.set(this.#pageKey(tokens, found.length), leaf);
      this.#heldTokens += added;
      node = leaf;
    }
    this.#touchPath(node);
    return { node, length: end, added };
  }

  /** Keeps `node` and all above it from eviction until `unlock`. */
  lock(node: PrefixNode): void {
    for (let at: PrefixNode | null = node; at !== null; at = at.parent) {
      if (at.locks++ === 0) this.#lockedTokens += at.tokens.length;
    }
  }

  unlock(node: PrefixNode): void {
    for (let at: PrefixNode | null = node; at !== null; at = at.parent) {
      if (--at.locks === 0) this.#lockedTokens -= at.tokens.length;
    }
  }

  /** Frees at least `count` tokens if that many are evictable, least recently used leaves first. Returns how many it freed. */
  evict(count: number): number {
    let freed = 0;
    let node = this.#oldest;
    while (node !== null && freed < count) {
      const next: PrefixNode | null = node.newer;
      if (node.locks === 0 && node.children.size === 0) {
        freed += node.tokens.length;
        this.#remove(node);
      }
      node = next;
    }
    return freed;
  }

  /** Drops everything that is not locked. */
  clear(): void {
    this.evict(this.#heldTokens);
  }

  /** Follows `tokens` up to `end`, splitting the last edge where they part. */
  #walk(tokens: Uint16Array, end: number): PrefixMatch {
    const { node, length, within, inside } = this.#descend(tokens, end);
    return { node: within === null ? node : this.#split(within, inside), length };
  }

  /** Follows `tokens` up to `end`. `within`: the child of `node` in whose run they part, after `inside` tokens of it; null: at `node`. */
  #descend(tokens: Uint16Array, end: number): PrefixMatch & { readonly within: PrefixNode | null; readonly inside: number } {
    let node = this.root;
    let length = 0;
    while (length < end) {
      const child = node.children.get(this.#pageKey(tokens, length));
      if (child === undefined) break;
      const same = this.#commonRun(child.tokens, tokens, length, end);
      length += same;
      if (same < child.tokens.length) return { node, length, within: child, inside: same };
      node = child;
    }
    return { node, length, within: null, inside: 0 };
  }

  /** Tokens that `run` and `tokens` from `at` share, in whole pages; at least one page when the page keys are equal. */
  #commonRun(run: Uint16Array, tokens: Uint16Array, at: number, end: number): number {
    const most = Math.min(run.length, end - at);
    let same = 0;
    while (same < most && run[same] === tokens[at + same]) same++;
    return same - (same % this.#pageTokens);
  }

  /** Cuts `child`'s run after `length` tokens; the new node above it is returned. Both parts are copied, so no run keeps a longer one alive. */
  #split(child: PrefixNode, length: number): PrefixNode {
    // A child always has a parent; only the root has none and the root is never split.
    const parent = child.parent as PrefixNode;
    const upper = newNode(parent, child.tokens.slice(0, length));
    upper.locks = child.locks;
    parent.children.set(this.#pageKey(upper.tokens, 0), upper);
    child.tokens = child.tokens.slice(length);
    child.parent = upper;
    upper.children.set(this.#pageKey(child.tokens, 0), child);
    this.#linkAfter(upper, child);
    return upper;
  }

  #remove(leaf: PrefixNode): void {
    this.#heldTokens -= leaf.tokens.length;
    leaf.parent?.children.delete(this.#pageKey(leaf.tokens, 0));
    leaf.parent = null;
    this.#unlink(leaf);
  }

  #pageKey(tokens: Uint16Array, at: number): number | string {
    if (this.#pageTokens === 1) return tokens[at]!;
    let key = '';
    for (let i = at; i < at + this.#pageTokens; i++) key += String.fromCharCode(tokens[i]!);
    return key;
  }

  /** Makes `node` and all above it the newest, `node` before its parent. */
  #touchPath(node: PrefixNode): void {
    for (let at = node; at.parent !== null; at = at.parent) {
      this.#unlink(at);
      this.#linkAfter(at, this.#newest);
    }
  }

  #linkAfter(node: PrefixNode, before: PrefixNode | null): void {
    node.older = before;
    node.newer = before === null ? this.#oldest : before.newer;
    if (node.older === null) this.#oldest = node;
    else node.older.newer = node;
    if (node.newer === null) this.#newest = node;
    else node.newer.older = node;
  }

  #unlink(node: PrefixNode): void {
    if (node.older === null && node.newer === null && this.#oldest !== node) return;
    if (node.older === null) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === null) this.#newest = node.older;
    else node.newer.older = node.older;
    node.older = null;
    node.newer = null;
  }
}
