/** Bootstrap rooms: the numbers by which the prefill and the decode engine of a pair find each other. */
import type { Rng } from '../../base/core/rng.ts';
import type { WorkerRank } from '../../base/core/worker.ts';
import { LiveRooms } from './live-rooms.ts';

/**
 * An engine numbers the prompts of a batch room, room + 1, ... when it gets one number for all of them, so no two live rooms are
 * closer than this. More than any batch that is let through.
 */
const SPACING = 65_536;
/** 2^63 - 1 is the largest room: 31 bits above 32. */
const HIGH_MASK = 0x7fff_ffff;
const LOW_MASK = 0xffff_ffff;
const BILLION = 1_000_000_000;

/** A room while it is live; `digits` is what goes into the request. */
export interface Room {
  /** The number in decimal, 1 .. 2^63-1: too large for a double. */
  readonly digits: string;
  /** The number divided by SPACING, 0 .. 2^47-1, exact in a double. */
  readonly block: number;
}

/**
 * Draws rooms uniformly from 1 .. 2^63-1 and knows which of them are live. Room 0 makes a decode engine wait for ever (SGLang
 * 0.5.23, observed), and negative ones end the prefill engine, so neither exists here.
 *
 *   block = room / SPACING:   | 17      | 18      | 19      |
 *   live rooms:                    x              -    y        At most one in a block; a room in the next block must not be
 *                                                               closer than SPACING, so only three blocks are looked at.
 */
export class RoomSource {
  readonly #rng: Rng;
  readonly #live = new LiveRooms();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Number of rooms that are live. */
  get liveCount(): number {
    return this.#live.size;
  }

  /**
   * A room that is live until it is given back. `rank`: the data-parallel rank of the prefill worker, which the room divided by
   * the number of ranks then leaves as its remainder: that is where decode engines look that are not told (SGLang 0.5.23).
   */
  draw(rank: WorkerRank | null = null): Room {
    for (;;) {
      const high = this.#rng.nextUint32() & HIGH_MASK;
      const any = this.#rng.nextUint32();
      const low = rank === null ? any : any + stepsTo(high, any, rank);
      if (low > LOW_MASK) continue;
      const block = high * SPACING + (low >>> 16);
      const offset = low & (SPACING - 1);
      // Taken about once in 10^11 draws with ten thousand live rooms.
      if ((block === 0 && offset === 0) || this.#isTaken(block, offset)) continue;
      this.#live.add(block, offset);
      return { digits: roomDigits(high, low), block };
    }
  }

  /** The room may be drawn again. */
  giveBack(room: Room): void {
    this.#live.delete(room.block);
  }

  #isTaken(block: number, offset: number): boolean {
    const live = this.#live;
    if (live.size === 0) return false;
    if (live.offsetIn(block) >= 0 || live.offsetIn(block - 1) > offset) return true;
    const after = live.offsetIn(block + 1);
    return after >= 0 && after < offset;
  }
}

/** How far it is from `high * 2^32 + low` to the next number that leaves the rank's as its remainder. Exact: sizes are below 2^20. */
function stepsTo(high: number, low: number, { number, size }: WorkerRank): number {
  const remainder = ((high % size) * (2 ** 32 % size) + (low % size)) % size;
  return (number - remainder + size) % size;
}

/** `high * 2^32 + low` in decimal, without a BigInt; `high` below 2^31, `low` any 32 bits. */
export function roomDigits(high: number, low: number): string {
  // Long division by 10^9, 16 bits at a time, so that every step is exact in a double.
  const top = Math.floor(high / BILLION);
  const middle = (high % BILLION) * SPACING + (low >>> 16);
  const bottom = (middle % BILLION) * SPACING + (low & (SPACING - 1));
  const billions = top * 2 ** 32 + Math.floor(middle / BILLION) * SPACING + Math.floor(bottom / BILLION);
  const rest = String(bottom % BILLION);
  return billions === 0 ? rest : `${billions}${rest.padStart(9, '0')}`;
}
