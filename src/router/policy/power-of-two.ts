/**
 * The less loaded of two workers picked at random. Two is enough: the longest queue among n workers falls from about
 * log n to about log log n (Mitzenmacher 2001), without the herd that runs to the one least loaded worker when several
 * routers decide at once.
 */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';

export const powerOfTwo: Policy<null, Record<never, never>> = {
  name: 'power_of_two',
  choosesBetweenTwo: true,
  needs: {},
  reasons: ['less-loaded'],
  settings: {},
  create: () => null,

  select(view: FleetView, _input, _state, rng): Choice {
    const { count, inflight, processed } = view;
    if (count === 0) return NOBODY;
    if (count === 1) return choose(view.at(0), 'only');
    // The second is drawn from the others, so that all ordered pairs are equally likely and none is a pair of one.
    const i = rng.below(count);
    const j = rng.below(count - 1);
    const first = view.at(i);
    const second = view.at(j >= i ? j + 1 : j);
    const byLoad = inflight[first]! - inflight[second]! || processed[first]! - processed[second]!;
    return choose(byLoad <= 0 ? first : second, 'less-loaded');
  },
};
