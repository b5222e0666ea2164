/** Draws for generators. */
import type { Rng } from '../../../src/base/core/rng.ts';

export function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)]!;
}

/** True in `percent` of 100 draws. */
export function chance(rng: Rng, percent: number): boolean {
  return rng.below(100) < percent;
}
