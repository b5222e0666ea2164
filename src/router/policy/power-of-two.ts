/**
 * The less loaded of two workers picked at random. Two is enough: the longest queue among n workers falls from about
 * log n to about log log n (Mitzenmacher 2001), without the herd that runs to the one least loaded worker when several
 * routers decide at once.
 */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { choosable, excludedPlace, nthWithout } from './eligible.ts';

export const powerOfTwo: Policy<null> = {
  name: 'power_of_two',
  needs: 'nothing',
  create: () => null,

  select(view: FleetView, _input, _state, rng): Choice {
    const { eligible, inflight, processed } = view;
    const without = excludedPlace(view);
    const count = choosable(view, without);
    if (count === 0) return NOBODY;
    if (count === 1) return choose(nthWithout(eligible, 0, without), 'only');
    // The second is drawn from the others, so that all ordered pairs are equally likely and none is a pair of one.
    const i = rng.below(count);
    const j = rng.below(count - 1);
    const first = nthWithout(eligible, i, without);
    const second = nthWithout(eligible, j >= i ? j + 1 : j, without);
    const byLoad = inflight[first]! - inflight[second]! || processed[first]! - processed[second]!;
    return choose(byLoad <= 0 ? first : second, 'less-loaded');
  },
};
