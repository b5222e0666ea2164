/** How the work of recent prompts is spread over their lengths: which share of it came in shorter prompts than this one. */

/** Prompts below 16 bytes share a bin; then eight bins to each doubling, up to 2^31 bytes. */
const BINS = 1 + 27 * 8;
const FIRST_EXPONENT = 4;
/** A prompt counts half of what the newest counts after this many more: a change of traffic is followed within a few hundred. */
const HALF_LIFE = 256;
const GROWTH = 2 ** (1 / HALF_LIFE);
/** Weights grow instead of all bins fading with every prompt; beyond this they are scaled down. */
const MAX_GAIN = 2 ** 64;

/** The work of a prompt is its length in bytes, which is what prefill spends its time on. */
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
