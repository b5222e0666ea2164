/** The data-parallel rank that a request body names. */
import { EngineError } from '../engine/engine-error.ts';
import type { Body } from './request-body.ts';

/** The rank that a request names; null if it names none. Throws an EngineError for a rank that does not exist. */
export function readRank(body: Body, ranks: number): number | null {
  const rank = body['routed_dp_rank'] ?? body['data_parallel_rank'] ?? null;
  if (rank === null) return null;
  if (typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 && rank < ranks) return rank;
  throw new EngineError(`routed_dp_rank=${String(rank)} out of range [0, ${ranks})`);
}
