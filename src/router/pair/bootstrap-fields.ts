/** The members that the router writes into the bodies of a pair's two legs: where the KV is fetched, and from which rank. */
import { FIELD } from './pair-fields.ts';
import type { Room } from './room.ts';

const bit = (name: keyof typeof FIELD) => 1 << FIELD[name];

/** Fields that a client never sets itself in a pair; a host of null for one ends the decode engine (SGLang 0.5.23, observed). */
export const BOOTSTRAP_MEMBERS: number = bit('bootstrap_host') | bit('bootstrap_port') | bit('bootstrap_room') | bit('bootstrap_pair_key');

/** Fields that the router sets as well where it chooses the data-parallel ranks. */
export const RANK_MEMBERS: number = bit('data_parallel_rank') | bit('routed_dp_rank') | bit('disagg_prefill_dp_rank');

/** The field that the router sets for clients that do not. */
export const RID_MEMBER: number = bit('rid');

/** What goes into bodies for one prefill worker; made once per worker. */
export class BootstrapFields {
  readonly #host: string;
  readonly #port: string;
  /** Everything in front of the number of a single room. */
  readonly #single: string;

  /** `host`: as in a URL, IPv6 in brackets. `port` null: the decode engine takes the port of its own bootstrap setting. */
  constructor(host: string, port: number | null) {
    this.#host = asciiJson(host);
    this.#port = String(port);
    this.#single = `"bootstrap_host":${this.#host},"bootstrap_port":${this.#port},"bootstrap_room":`;
  }

  /** The members of a request with one prompt. */
  single(room: Room): string {
    return this.#single + room.digits;
  }

  /** The members of a batch: lists as long as it, so that the engine does not number rooms itself. */
  batch(rooms: readonly Room[]): string {
    const hosts = new Array<string>(rooms.length).fill(this.#host).join(',');
    const ports = new Array<string>(rooms.length).fill(this.#port).join(',');
    const numbers = rooms.map((room) => room.digits).join(',');
    return `"bootstrap_host":[${hosts}],"bootstrap_port":[${ports}],"bootstrap_room":[${numbers}]`;
  }
}

/**
 * The rank that serves a leg, under both of the names that engines read (`data_parallel_rank` until it was renamed
 * `routed_dp_rank`); null: the engine chooses. The decode leg is also told on which rank of the prefill worker the KV lies.
 * Starts with a comma, to follow bootstrap members; '' when nothing is to be said.
 */
export function rankMembers(rank: number | null, prefillRank: number | null): string {
  const own = rank === null ? '' : `,"data_parallel_rank":${rank},"routed_dp_rank":${rank}`;
  return prefillRank === null ? own : `${own},"disagg_prefill_dp_rank":${prefillRank}`;
}

/** A JSON string in ASCII. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
