/**
 * Short prompts to the first workers, long ones to the last, so that a short prompt does not wait behind a long one. For prefill.
 *
 *   lengths    0 ──────────┬───────────────────┬──────────────────────────► infinity
 *   workers    the first   │  the second       │  the third                  each gets the same amount of work
 *
 *   one worker only ─────────────────────────► it            'only'
 *   max - min > abs  and  max > min * rel ───► least loaded  'imbalance'
 *   else ────────────────────────────────────► the worker of the prompt's length  'length'
 *
 * The bounds are not kept: a prompt's worker is that at the share of recent work which came in shorter prompts. Where many prompts
 * have about one length, several workers take them, by chance. Until enough prompts are known, lengths up to 4 KiB are taken to be
 * equally likely.
 * Source: idea and start values of sglang_router 0.3.2 (`policies/bucket.rs`). Different here: bounds follow the last few hundred
 * requests instead of being set every few seconds, they divide work instead of requests, and the loads compared are requests in
 * flight, as for `cache_aware`, instead of characters sent.
 */
import type { Prompt } from '../../base/core/route-input.ts';
import type { ValuesOf } from '../setting/setting.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { IMBALANCE_SETTINGS, isImbalanced } from './imbalance.ts';
import { LengthShares } from './length-shares.ts';

/** What lengths are taken for at the start. */
const FIRST_MAX_BYTES = 4096;
/** From this many prompts on only what was seen counts. */
const ENOUGH = 16;

export interface BucketState {
  readonly values: ValuesOf<typeof IMBALANCE_SETTINGS>;
  readonly shares: LengthShares;
}

export const bucket: Policy<BucketState, typeof IMBALANCE_SETTINGS> = {
  name: 'bucket',
  pools: ['prefill'],
  needs: { prompt: true },
  reasons: ['imbalance', 'length'],
  settings: IMBALANCE_SETTINGS,
  create: (values) => ({ values, shares: new LengthShares() }),

  select(view: FleetView, input, { values, shares }, rng): Choice {
    const { count } = view;
    if (count === 0) return NOBODY;
    if (count === 1) return choose(view.at(0), 'only');
    if (isImbalanced(view, values)) return choose(view.leastLoaded(), 'imbalance');
    const bytes = promptBytes(input.prompt);
    const known = Math.min(1, shares.count / ENOUGH);
    const guess = Math.min(1, bytes / FIRST_MAX_BYTES);
    const share = known * shares.below(bytes, rng.nextUint32() / 2 ** 32) + (1 - known) * guess;
    return choose(view.at(Math.min(count - 1, Math.floor(share * count))), 'length');
  },

  commit({ shares }, choice, input): void {
    if (choice.worker >= 0) shares.enter(promptBytes(input.prompt));
  },
};

function promptBytes({ ranges, rangeCount }: Prompt): number {
  let bytes = 0;
  for (let i = 0; i < rangeCount; i++) bytes += ranges[2 * i + 1]! - ranges[2 * i]!;
  return bytes;
}
