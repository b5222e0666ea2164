/**
 * LMetric, as a comparison in simulations: the least product of the prefill that a worker would have to do and the number of its
 * requests wins. It has no parameters and knows no times. Looks at all workers, so it is not for the router.
 */
import type { WorkerIndex } from '../base/core/worker.ts';
import { choose, NOBODY } from '../router/policy/choices.ts';
import type { Choice, Policy } from '../router/policy/contract.ts';
import { Holders } from '../router/policy/least-wait/holders.ts';

const INDEX_BYTES = 2 ** 25;

interface LMetricState {
  readonly holders: Holders;
  /** Bytes that wait for prefill, by worker. */
  readonly waiting: number[];
  /** Of each choice whose first token has not come: the bytes that it added. */
  readonly added: Map<Choice, number>;
}

export const lmetric: Policy<LMetricState, Record<never, never>> = {
  name: 'lmetric',
  needs: { prompt: true },
  reasons: ['product'],
  settings: {},
  create: (_, salt) => ({ holders: new Holders(INDEX_BYTES, salt), waiting: [], added: new Map() }),

  select(view, { prompt }, { holders, waiting }): Choice {
    if (view.count === 0) return NOBODY;
    holders.find(prompt, (worker) => view.has(worker));
    let best: Choice = choose(view.at(0), 'product');
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < view.count; n++) {
      const worker = view.at(n);
      const matchedBytes = heldBy(holders, worker);
      const bytes = (waiting[worker] ?? 0) + holders.promptBytes - matchedBytes;
      const product = (bytes + 1) * (view.inflight[worker]! + 1);
      if (product < least) best = { worker, because: 'product', matchedBytes };
      least = Math.min(least, product);
    }
    return best;
  },

  commit({ holders, waiting, added }, choice, { prompt }): void {
    const bytes = holders.promptBytes - choice.matchedBytes;
    holders.enter(prompt, choice.worker, bytes, true);
    waiting[choice.worker] = (waiting[choice.worker] ?? 0) + bytes;
    added.set(choice, bytes);
  },
  firstToken: (state, choice) => computed(state, choice),
  settled: (state, choice) => computed(state, choice),
  join: ({ holders }, worker) => holders.join(worker),
  leave: ({ holders }, worker) => holders.leave(worker),
};

function computed({ waiting, added }: LMetricState, choice: Choice): void {
  const bytes = added.get(choice);
  if (bytes === undefined) return;
  added.delete(choice);
  waiting[choice.worker] = (waiting[choice.worker] ?? 0) - bytes;
}

function heldBy(holders: Holders, worker: WorkerIndex): number {
  for (let i = 0; i < holders.count; i++) if (holders.workers[i] === worker) return holders.bytes[i]!;
  return 0;
}
