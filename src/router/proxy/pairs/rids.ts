/**
 * The ids by which the engines of a pair know a request, for `/abort_request`: the client's own, or one that is put into the
 * body. Both legs have the same: they get the same bytes, and an id means something to its own engine only. Ours is made of the
 * room, so it is new with every try (an engine refuses an id that it still works on) and leads from the engine's log to the pair.
 */
import { type PairShape, SINGLE } from '../../pair/batch-shape.ts';
import type { Room } from '../../pair/room.ts';

/** Prompts of a batch that are aborted one by one; for the others the engine sees that the socket is closed. */
const MAX_ABORTED = 64;
/** Digits of the largest room. An engine aborts every request whose id begins like the one that is named, so all of ours have one length. */
const ROOM_DIGITS = 19;

export class PairRids {
  /** What goes into the body after other members: `,"rid":"pair-0000000000000000123"`; '' when the client has an id of its own. */
  readonly member: string;
  readonly #shape: PairShape;
  readonly #own: string;
  #all: readonly string[] | null = null;

  constructor(shape: PairShape, rooms: readonly Room[]) {
    const room = rooms[0];
    this.#shape = shape;
    this.#own = shape.rid !== null || room === undefined ? '' : `pair-${room.digits.padStart(ROOM_DIGITS, '0')}`;
    this.member = this.#own === '' ? '' : `,"rid":"${this.#own}"`;
  }

  /** The id is the client's own, who may come back with it. */
  get isClients(): boolean {
    return this.#shape.rid !== null;
  }

  /** Ids as the engine made them: it numbers the prompts of a batch. Source: SGLang, `_normalize_rid`. */
  get all(): readonly string[] {
    this.#all ??= this.#read();
    return this.#all;
  }

  #read(): readonly string[] {
    const { batch, rid } = this.#shape;
    const given: unknown = rid === null ? this.#own : parsed(rid);
    // An engine aborts every request whose id begins like the one that is named: an empty one would be all of them.
    if (Array.isArray(given)) return given.filter((one) => typeof one === 'string' && one !== '').slice(0, MAX_ABORTED);
    if (typeof given !== 'string' || given === '') return [];
    if (batch === SINGLE) return [given];
    return Array.from({ length: Math.min(batch, MAX_ABORTED) }, (_, i) => `${given}_${i}`);
  }
}

/** The header fields that go with an abort: who asks, and for which request. */
export function abortFields(fields: readonly string[]): readonly string[] {
  const out = ['content-type', 'application/json'];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name === 'authorization' || name === 'x-api-key' || name === 'x-request-id') out.push(name, fields[i + 1]!);
  }
  return out;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null; // Text that the scan does not judge; the engine will.
  }
}
