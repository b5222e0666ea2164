/** How the work of recent prompts is spread over their lengths: the share of it in prompts shorter than a given one. */

/** Prompts below 16 bytes share a bin; then eight bins to each doubling, up to 2^31 bytes. */
const BINS = 1 + 27 * 8;
const FIRST_EXPONENT = 4;
/** Prompts after which an older one has half the weight: the shares follow a change of traffic within a few hundred prompts. */
const HALF_LIFE = 256;
const GROWTH = 2 ** (1 / HALF_LIFE);
/** The weight of a new prompt grows, which is cheaper than fading all bins. Beyond this gain all bins are scaled down. */
const MAX_GAIN = 2 ** 64;

/** The work of a prompt is its length in bytes, to which the time of its prefill is about proportional. */
export class LengthShares {
  readonly #work: Float64Array = new Float64Array(BINS);
  #total = 0;
  #gain = 1;
  #count = 0;

  /** Prompts entered ever. */
  get count(): number {
    return this.#count;
  }

  enter(bytes: number): void {
    const work = this.#gain * Math.max(1, bytes);
    this.#work[binOf(bytes)]! += work;
    this.#total += work;
    this.#count++;
    this.#gain *= GROWTH;
    if (this.#gain > MAX_GAIN) this.#scaleDown();
  }

  /**
   * 0 .. 1: the share of the work in shorter prompts, plus the part `within` (0 .. 1) of that in prompts of about this length.
   * `within` itself while nothing has been entered.
   */
  below(bytes: number, within: number): number {
    if (this.#total === 0) return within;
    const bin = binOf(bytes);
    let shorter = 0;
    for (let i = 0; i < bin; i++) shorter += this.#work[i]!;
    return (shorter + within * this.#work[bin]!) / this.#total;
  }

  #scaleDown(): void {
    this.#total = 0;
    for (let i = 0; i < BINS; i++) {
      this.#work[i]! /= this.#gain;
      this.#total += this.#work[i]!;
    }
    this.#gain = 1;
  }
}

function binOf(bytes: number): number {
  if (bytes < 2 ** FIRST_EXPONENT) return 0;
  const length = Math.min(bytes, 2 ** 31 - 1);
  const exponent = 31 - Math.clz32(length);
  return 1 + (exponent - FIRST_EXPONENT) * 8 + ((length >> (exponent - 3)) & 7);
}
