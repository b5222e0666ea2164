/** Ratios to nginx and their spread. Pure. */
import { isYardstick } from './entrants/catalogue.ts';
import type { WindowResult } from './window.ts';

export interface Rated extends WindowResult {
  /** CPU per unit divided by the mean of the two nginx of the same round; null where there is none. */
  readonly ratio: number | null;
  /** The window itself or a yardstick's window was disturbed. */
  readonly is_ratio_disturbed: boolean;
}

/** Adds ratios to the windows of one workload in one round. */
export function rate(round: readonly WindowResult[]): readonly Rated[] {
  const yardsticks = round.filter((result) => isYardstick(result.name) && result.units > 0);
  const yard = yardsticks.reduce((sum, result) => sum + result.cpu_us_per_unit, 0) / yardsticks.length;
  const isYardDisturbed = yardsticks.some((result) => result.is_disturbed);
  return round.map((result) => ({
    ...result,
    ratio: result.name === 'direct' || result.units === 0 || !(yard > 0) ? null : result.cpu_us_per_unit / yard,
    is_ratio_disturbed: result.is_disturbed || isYardDisturbed,
  }));
}

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The nearest of the values; NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

export interface Summary {
  readonly values: readonly number[];
  /** There were only disturbed windows, or a single good one. */
  readonly isDoubtful: boolean;
}

/** Values of undisturbed windows; of all when fewer than two were undisturbed. */
export function undisturbed(
  windows: readonly Rated[],
  value: (window: Rated) => number | null,
  isBad: (window: Rated) => boolean,
): Summary {
  const usable = windows.filter((window) => window.units > 0 && value(window) !== null);
  const good = usable.filter((window) => !isBad(window));
  const chosen = good.length > 1 ? good : usable;
  return { values: chosen.map((window) => value(window) ?? Number.NaN), isDoubtful: usable.length > 0 && good.length < 2 };
}

/** How far nginx is from itself: median over the rounds of its second entry divided by its first. NaN without both. */
export function yardstickError(windows: readonly Rated[]): number {
  const costs = (name: string) => new Map(windows.filter((w) => w.name === name && w.units > 0).map((w) => [w.round, w.cpu_us_per_unit]));
  const first = costs('nginx');
  const quotients = [...costs('nginx-again')].map(([round, cost]) => cost / (first.get(round) ?? Number.NaN));
  return median(quotients.filter(Number.isFinite));
}
