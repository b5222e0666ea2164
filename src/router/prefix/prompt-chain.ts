/**
 * One prompt as a chain of hashes. An object of this class is scratch memory: each request overwrites it. It keeps no byte of the
 * prompt.
 *
 *   skeleton | block 1 | block 2 | ... | rest        skeleton: JSON around the first text, part of the seed only
 *              h1        h2                hn        each hash is seeded by the one before it
 *
 * The rest (less than a block) is hashed with its length: only the same prompt, repeated exactly, matches it.
 */
import type { Prompt } from '../../base/core/route-input.ts';
import { hashBlocks, seedHashes, writeEndStripe } from './block-hash.ts';
import { BLOCK_LEVELS, type BlockLevel, MAX_BLOCKS, STRIPE_BYTES } from './block-schedule.ts';
import { PromptReader } from './prompt-reader.ts';
import { skeletonBytes } from './skeleton.ts';

export class PromptChain {
  /** Number of links. */
  length = 0;
  /** Bytes of the prompt, and of the JSON in front of its text. */
  totalBytes = 0;
  skeletonBytes = 0;
  /** The seed, then two words per link. */
  readonly #hashes: Int32Array = new Int32Array(2 * (MAX_BLOCKS + 1));
  /** By number of links: prompt bytes that they cover, the skeleton included. */
  readonly #ends: Float64Array = new Float64Array(MAX_BLOCKS + 1);
  readonly #salt: number;
  readonly #reader: PromptReader = new PromptReader();
  /** Holds a block that spans ranges, the skeleton, or the rest: all stripes, the last 16 bytes, the end stripe. */
  readonly #gathered: Buffer;
  readonly #gatheredView: DataView;

  /** The ranges of the last `compute`. */
  #places: number[] = [];

  constructor(salt: number) {
    this.#salt = salt;
    const mostRead = Math.max(...BLOCK_LEVELS.map((level) => (level.blockBytes / level.stepBytes) * STRIPE_BYTES));
    this.#gathered = Buffer.alloc(mostRead + 2 * STRIPE_BYTES);
    this.#gatheredView = new DataView(this.#gathered.buffer, this.#gathered.byteOffset, this.#gathered.byteLength);
  }

  /** Words of the `link`-th link (0 .. length-1). */
  high(link: number): number {
    return this.#hashes[2 * link + 2]!;
  }
  low(link: number): number {
    return this.#hashes[2 * link + 3]!;
  }

  /** Prompt bytes that the first `links` links cover. */
  bytes(links: number): number {
    return this.#ends[links]!;
  }

  /** Share of the text (without the skeleton) that the first `links` links cover, 0..1; 0 for an empty text. */
  share(links: number): number {
    if (links === 0) return 0;
    return (this.#ends[links]! - this.skeletonBytes) / (this.totalBytes - this.skeletonBytes);
  }

  /** True if `prompt` has as many bytes in the same places as that of `compute`. */
  isOf(prompt: Prompt): boolean {
    if (prompt.rangeCount !== this.#places.length / 2) return false;
    for (let i = 0; i < this.#places.length; i++) if (prompt.ranges[i] !== this.#places[i]) return false;
    return true;
  }

  compute(prompt: Prompt): void {
    this.#places = [];
    for (let i = 0; i < 2 * prompt.rangeCount; i++) this.#places.push(prompt.ranges[i]!);
    const reader = this.#reader;
    reader.open(prompt);
    this.totalBytes = reader.totalBytes;
    this.length = 0;
    this.skeletonBytes = 0;
    seedHashes(this.#salt, this.#hashes);
    if (prompt.rangeCount > 0) this.#takeSkeleton(prompt);
    const view = new DataView(prompt.body.buffer, prompt.body.byteOffset, prompt.body.byteLength);
    let at = this.skeletonBytes;
    for (let i = 0; i < BLOCK_LEVELS.length && at < this.totalBytes; i++) at = this.#takeLevel(BLOCK_LEVELS[i]!, at, view);
    reader.close();
  }

  /** Hashes the part of the prompt in `level` from the prompt offset `start` on; returns the offset at which it stopped. */
  #takeLevel(level: BlockLevel, start: number, view: DataView): number {
    const { blockBytes, stepBytes } = level;
    const levelEnd = this.skeletonBytes + level.endBytes;
    let at = start;
    while (at < levelEnd && at + blockBytes <= this.totalBytes) {
      const bodyAt = this.#reader.seek(at);
      const here = Math.min(levelEnd - at, this.#reader.bytesInRange(at));
      if (here >= blockBytes) {
        const count = Math.floor(here / blockBytes);
        hashBlocks(view, bodyAt, count, blockBytes, stepBytes, this.#hashes, 2 * this.length + 2);
        for (let i = 0; i < count; i++) {
          at += blockBytes;
          this.#ends[++this.length] = at;
        }
      } else {
        const bytes = this.#reader.gather(at, blockBytes, STRIPE_BYTES, stepBytes, this.#gathered);
        hashBlocks(this.#gatheredView, 0, 1, bytes, STRIPE_BYTES, this.#hashes, 2 * this.length + 2);
        at += blockBytes;
        this.#ends[++this.length] = at;
      }
    }
    if (at === levelEnd || at === this.totalBytes) return at;
    this.#reader.seek(at);
    this.#hashOdd(at, this.totalBytes - at, stepBytes, 2 * this.length + 2);
    this.#ends[++this.length] = this.totalBytes;
    return this.totalBytes;
  }

  /** Adds the skeleton to the seed: the same text in other JSON is another prompt, but the skeleton alone never matches. */
  #takeSkeleton(prompt: Prompt): void {
    this.skeletonBytes = skeletonBytes(prompt.body, prompt.ranges[0]!, prompt.ranges[1]!);
    this.#hashOdd(0, this.skeletonBytes, STRIPE_BYTES, 2);
    this.#hashes[0] = this.#hashes[2]!;
    this.#hashes[1] = this.#hashes[3]!;
  }

  /** Hashes `length` bytes that fill no block: whole stripes, the last 16 bytes (padded if there are fewer), the length. */
  #hashOdd(at: number, length: number, stepBytes: number, into: number): void {
    const out = this.#gathered;
    let bytes = this.#reader.gather(at, length, STRIPE_BYTES, stepBytes, out);
    if (length >= STRIPE_BYTES) {
      bytes += this.#reader.gather(at + length - STRIPE_BYTES, STRIPE_BYTES, STRIPE_BYTES, STRIPE_BYTES, out.subarray(bytes));
    } else if (length > 0) {
      bytes = this.#reader.gather(at, length, length, length, out);
      out.fill(0, bytes, STRIPE_BYTES);
      bytes = STRIPE_BYTES;
    }
    bytes = writeEndStripe(out, bytes, length, this.#salt);
    hashBlocks(this.#gatheredView, 0, 1, bytes, STRIPE_BYTES, this.#hashes, into);
  }
}
