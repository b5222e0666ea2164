/**
 * The worker with the fewest requests in flight; of equals the one that has been sent fewer so far. Only this router's own requests count:
 * with several routers use `power_of_two`, or all choose the same worker. Source of the name: smg.
 */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';

export const leastLoad: Policy<null, Record<never, never>> = {
  name: 'least_load',
  needs: {},
  reasons: ['less-loaded'],
  settings: {},
  create: () => null,

  select(view: FleetView): Choice {
    if (view.count === 0) return NOBODY;
    return view.count === 1 ? choose(view.at(0), 'only') : choose(view.leastLoaded(), 'less-loaded');
  },
};
