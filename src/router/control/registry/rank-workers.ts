/** The data-parallel ranks of an engine as workers. */
import type { Worker } from '../../../base/core/worker.ts';
import { createRank } from './create-worker.ts';
import type { IndexPool } from './index-pool.ts';

/** `size` ranks; those in `before` keep their ids and indices. Takes indices for the others; null if too few are free. */
export function rankWorkers(
  engine: Worker,
  before: readonly Worker[],
  size: number,
  indices: IndexPool,
  createId: () => string,
): readonly Worker[] | null {
  const kept = [engine.index, ...before.slice(1, size).map(({ index }) => index)];
  const fresh = indices.takeAll(size - kept.length);
  if (fresh === null) return null;
  return [...kept, ...fresh].map((index, number) => {
    const known = before[number];
    const id = known === undefined || known.rank === null ? createId() : known.id;
    return createRank(engine, index, id, number, size);
  });
}
