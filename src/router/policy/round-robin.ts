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

export interface RoundRobinState {
  last: WorkerIndex;
}

export const roundRobin: Policy<RoundRobinState, Record<never, never>> = {
  name: 'round_robin',
  needs: {},
  reasons: ['turn'],
  settings: {},
  create: () => ({ last: -1 }),

  select(view: FleetView, _input, state): Choice {
    if (view.count === 0) return NOBODY;
    const next = view.placeOf(state.last + 1);
    return choose(view.at(next === view.count ? 0 : next), view.count === 1 ? 'only' : 'turn');
  },

  commit(state, choice): void {
    if (choice.worker >= 0) state.last = choice.worker;
  },
};
