/** The table of live pairs: which prefill and decode worker share which room, how far they are, since when. */
import { type Linked, LinkedList } from '../../base/core/linked-list.ts';
import type { Worker } from '../../base/core/worker.ts';
import type { Room, RoomSource } from './room.ts';

/**
 *   open ──> bootstrap ── prefill has answered ──> transfer ── first byte of decode ──> decode ──> close
 *                 └───────────── first byte of decode (a prefill answer may come later) ─^
 *
 * `bootstrap`: both legs are sent, the engines look for each other and prefill computes. `transfer`: prefill has begun its
 * answer, which a real engine does only when decode has fetched the KV. `decode`: the KV has arrived; prefill may end or die.
 */
export type PairPhase = 'bootstrap' | 'transfer' | 'decode';

const ORDER: Readonly<Record<PairPhase, number>> = { bootstrap: 0, transfer: 1, decode: 2 };

/** A pair in the ledger. Live, and so its rooms, from `open` to `close`. */
export class LivePair implements Linked<LivePair> {
  /** One, or one for each prompt of a batch; none for an empty batch. */
  readonly rooms: readonly Room[];
  readonly prefill: Worker;
  readonly decode: Worker;
  /** On the Clock. */
  readonly startMs: number;
  /** When the phase began, on the Clock. */
  phaseMs: number;
  previous: LivePair | null = null;
  next: LivePair | null = null;
  isListed = false;
  #phase: PairPhase = 'bootstrap';

  constructor(rooms: readonly Room[], prefill: Worker, decode: Worker, startMs: number) {
    this.rooms = rooms;
    this.prefill = prefill;
    this.decode = decode;
    this.startMs = startMs;
    this.phaseMs = startMs;
  }

  get phase(): PairPhase {
    return this.#phase;
  }

  /** Goes on to a later phase; false, and nothing changes, if the pair is there already or further. */
  advance(phase: PairPhase, nowMs: number): boolean {
    if (ORDER[phase] <= ORDER[this.#phase]) return false;
    this.#phase = phase;
    this.phaseMs = nowMs;
    return true;
  }
}

export class PairLedger {
  readonly #rooms: RoomSource;
  readonly #maxRooms: number;
  readonly #pairs = new LinkedList<LivePair>();

  /** `maxRooms`: live rooms of all pairs together (a batch has many), which bounds pairs and memory. */
  constructor(rooms: RoomSource, maxRooms: number) {
    this.#rooms = rooms;
    this.#maxRooms = maxRooms;
  }

  /** Pairs that are live. */
  get size(): number {
    return this.#pairs.size;
  }

  /** Rooms that are live, of all pairs together. */
  get roomCount(): number {
    return this.#rooms.liveCount;
  }

  /** A new pair with `roomCount` fresh rooms; null when the ledger has no room for it. */
  open(roomCount: number, prefill: Worker, decode: Worker, nowMs: number): LivePair | null {
    // An empty batch takes a place as well: the number of pairs is bounded too.
    if (this.#pairs.size >= this.#maxRooms || this.#rooms.liveCount + roomCount > this.#maxRooms) return null;
    const rooms: Room[] = [];
    for (let i = 0; i < roomCount; i++) rooms.push(this.#rooms.draw(prefill.rank));
    const pair = new LivePair(rooms, prefill, decode, nowMs);
    this.#pairs.add(pair);
    return pair;
  }

  /** Ends a pair; its rooms may be drawn again. False, and nothing happens, if it has ended before. */
  close(pair: LivePair): boolean {
    if (!this.#pairs.delete(pair)) return false;
    for (const room of pair.rooms) this.#rooms.giveBack(room);
    return true;
  }

  /** At most `limit` live pairs, the oldest first. */
  list(limit: number): readonly LivePair[] {
    return this.#pairs.list(limit);
  }
}
