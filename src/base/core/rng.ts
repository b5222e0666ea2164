/** Chance as a parameter. The only real source is `src/base/runtime/rng.ts`; tests seed it. */
export interface Rng {
  /** An unsigned 32-bit integer, uniform in 0 .. 2^32-1. */
  nextUint32(): number;
  /** An integer uniform in 0 .. bound-1; `bound` is 1 .. 2^32-1. */
  below(bound: number): number;
}
