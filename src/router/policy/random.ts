/** Chooses any worker; all are equally likely. */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';

export const random: Policy<null, Record<never, never>> = {
  name: 'random',
  needs: {},
  reasons: ['chance'],
  settings: {},
  create: () => null,

  select(view: FleetView, _input, _state, rng): Choice {
    if (view.count === 0) return NOBODY;
    if (view.count === 1) return choose(view.at(0), 'only');
    return choose(view.at(rng.below(view.count)), 'chance');
  },
};
