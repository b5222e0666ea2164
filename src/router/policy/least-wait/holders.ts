/** Who holds how much of a prompt: the prefix index, read through the sizes of the workers' caches. */
import type { Prompt } from '../../../base/core/route-input.ts';
import type { Worker, WorkerIndex } from '../../../base/core/worker.ts';
import { entriesWithin, PrefixIndex } from '../../prefix/prefix-index.ts';
import { PromptChain } from '../../prefix/prompt-chain.ts';
import { MAX_STAMPED_OWNERS, STAMPED_BYTES_PER_ENTRY, StampedOwners } from '../../prefix/stamped-owners.ts';
import { CacheSizes } from './cache-sizes.ts';

/** More holders than this are not compared. */
const MOST_HOLDERS = 32;

export class Holders {
  readonly sizes: CacheSizes = new CacheSizes();
  readonly index: PrefixIndex;
  readonly #chain: PromptChain;
  readonly #owners: Int32Array = new Int32Array(MAX_STAMPED_OWNERS);
  readonly #stamps: Int32Array = new Int32Array(MAX_STAMPED_OWNERS);
  /** Of the last `find`: workers, the bytes that each holds, and the age of their end there. */
  readonly workers: Int32Array = new Int32Array(MOST_HOLDERS);
  readonly bytes: Float64Array = new Float64Array(MOST_HOLDERS);
  readonly ages: Float64Array = new Float64Array(MOST_HOLDERS);
  count = 0;
  /** By worker index: the number of the `find` that has seen it. */
  #seen: Int32Array = new Int32Array(64);
  #finds = 0;
  #known = 0;

  constructor(bytes: number, salt: number) {
    const entries = entriesWithin(bytes, STAMPED_BYTES_PER_ENTRY);
    this.index = new PrefixIndex(entries, new StampedOwners(entries));
    this.#chain = new PromptChain(salt);
  }

  join({ index, kvTokens }: Worker): void {
    this.index.join(index);
    this.sizes.join(index, kvTokens);
  }

  leave(worker: WorkerIndex): void {
    this.index.leave(worker);
    this.sizes.leave(worker);
  }

  /** The worker holds nothing any more. */
  forget(worker: Worker): void {
    this.leave(worker.index);
    this.join(worker);
  }

  /** Bytes of the prompt of the last `find` or `enter`, without the JSON in front of its text. */
  get promptBytes(): number {
    return this.#chain.totalBytes - this.#chain.skeletonBytes;
  }

  /**
   * Finds the workers that probably hold a prefix of `prompt` in their caches, each with the longest one. `isOpen`: which of them count.
   */
  find(prompt: Prompt, isOpen: (worker: WorkerIndex) => boolean): void {
    const { index, sizes } = this;
    const chain = this.#chain;
    chain.compute(prompt);
    this.#known = index.match(chain);
    this.count = 0;
    this.#finds++;
    let entry = index.entryAt(chain, this.#known);
    // Owners of an entry own its parents too: only where there are more of them, or some are too old, is there something new above.
    let looked = 0;
    for (let links = this.#known; entry !== 0 && this.count < MOST_HOLDERS; links--, entry = index.parentOf(entry)) {
      if (index.ownerCount(entry) <= looked) continue;
      const owners = index.owners(entry, this.#owners, this.#stamps);
      looked = owners;
      for (let i = 0; i < owners && this.count < MOST_HOLDERS; i++) {
        const worker = this.#owners[i]!;
        if (this.#isSeen(worker)) continue;
        const age = sizes.age(worker, this.#stamps[i]!);
        if (age > sizes.size(worker)) {
          looked = 0;
          continue;
        }
        this.#seen[worker] = this.#finds;
        if (!isOpen(worker)) continue;
        this.workers[this.count] = worker;
        this.bytes[this.count] = this.#likelyBytes(links);
        this.ages[this.count] = age;
        this.count++;
      }
    }
  }

  /** Whether the last `find` found this worker, open or not. */
  has(worker: WorkerIndex): boolean {
    return this.#isSeen(worker);
  }

  /** `worker` gets the prompt and computes `bytes` of it. `isLast`: it is the prompt of the last `find`. */
  enter(prompt: Prompt, worker: WorkerIndex, bytes: number, isLast: boolean): void {
    const chain = this.#chain;
    if (!isLast || !chain.isOf(prompt)) {
      chain.compute(prompt);
      this.#known = 0;
    }
    this.sizes.entered(worker, bytes);
    this.index.insert(chain, worker, this.#known, this.sizes.stamp(worker));
  }

  /** The common part ends in the block after `links` matching links, in its middle as a rule. */
  #likelyBytes(links: number): number {
    const chain = this.#chain;
    const bytes = chain.bytes(links);
    const next = links < chain.length ? chain.bytes(links + 1) - bytes : 0;
    return bytes + next / 2 - chain.skeletonBytes;
  }

  #isSeen(worker: WorkerIndex): boolean {
    if (worker >= this.#seen.length) {
      const larger = new Int32Array(2 ** Math.ceil(Math.log2(worker + 1)));
      larger.set(this.#seen);
      this.#seen = larger;
    }
    return this.#seen[worker] === this.#finds;
  }
}
