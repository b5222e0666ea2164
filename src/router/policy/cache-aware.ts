/**
 * Chooses the worker that holds the longest prefix of the prompt, unless the loads are too far apart.
 *
 *   one worker only ────────────────────────────────────────────► that worker   'only'
 *   max - min > abs  and  max > min * rel ──────────────────────► least loaded  'imbalance'
 *   known share of the prompt > cacheThreshold
 *      └ the longest prefix above it that an eligible worker holds ► that worker   'prefix'
 *        (several: least load, then fewest processed, then the one that got it last)
 *   else ───────────────────────────────────────────────────────► least loaded  'prefix-miss'
 *
 * commit records the chosen worker as a holder of the prompt, whatever the reason.
 * Source: rule and thresholds of sglang_router 0.3.2 (`policies/cache_aware.rs`). Differences: load and requests processed break ties
 * (0.3.2: list order); if the longest holder may not be chosen, the policy tries the next longest (0.3.2: the first worker of the
 * list); loads are counted under every policy.
 */
import type { Prompt } from '../../base/core/route-input.ts';
import { NONE, type WorkerIndex } from '../../base/core/worker.ts';
import { LatestOwners, MAX_OWNERS } from '../prefix/owner-set.ts';
import { prefixIndexBytes } from '../prefix/prefix-budget.ts';
import { entriesWithin, PrefixIndex } from '../prefix/prefix-index.ts';
import { PromptChain } from '../prefix/prompt-chain.ts';
import { setting, type ValuesOf } from '../setting/setting.ts';
import { float } from '../setting/shape.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { IMBALANCE_SETTINGS, isImbalanced } from './imbalance.ts';
import { TREE_SETTINGS } from './tree-size.ts';

const SETTINGS = {
  cacheThreshold: setting(float('SHARE', { min: 0, max: 1 }), {
    group: 'routing',
    describe: 'cache_aware: share of a prompt that a worker must hold for the request to follow it',
    origin: '0.3.2',
    default: 0.3,
    reloadable: true,
  }),
  ...IMBALANCE_SETTINGS,
  ...TREE_SETTINGS,
};
type Values = ValuesOf<typeof SETTINGS>;

export class CacheAwareState {
  values: Values;
  readonly index: PrefixIndex;
  readonly #chain: PromptChain;
  readonly #holders: Int32Array = new Int32Array(MAX_OWNERS);
  /** The choice for which `#chain` was computed, and the links known at that time: commit need not hash again. */
  #hashedFor: Choice | null = null;
  #known = 0;

  constructor(values: Values, salt: number) {
    this.values = values;
    this.index = new PrefixIndex(entriesWithin(prefixIndexBytes(values.maxTreeSize)), new LatestOwners());
    this.#chain = new PromptChain(salt);
  }

  followPrefix(view: FleetView, prompt: Prompt): Choice {
    const chain = this.#chain;
    chain.compute(prompt);
    this.#known = this.index.match(chain);
    const choice = this.#longestHolder(view) ?? choose(view.leastLoaded(), 'prefix-miss');
    this.#hashedFor = choice;
    return choice;
  }

  /** Shortens the match block by block until a worker that may be chosen holds it, down to the threshold. */
  #longestHolder(view: FleetView): Choice | null {
    const chain = this.#chain;
    let entry = this.index.entryAt(chain, this.#known);
    for (let links = this.#known; entry !== 0 && chain.share(links) > this.values.cacheThreshold; links--) {
      const worker = this.#leastLoadedHolder(view, entry);
      if (worker !== NONE) return { worker, because: 'prefix', matchedBytes: chain.bytes(links) };
      entry = this.index.parentOf(entry);
    }
    return null;
  }

  #leastLoadedHolder(view: FleetView, entry: number): WorkerIndex {
    const count = this.index.owners(entry, this.#holders);
    let best = NONE;
    for (let i = 0; i < count; i++) {
      const worker = this.#holders[i]!;
      if (!view.has(worker)) continue;
      if (best !== NONE) {
        const byLoad = view.inflight[worker]! - view.inflight[best]! || view.processed[worker]! - view.processed[best]!;
        if (byLoad >= 0) continue;
      }
      best = worker;
    }
    return best;
  }

  remember(choice: Choice, prompt: Prompt): void {
    if (this.#hashedFor !== choice || !this.#chain.isOf(prompt)) {
      this.#chain.compute(prompt);
      this.#known = 0;
    }
    this.#hashedFor = null;
    this.index.insert(this.#chain, choice.worker, this.#known);
  }
}

export const cacheAware: Policy<CacheAwareState, typeof SETTINGS> = {
  name: 'cache_aware',
  needs: { prompt: true },
  reasons: ['imbalance', 'prefix', 'prefix-miss'],
  settings: SETTINGS,
  create: (values, salt) => new CacheAwareState(values, salt),

  adjust(state, values): void {
    state.values = values;
  },

  select(view: FleetView, input, state): Choice {
    if (view.count === 0) return NOBODY;
    if (view.count === 1) return choose(view.at(0), 'only');
    if (isImbalanced(view, state.values)) return choose(view.leastLoaded(), 'imbalance');
    return state.followPrefix(view, input.prompt);
  },

  commit(state, choice, input): void {
    if (choice.worker >= 0) state.remember(choice, input.prompt);
  },

  join(state, worker): void {
    state.index.join(worker.index);
  },

  forget(state, worker): void {
    state.index.leave(worker);
    state.index.join(worker);
  },

  leave(state, worker): void {
    state.index.leave(worker);
  },

  stats: ({ index }) => index,
};
