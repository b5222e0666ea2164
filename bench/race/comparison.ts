/** Two builds of this router under the same load: the ratio of their costs round by round, and a verdict for each workload. Pure. */
import { NEW, OLD } from './entrants/builds.ts';
import { median, quantile } from './statistics.ts';
import type { WindowResult } from './window.ts';
import { WORKLOADS } from './workloads.ts';

/** Median and middle half. */
export interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
}

/** `dearer`: the middle half of the ratio lies above 1. `not measured`: no round gave a figure for both builds. */
export type Verdict = 'overlap or cheaper' | 'dearer' | 'not measured';

export interface Comparison {
  readonly workload: string;
  /** Short name of the policy, or `pd`. */
  readonly variant: string;
  readonly unit: 'request' | 'event';
  /** Rounds that count. */
  readonly rounds: number;
  /** Windows of streams that were disturbed had to be counted, or there was one round only. */
  readonly is_doubtful: boolean;
  /** CPU, microseconds for each unit. */
  readonly new_us: Spread;
  readonly old_us: Spread;
  /** New divided by old, in the same round. */
  readonly ratio: Spread;
  readonly verdict: Verdict;
  /** Medians of the new and the old build. */
  readonly p99_us: readonly [number, number];
  readonly rss_mib: readonly [number, number];
}

export interface Pair {
  readonly round: number;
  readonly workload: string;
  readonly variant: string;
  readonly new: WindowResult;
  readonly old: WindowResult;
}

/** Windows of both builds in the same round, in the order of the rounds. */
export function pairUp(windows: readonly WindowResult[]): readonly Pair[] {
  const key = (window: WindowResult, variant: string) => `${window.round} ${window.workload} ${variant}`;
  const olds = new Map<string, WindowResult>();
  for (const window of windows) {
    const [build, variant = ''] = window.name.split('/');
    if (build === OLD) olds.set(key(window, variant), window);
  }
  return windows.flatMap((window) => {
    const [build, variant = ''] = window.name.split('/');
    const old = olds.get(key(window, variant));
    if (build !== NEW || old === undefined) return [];
    return [{ round: window.round, workload: window.workload, variant, new: window, old }];
  });
}

/** Null if one of the two windows gave no figure. */
export function ratioOf(pair: Pair): number | null {
  if (pair.new.units === 0 || pair.old.units === 0 || !(pair.old.cpu_us_per_unit > 0)) return null;
  return pair.new.cpu_us_per_unit / pair.old.cpu_us_per_unit;
}

export const isDisturbed = (pair: Pair): boolean => pair.new.is_disturbed || pair.old.is_disturbed;

function spread(values: readonly number[]): Spread {
  return { median: median(values), q1: quantile(values, 0.25), q3: quantile(values, 0.75) };
}

function judge(ratio: Spread): Verdict {
  if (!Number.isFinite(ratio.q1)) return 'not measured';
  return ratio.q1 > 1 ? 'dearer' : 'overlap or cheaper';
}

function compareOne(workload: string, variant: string, pairs: readonly Pair[]): Comparison {
  const usable = pairs.filter((pair) => ratioOf(pair) !== null);
  const good = usable.filter((pair) => !isDisturbed(pair));
  const chosen = good.length > 1 ? good : usable;
  const ratio = spread(chosen.map((pair) => ratioOf(pair)!));
  const both = (value: (window: WindowResult) => number): readonly [number, number] => [
    median(chosen.map((pair) => value(pair.new))),
    median(chosen.map((pair) => value(pair.old))),
  ];
  return {
    workload,
    variant,
    unit: WORKLOADS[workload]?.unit ?? 'request',
    rounds: chosen.length,
    is_doubtful: good.length < 2,
    new_us: spread(chosen.map((pair) => pair.new.cpu_us_per_unit)),
    old_us: spread(chosen.map((pair) => pair.old.cpu_us_per_unit)),
    ratio,
    verdict: judge(ratio),
    p99_us: both((window) => window.p99_us),
    rss_mib: both((window) => window.rss_mib),
  };
}

/** One comparison for each workload and variant, in the order in which they were first measured. */
export function compare(windows: readonly WindowResult[]): readonly Comparison[] {
  const groups = new Map<string, Pair[]>();
  for (const pair of pairUp(windows)) {
    const key = `${pair.workload} ${pair.variant}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pair]);
    else group.push(pair);
  }
  return [...groups.values()].map((pairs) => compareOne(pairs[0]!.workload, pairs[0]!.variant, pairs));
}
