/** The fields that name the partners of one request's generations, and their meaning for each generation. */
import type { PairSpec } from '../scheduling/pair-spec.ts';

export interface PairFields {
  readonly hosts: unknown;
  readonly ports: unknown;
  /** Decimal digits; null: absent or null. */
  readonly rooms: string | null | readonly (string | null)[];
  readonly prefillRanks: unknown;
}

export const NO_PAIR: PairFields = { hosts: null, ports: null, rooms: null, prefillRanks: null };

/** The partner of generation `prompt` * `samples` + `sample`. A scalar room is numbered; a room of a list serves all samples of its prompt. */
export function pairSpec({ hosts, ports, rooms, prefillRanks }: PairFields, prompt: number, sample: number, samples: number): PairSpec {
  const host: unknown = Array.isArray(hosts) ? hosts[prompt] : hosts;
  const port: unknown = Array.isArray(ports) ? ports[prompt] : ports;
  const rank: unknown = Array.isArray(prefillRanks) ? prefillRanks[prompt] : prefillRanks;
  const room =
    typeof rooms === 'string' ? String(BigInt(rooms) + BigInt(prompt * samples + sample)) : rooms === null ? null : rooms[prompt];
  return {
    host: typeof host === 'string' ? host : null,
    port: typeof port === 'number' ? port : null,
    room: room ?? null,
    prefillRank: typeof rank === 'number' && Number.isInteger(rank) ? rank : null,
    isSampled: samples > 1,
    fault: null,
  };
}
