/** The mean of the last values, in constant time and memory. */

const KEPT = 32;

export class RecentMean {
  readonly #values = new Float64Array(KEPT);
  #count = 0;
  #sum = 0;

  add(value: number): void {
    const at = this.#count++ % KEPT;
    this.#sum += value - this.#values[at]!;
    this.#values[at] = value;
  }

  /** Null before the first value. */
  get(): number | null {
    return this.#count === 0 ? null : this.#sum / Math.min(this.#count, KEPT);
  }
}
