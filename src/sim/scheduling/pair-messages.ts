/** Error messages of a pair. Source: SGLang 0.5.23, srt/disaggregation; the recorded messages. */
import type { Generation } from './generation.ts';

/** Phases of a pair that can fail, as the engine names them. */
export type PairFailure = 'Prefill bootstrap' | 'Prefill transfer' | 'Decode handshake' | 'Decode transfer';

export const ABORTED = 'Aborted by AbortReq.';
export const UNKNOWN_REASON = 'Failed due to an unknown reason from another rank';

/** Message of a request whose pair failed in a phase, for a reason. */
export function pairFailure(phase: PairFailure, { spec }: Generation, reason: string): string {
  const room = spec.pair?.room ?? 'None';
  // Each half prints its own variable.
  const name = phase.startsWith('Decode') ? 'decode_req.req' : 'req';
  const request = `rank=0 ${name}.rid='${spec.rid}' ${name}.bootstrap_room=${room}`;
  return `${phase} failed for request ${request} with exception KVTransferError(bootstrap_room=${room}): ${reason}`;
}

/** The partner did not arrive in time. `state`: where the engine waited. */
export function timedOut(room: string, afterMs: number, state: 'Bootstrapping' | 'WaitingForInput'): string {
  return `Request ${room} timed out after ${(afterMs / 1000).toFixed(1)}s in KVPoll.${state}`;
}

/** A request reached a prefill rank that differs from the rank of its room, without a field that allows it. */
export function wrongRank(room: string, rank: number, implied: number): string {
  return (
    `follow_bootstrap_room conflict: dispatched to dp_rank ${rank} but bootstrap_room ${room} implies dp_rank ${implied}. ` +
    'Set SGLANG_DISAGGREGATION_FORCE_QUERY_PREFILL_DP_RANK=1 to allow mixed routing.'
  );
}

export function lostPrefill(address: string): string {
  return `Lost connection with prefill instance (bootstrap_addr: ${address})`;
}

export function lostDecode(session: string): string {
  return `Decode instance could be dead, remote mooncake session ${session} is not alive`;
}

export function noRoom(rid: string): string {
  return `Invalid request: Disaggregated request received without bootstrap room id. req.rid='${rid}'`;
}
