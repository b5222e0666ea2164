/**
 * Requests with the same X-SMG-Routing-Key go to the same worker, for as long as the key is used: sessions that must not move.
 *
 *   key known, one of its workers may be chosen ──► the first of them                     'sticky'
 *   key new, or none of its workers may be ───────► a new one, which the key remembers    'assigned'
 *   no key ───────────────────────────────────────► as for a new key, but not remembered  'unassigned'
 *
 * A key remembers its last two workers, the older one first: when that comes back, the key returns to it. New workers are assigned by
 * --assignment-mode: random, min_load (fewest requests in flight), min_group (fewest keys). A key that is not used for --max-idle-secs
 * is forgotten.
 * Source: sglang_router 0.3.2 (`policies/manual.rs`). Difference: at most MAX_KEYS keys are remembered, the least recently used go first.
 */
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import { setting, type ValuesOf } from '../setting/setting.ts';
import { choice, int } from '../setting/shape.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { StickyKeys } from './sticky-keys.ts';

const SETTINGS = {
  maxIdleSecs: setting(int('SECONDS', { min: 1, max: Number.MAX_SAFE_INTEGER }), {
    group: 'routing',
    describe: 'manual: time after which a routing key that no request uses is forgotten',
    origin: '0.3.2',
    default: 4 * 3600,
    unit: 'seconds',
    reloadable: true,
  }),
  assignmentMode: setting(choice('MODE', ['random', 'min_load', 'min_group']), {
    group: 'routing',
    describe: 'manual: how a new routing key gets its worker: by chance, by requests in flight, or by number of keys',
    origin: '0.3.2',
    default: 'random',
    reloadable: true,
  }),
};

export interface ManualState {
  values: ValuesOf<typeof SETTINGS>;
  readonly keys: StickyKeys;
}

export const manual: Policy<ManualState, typeof SETTINGS> = {
  name: 'manual',
  needs: { header: ['x-smg-routing-key'] },
  reasons: ['sticky', 'assigned', 'unassigned'],
  settings: SETTINGS,
  create: (values, salt) => ({ values, keys: new StickyKeys(salt) }),

  adjust(state, values): void {
    state.values = values;
  },

  select(view: FleetView, input, { values, keys }, rng): Choice {
    const { count } = view;
    if (count === 0) return NOBODY;
    if (count === 1) return choose(view.at(0), 'only');
    const key = input.headers[0];
    const known = key === undefined ? NONE : keys.find(key, view, input.nowMs - values.maxIdleSecs * 1000);
    if (known !== NONE) return choose(known, 'sticky');
    return choose(assign(view, values.assignmentMode, keys, rng.below(count)), key === undefined ? 'unassigned' : 'assigned');
  },

  commit({ values, keys }, { worker }, input): void {
    const key = input.headers[0];
    if (key !== undefined && worker >= 0) keys.use(key, worker, input.nowMs, input.nowMs - values.maxIdleSecs * 1000);
  },

  leave({ keys }, worker): void {
    keys.forgetWorker(worker);
  },
};

/** `from`: where to begin, so that chance decides between equals. */
function assign(view: FleetView, mode: 'random' | 'min_load' | 'min_group', keys: StickyKeys, from: number): WorkerIndex {
  if (mode === 'random') return view.at(from);
  if (mode === 'min_load') return view.leastLoaded();
  let best = view.at(from);
  for (let i = 1; i < view.count; i++) {
    const other = view.at((from + i) % view.count);
    if (keys.countOf(other) < keys.countOf(best)) best = other;
  }
  return best;
}
