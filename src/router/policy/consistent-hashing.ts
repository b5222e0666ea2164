/**
 * The same key goes to the same worker, as long as that may be chosen; the keys of a worker that leaves spread over all others.
 *
 *   X-SMG-Target-Worker: N ──────► the N-th (from 0) of the workers that may be chosen; nobody if there is none    'target', 'none'
 *   X-SMG-Routing-Key ───────────► the worker of this key on the ring                                             'routing-key'
 *   authorization, x-forwarded-for, cookie: the first that is there ──► the worker of its value                   'implicit-key'
 *   none of them ────────────────► any worker                                                                     'chance'
 *
 * Source: sglang_router 0.3.2 (`policies/consistent_hashing.rs`). Differences: the hash is another one, so a key goes to another worker
 * than there, and --consistent-hashing-load-factor can bound the load of a worker. Several routers with the same workers agree.
 */
import type { Rng } from '../../base/core/rng.ts';
import type { RouteInput } from '../../base/core/route-input.ts';
import { setting, type ValuesOf } from '../setting/setting.ts';
import { float } from '../setting/shape.ts';
import { findBounded } from './bounded-load.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { HashRing } from './hash-ring.ts';
import { hashText } from './text-hash.ts';

const SETTINGS = {
  consistentHashingLoadFactor: setting(float('FACTOR', { min: 0, max: 1000 }), {
    group: 'routing',
    describe:
      'consistent_hashing: a worker gets at most this times its even share of the requests in flight, further ones go to the next; 0 for no bound, else from 1',
    origin: 'ours',
    default: 0,
    reloadable: true,
  }),
};

export interface RingState {
  values: ValuesOf<typeof SETTINGS>;
  readonly ring: HashRing;
}

export const consistentHashing: Policy<RingState, typeof SETTINGS> = {
  name: 'consistent_hashing',
  needs: { header: ['x-smg-target-worker', 'x-smg-routing-key', 'authorization', 'x-forwarded-for', 'cookie'] },
  reasons: ['target', 'routing-key', 'implicit-key', 'chance'],
  mayFindNobody: true,
  settings: SETTINGS,
  create: (values) => ({ values, ring: new HashRing() }),

  adjust(state, values): void {
    state.values = values;
  },

  select(view: FleetView, input: RouteInput, { values, ring }, rng: Rng): Choice {
    const { count } = view;
    if (count === 0) return NOBODY;
    const [target, explicit, ...implicit] = input.headers;
    if (target !== undefined) return choiceOfTarget(view, target);
    if (count === 1) return choose(view.at(0), 'only');
    const key = explicit ?? implicit.find((value) => value !== undefined);
    if (key === undefined) return choose(view.at(rng.below(count)), 'chance');
    const worker = findBounded(ring, hashText(key), view, values.consistentHashingLoadFactor);
    return choose(worker, explicit === undefined ? 'implicit-key' : 'routing-key');
  },

  join({ ring }, worker): void {
    ring.add(worker.index, worker.url);
  },

  leave({ ring }, worker): void {
    ring.remove(worker);
  },
};

function choiceOfTarget(view: FleetView, target: string): Choice {
  const place = /^\d{1,6}$/.test(target) ? Number(target) : view.count;
  return place < view.count ? choose(view.at(place), 'target') : NOBODY;
}
