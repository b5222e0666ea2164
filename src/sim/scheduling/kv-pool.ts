/** The engine's KV memory: what the prefix cache holds, what running requests own, and the eviction between them. */
import type { Generation } from './generation.ts';
import { PrefixCache } from './prefix-cache.ts';

export class KvPool {
  readonly cache: PrefixCache;
  readonly capacityTokens: number;
  readonly #cacheEnabled: boolean;
  #ownedTokens = 0;
  evictedTokens = 0;

  constructor(capacityTokens: number, pageTokens: number, cacheEnabled: boolean) {
    this.capacityTokens = capacityTokens - (capacityTokens % pageTokens);
    this.cache = new PrefixCache(pageTokens);
    this.#cacheEnabled = cacheEnabled;
  }

  /** Tokens that running requests use: their own and those of the cache that they lock. */
  get usedTokens(): number {
    return this.#ownedTokens + this.cache.heldTokens - this.cache.evictableTokens;
  }

  get freeTokens(): number {
    return this.capacityTokens - this.#ownedTokens - this.cache.heldTokens;
  }

  /** What could be had now: free, and held by the cache for nobody. */
  get availableTokens(): number {
    return this.freeTokens + this.cache.evictableTokens;
  }

  /** Tokens of `generation`'s input that need no computing; at least one always does, since its logits are needed. */
  cachedPrefix(generation: Generation): number {
    return this.#cacheEnabled ? this.cache.peek(generation.input, this.#matchLimit(generation)) : 0;
  }

  /** Takes the held prefix of `generation`'s input and locks it. */
  begin(generation: Generation): void {
    const match = this.#cacheEnabled
      ? this.cache.match(generation.input, this.#matchLimit(generation))
      : { node: this.cache.root, length: 0 };
    generation.node = match.node;
    this.cache.lock(match.node);
    generation.computedTokens = match.length;
  }

  /** Gives `generation` `count` more tokens; false when there is no room. */
  allocate(generation: Generation, count: number): boolean {
    if (!this.#makeRoom(count)) return false;
    generation.ownTokens += count;
    generation.computedTokens += count;
    this.#ownedTokens += count;
    return true;
  }

  /** Hands what `generation` has computed of `tokens` to the prefix cache and keeps it locked. */
  share(generation: Generation, tokens: Uint16Array): void {
    if (!this.#cacheEnabled || generation.node === null) return;
    const { node, length } = this.cache.insert(tokens, generation.computedTokens);
    this.cache.lock(node);
    this.cache.unlock(generation.node);
    generation.node = node;
    // What the cache already held twice is freed; what does not fill a page stays with the request.
    const rest = Math.min(generation.ownTokens, generation.computedTokens - length);
    this.#ownedTokens -= generation.ownTokens - rest;
    generation.ownTokens = rest;
  }

  /** Frees all that `generation` has; with `keep` its tokens go to the prefix cache first. */
  end(generation: Generation, keep: boolean): void {
    if (keep) this.share(generation, generation.allTokens());
    this.#ownedTokens -= generation.ownTokens;
    generation.ownTokens = 0;
    generation.computedTokens = 0;
    if (generation.node !== null) this.cache.unlock(generation.node);
    generation.node = null;
  }

  #matchLimit(generation: Generation): number {
    const { returnLogprob, logprobStart } = generation.spec;
    const most = generation.input.length - 1;
    return returnLogprob && logprobStart >= 0 ? Math.min(most, logprobStart) : Math.max(0, most);
  }

  #makeRoom(count: number): boolean {
    const missing = count - this.freeTokens;
    if (missing > 0) this.evictedTokens += this.cache.evict(missing);
    return this.freeTokens >= count;
  }
}
