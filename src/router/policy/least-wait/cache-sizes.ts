/**
 * How much each worker has computed, and how much it can hold of that: together they tell which prefixes an engine has evicted.
 *
 *   odometer of a worker: bytes that entered its cache since it joined
 *   stamp of a prefix at a worker: its odometer when the prefix was used there last
 *   held: odometer - stamp <= size of the cache
 *
 * The engine reports its size in tokens. What it says of cached tokens corrects it: blocks may go sooner, because running requests and
 * hot prefixes take part of the cache.
 */
import type { WorkerIndex } from '../../../base/core/worker.ts';

/** Stamps have 16 bits of this many bytes, so they begin again after a GiB. */
const UNIT_BYTES = 16_384;
const STAMP_MASK = 0xffff;
/** Of English text and common tokenizers; replaced by what answers count. */
const FIRST_BYTES_PER_TOKEN = 4;
const FADE = 0.95;
/** No engine has a smaller cache. */
const LEAST_BYTES = 8 * UNIT_BYTES;
/** Part of the way from the known size to an observed one. */
const STEP = 0.3;

interface CacheSize {
  /** Bytes that entered the cache. */
  odometer: number;
  /** Reported, tokens; null: not known. */
  tokens: number | null;
  /** Share of the reported size that works; of `learnedBytes` where nothing is reported. */
  share: number;
  learnedBytes: number;
}

export class CacheSizes {
  readonly #sizes: (CacheSize | undefined)[] = [];
  #bytes = FIRST_BYTES_PER_TOKEN;
  #tokens = 1;

  join(worker: WorkerIndex, tokens: number | null): void {
    this.#sizes[worker] = { odometer: 0, tokens, share: 1, learnedBytes: Number.POSITIVE_INFINITY };
  }

  /** What the engine reports about the size of its cache, which may become known late. */
  report(worker: WorkerIndex, tokens: number | null): void {
    const size = this.#sizes[worker];
    if (size === undefined || size.tokens === tokens) return;
    size.tokens = tokens;
    size.share = 1;
  }

  leave(worker: WorkerIndex): void {
    this.#sizes[worker] = undefined;
  }

  get bytesPerToken(): number {
    return this.#bytes / this.#tokens;
  }

  /** A prompt of `bytes` had `tokens`. */
  counted(bytes: number, tokens: number): void {
    if (!(bytes > 0 && tokens > 0)) return;
    this.#bytes = this.#bytes * FADE + bytes;
    this.#tokens = this.#tokens * FADE + tokens;
  }

  /** `bytes` (which may be negative, as a correction) entered the cache. */
  entered(worker: WorkerIndex, bytes: number): void {
    const size = this.#sizes[worker];
    if (size !== undefined) size.odometer = Math.max(0, size.odometer + bytes);
  }

  stamp(worker: WorkerIndex): number {
    return Math.floor((this.#sizes[worker]?.odometer ?? 0) / UNIT_BYTES) & STAMP_MASK;
  }

  /** Bytes that entered the cache since `stamp`. */
  age(worker: WorkerIndex, stamp: number): number {
    return ((this.stamp(worker) - stamp) & STAMP_MASK) * UNIT_BYTES;
  }

  /** Bytes; infinite where nothing is known. */
  size(worker: WorkerIndex): number {
    const size = this.#sizes[worker];
    if (size === undefined) return 0;
    if (size.tokens === null) return size.learnedBytes;
    return Math.max(LEAST_BYTES, size.tokens * this.bytesPerToken * size.share);
  }

  /** A prefix of this age was gone (or was still there). */
  observed(worker: WorkerIndex, age: number, isHeld: boolean): void {
    const size = this.#sizes[worker];
    if (size === undefined) return;
    const known = this.size(worker);
    if (isHeld ? age <= known : age >= known) return;
    const next = Math.max(LEAST_BYTES, Number.isFinite(known) ? known + (age - known) * STEP : age);
    if (size.tokens === null) size.learnedBytes = next;
    else size.share = Math.min(1, next / (size.tokens * this.bytesPerToken));
  }
}
