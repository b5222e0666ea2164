/**
 * Chooses the less loaded of two workers drawn at random. Two are enough: the longest queue among n workers falls from about
 * log n to about log log n (Mitzenmacher 2001). If several routers share a fleet, they do not all choose the one least loaded worker.
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
    // The second draw is from the other workers: all ordered pairs are equally likely, and no worker is compared with itself.
    const i = rng.below(count);
    const j = rng.below(count - 1);
    const first = view.at(i);
    const second = view.at(j >= i ? j + 1 : j);
    const byLoad = inflight[first]! - inflight[second]! || processed[first]! - processed[second]!;
    return choose(byLoad <= 0 ? first : second, 'less-loaded');
  },
};
