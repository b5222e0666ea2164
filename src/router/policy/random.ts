/** Any worker, all equally likely. */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { choosable, excludedPlace, nthWithout } from './eligible.ts';

export const random: Policy<null> = {
  name: 'random',
  needs: 'nothing',
  create: () => null,

  select(view: FleetView, _input, _state, rng): Choice {
    const without = excludedPlace(view);
    const count = choosable(view, without);
    if (count === 0) return NOBODY;
    if (count === 1) return choose(nthWithout(view.eligible, 0, without), 'only');
    return choose(nthWithout(view.eligible, rng.below(count), without), 'chance');
  },
};
