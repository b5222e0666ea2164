/**
 * Sends short prompts to the first workers and long prompts to the last, so that a short prompt does not wait behind a long one.
 * For regular and prefill workers.
 *
 *   lengths    0 ──────────┬───────────────────┬──────────────────────────► infinity
 *   workers    the first   │  the second       │  the third                  each gets the same amount of work
 *
 *   one worker only ─────────────────────────► that worker   'only'
 *   no prompt, or none that can be read ─────► least loaded  'less-loaded'
 *   max - min > abs  and  max > min * rel ───► least loaded  'imbalance'
 *   else ────────────────────────────────────► the worker of the prompt's length  'length'
 *
 * The policy stores no bounds. If shorter prompts had a share of 0.4 of the recent work, it chooses the worker at 0.4 of the list. If many
 * prompts have about one length, several workers share them by chance. At the start it assumes that all lengths up to 4 KiB are equally
 * likely.
 * Source: idea and start values of sglang_router 0.3.2 (`policies/bucket.rs`). Differences: the bounds follow the last few hundred
 * requests (0.3.2 sets them every few seconds), they divide work (0.3.2: requests), and the loads compared are requests in flight, as in
 * `cache_aware` (0.3.2: characters sent).
 */
import type { Prompt } from '../../base/core/route-input.ts';
import type { ValuesOf } from '../setting/setting.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { IMBALANCE_SETTINGS, isImbalanced } from './imbalance.ts';
import { LengthShares } from './length-shares.ts';

/** Longest prompt that the policy assumes at the start. */
const FIRST_MAX_BYTES = 4096;
/** After this many prompts, the assumption no longer counts. */
const ENOUGH = 16;

export interface BucketState {
  values: ValuesOf<typeof IMBALANCE_SETTINGS>;
  readonly shares: LengthShares;
}

export const bucket: Policy<BucketState, typeof IMBALANCE_SETTINGS> = {
  name: 'bucket',
  pools: ['regular', 'prefill'],
  needs: { prompt: true },
  reasons: ['less-loaded', 'imbalance', 'length'],
  settings: IMBALANCE_SETTINGS,
  create: (values) => ({ values, shares: new LengthShares() }),

  adjust(state, values): void {
    state.values = values;
  },

  select(view: FleetView, input, { values, shares }, rng): Choice {
    const { count } = view;
    if (count === 0) return NOBODY;
    if (count === 1) return choose(view.at(0), 'only');
    if (input.prompt.rangeCount === 0) return choose(view.leastLoaded(), 'less-loaded');
    if (isImbalanced(view, values)) return choose(view.leastLoaded(), 'imbalance');
    const bytes = promptBytes(input.prompt);
    const known = Math.min(1, shares.count / ENOUGH);
    const guess = Math.min(1, bytes / FIRST_MAX_BYTES);
    const share = known * shares.below(bytes, rng.nextUint32() / 2 ** 32) + (1 - known) * guess;
    return choose(view.at(Math.min(count - 1, Math.floor(share * count))), 'length');
  },

  commit({ shares }, choice, input): void {
    if (choice.worker >= 0 && input.prompt.rangeCount > 0) shares.enter(promptBytes(input.prompt));
  },
};

function promptBytes({ ranges, rangeCount }: Prompt): number {
  let bytes = 0;
  for (let i = 0; i < rangeCount; i++) bytes += ranges[2 * i + 1]! - ranges[2 * i]!;
  return bytes;
}
