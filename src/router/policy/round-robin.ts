/**
 * Chooses each worker in turn, by worker index.
 *
 * The state is the index of the worker chosen last, not a place in the list. When workers join or leave, the turn continues after the
 * worker chosen last, so none is skipped or chosen twice. A retry takes a turn like any other request, so the worker after a failing
 * one does not get two requests per round.
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
