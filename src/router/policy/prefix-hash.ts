/**
 * Prompts with the same beginning go to the same worker, unless it has more than its share. It remembers nothing, so several routers with
 * the same workers agree; `cache_aware` finds prefixes of any length, but each router has to learn them.
 *
 *   no prompt, or none that can be read ──► least loaded                                'less-loaded'
 *   else ─────────────────────────────────► the first worker from the hash of the
 *                                           beginning on that is below its bound        'prefix-hash'
 *
 * Source: smg (`policies/prefix_hash.rs`). Difference: it hashes bytes of the prompt, four for each of --prefix-token-count tokens, where
 * smg needs token ids, which there are none of over HTTP.
 */
import type { Prompt } from '../../base/core/route-input.ts';
import { setting, type ValuesOf } from '../setting/setting.ts';
import { float, int } from '../setting/shape.ts';
import { findBounded } from './bounded-load.ts';
import { choose, NOBODY } from './choices.ts';
import type { Choice, FleetView, Policy } from './contract.ts';
import { HashRing } from './hash-ring.ts';
import { hashBytes } from './text-hash.ts';

/** English text has about four bytes in a token. */
const BYTES_PER_TOKEN = 4;

const SETTINGS = {
  prefixTokenCount: setting(int('TOKENS', { min: 1, max: 65_536 }), {
    group: 'routing',
    describe: 'prefix_hash: length of the beginning of a prompt that counts, in tokens of 4 bytes',
    origin: 'smg',
    default: 256,
    reloadable: true,
  }),
  prefixHashLoadFactor: setting(float('FACTOR', { min: 1, max: 1000 }), {
    group: 'routing',
    describe: 'prefix_hash: a worker gets at most this times its even share of the requests in flight, further ones go to the next',
    origin: 'smg',
    default: 1.25,
    reloadable: true,
  }),
};

export interface PrefixState {
  values: ValuesOf<typeof SETTINGS>;
  readonly ring: HashRing;
}

export const prefixHash: Policy<PrefixState, typeof SETTINGS> = {
  name: 'prefix_hash',
  needs: { prompt: true },
  reasons: ['less-loaded', 'prefix-hash'],
  settings: SETTINGS,
  create: (values) => ({ values, ring: new HashRing() }),

  adjust(state, values): void {
    state.values = values;
  },

  select(view: FleetView, input, { values, ring }): Choice {
    const { count } = view;
    if (count === 0) return NOBODY;
    if (count === 1) return choose(view.at(0), 'only');
    if (input.prompt.rangeCount === 0) return choose(view.leastLoaded(), 'less-loaded');
    const hash = beginningOf(input.prompt, values.prefixTokenCount * BYTES_PER_TOKEN);
    return choose(findBounded(ring, hash, view, values.prefixHashLoadFactor), 'prefix-hash');
  },

  join({ ring }, worker): void {
    ring.add(worker.index, worker.url);
  },

  leave({ ring }, worker): void {
    ring.remove(worker);
  },
};

/** Hash of the first `limit` bytes of the prompt. */
function beginningOf({ body, ranges, rangeCount }: Prompt, limit: number): number {
  let hash = 0;
  let left = limit;
  for (let i = 0; i < rangeCount && left > 0; i++) {
    const start = ranges[2 * i]!;
    const end = Math.min(ranges[2 * i + 1]!, start + left);
    hash = hashBytes(body, start, end, hash);
    left -= end - start;
  }
  return hash;
}
