/** Data-parallel ranks: which one has a request. */
import { EngineError } from './engine-error.ts';
import type { Body } from './request-body.ts';

/** The rank that a request asks for; null when it asks for none. Throws an EngineError for one that is not there. */
export function readRank(body: Body, ranks: number): number | null {
  const rank = body['routed_dp_rank'] ?? body['data_parallel_rank'] ?? null;
  if (rank === null) return null;
  if (typeof rank === 'number' && Number.isInteger(rank) && rank >= 0 && rank < ranks) return rank;
  throw new EngineError(`routed_dp_rank=${String(rank)} out of range [0, ${ranks})`);
}

/** The rank of a prefill engine that a room belongs to when nobody says another. Source: SGLang, follow_bootstrap_room. */
export function rankOfRoom(room: string, ranks: number): number {
  const count = BigInt(ranks);
  return Number(((BigInt(room) % count) + count) % count);
}
