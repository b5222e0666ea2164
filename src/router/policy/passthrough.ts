/** The first worker that may be chosen, in the order in which they joined: one serves, the others stand by. Source: smg. */
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';

export const passthrough: Policy<null, Record<never, never>> = {
  name: 'passthrough',
  needs: {},
  reasons: ['first'],
  settings: {},
  create: () => null,

  select(view: FleetView): Choice {
    if (view.count === 0) return NOBODY;
    return choose(view.at(0), view.count === 1 ? 'only' : 'first');
  },
};
