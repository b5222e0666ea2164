/** Data-parallel ranks that requests ask for. */
import { EngineError } from './engine-error.ts';
import type { Body } from './request-body.ts';

/** Throws an EngineError for a rank that is not there. */
export function checkRank(body: Body, ranks: number): void {
  const rank = body['routed_dp_rank'] ?? body['data_parallel_rank'] ?? 0;
  const isThere = typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 && rank < ranks;
  if (!isThere) throw new EngineError(`routed_dp_rank=${String(rank)} out of range [0, ${ranks})`);
}
