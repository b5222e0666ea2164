/**
 * Each worker in turn, by worker index.
 *
 * The state is the index that had the last turn, not a place in the list: when workers come or go, the turn goes on
 * behind the last one, and nobody is skipped or served twice. A retry takes a turn like any other request, so the
 * neighbour of a failing worker is not given two requests per round.
 */
import type { WorkerIndex } from '../../base/core/worker.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { choosable, excludedPlace, lowerBound } from './eligible.ts';

export interface RoundRobinState {
  last: WorkerIndex;
}

export const roundRobin: Policy<RoundRobinState> = {
  name: 'round_robin',
  needs: 'nothing',
  create: () => ({ last: -1 }),

  select(view: FleetView, _input, state): Choice {
    const { eligible } = view;
    const without = excludedPlace(view);
    const count = choosable(view, without);
    if (count === 0) return NOBODY;
    let place = lowerBound(eligible, state.last + 1);
    if (place === eligible.length) place = 0;
    if (place === without) place = place + 1 === eligible.length ? 0 : place + 1;
    return choose(eligible[place]!, count === 1 ? 'only' : 'turn');
  },

  commit(state, choice): void {
    if (choice.worker >= 0) state.last = choice.worker;
  },
};
