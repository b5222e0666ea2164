/** The KV memory of one rank: what the prefix cache holds, what running requests own, and the eviction between the two. */
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

  /** Tokens of running requests: their own, and those they lock in the cache. */
  get usedTokens(): number {
    return this.#ownedTokens + this.cache.heldTokens - this.cache.evictableTokens;
  }

  get freeTokens(): number {
    return this.capacityTokens - this.#ownedTokens - this.cache.heldTokens;
  }

  /** Tokens that an allocation can get: free ones, and cached ones that no request locks. */
  get availableTokens(): number {
    return this.freeTokens + this.cache.evictableTokens;
  }

  /** Input tokens of `generation` found in the cache; never all, because the logits of the last one are needed. */
  cachedPrefix(generation: Generation): number {
    return this.#cacheEnabled ? this.cache.peek(generation.input, this.#matchLimit(generation)) : 0;
  }

  /** Locks the cached prefix of the input of `generation`. */
  begin(generation: Generation): void {
    const match = this.#cacheEnabled
      ? this.cache.match(generation.input, this.#matchLimit(generation))
      : { node: this.cache.root, length: 0 };
    generation.node = match.node;
    this.cache.lock(match.node);
    generation.computedTokens = match.length;
  }

  /** Allocates `count` more tokens to `generation`; false without room. */
  allocate(generation: Generation, count: number): boolean {
    if (!this.#makeRoom(count)) return false;
    generation.ownTokens += count;
    generation.computedTokens += count;
    this.#ownedTokens += count;
    return true;
  }

  /** Moves the computed part of `tokens` into the prefix cache and keeps it locked. */
  share(generation: Generation, tokens: Uint16Array): void {
    if (!this.#cacheEnabled || generation.node === null) return;
    const { node, length } = this.cache.insert(tokens, generation.computedTokens);
    this.cache.lock(node);
    this.cache.unlock(generation.node);
    generation.node = node;
    // Tokens that the cache held already are freed; tokens that do not fill a page stay with the request.
    const rest = Math.min(generation.ownTokens, generation.computedTokens - length);
    this.#ownedTokens -= generation.ownTokens - rest;
    generation.ownTokens = rest;
  }

  /** Frees the KV of `generation`; with `keep` after moving it into the prefix cache. */
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
