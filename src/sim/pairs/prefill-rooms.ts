/**
 * The rooms of a prefill engine: where its requests wait for their decode halves, and the link that transfers KV.
 *
 *                   decode arrives           computed              decode has the KV
 *   open: bootstrap ------------> (computed) --------> transfer ------------------> sent
 *           |   ^                    |                    |
 *   timeout |   | either order       | decode aborted     | decode gone
 *           v                        v                    v
 *        failed <--------------------+--------------------+
 *
 * A decode half that arrives first waits in the room. If it aborts, the requests of its room fail, or the next one that arrives. If
 * only its connection ends, the prefill half notices when it sends the KV.
 */
import type { TimerHandle } from '../../base/core/clock.ts';
import type { Engine, RoomStats } from '../engine/engine.ts';
import { rankOfRoom } from '../engine/rank-of-room.ts';
import type { Generation } from '../scheduling/generation.ts';
import type { KvHandOver, PairHalf } from '../scheduling/pair-half.ts';
import { lostDecode, type PairFailure, pairFailure, timedOut, UNKNOWN_REASON, wrongRank } from '../scheduling/pair-messages.ts';
import { FAKE_HOST } from '../scheduling/pair-spec.ts';
import { strikePair } from './pair-strike.ts';

/** A decode half, as the bootstrap server sees it. */
export interface DecodePartner {
  /** Name of its engine and request. */
  readonly id: string;
  /** Sends the KV and calls `written` when it is sent. */
  deliver(kv: KvHandOver, written: () => void): void;
  /** The room has failed. */
  refuse(reason: string): void;
}

interface Sender {
  readonly generation: Generation;
  /** Its decode half; null before it arrives and after it has left. */
  partner: DecodePartner | null;
  isMet: boolean;
  /** Its KV is being written to the partner. */
  isDelivering: boolean;
  timer: TimerHandle | null;
}

interface Room {
  readonly senders: Sender[];
  /** Decode halves whose prefill half has not arrived. */
  readonly waiting: DecodePartner[];
}

/** How long a room that failed before its prefill half arrived is remembered. Source: SGLang, BOOTSTRAP_ENTRY_CLEANUP_INTERVAL. */
const FAILED_ROOM_MS = 120_000;
const MOST_FAILED_ROOMS = 10_000;

export class PrefillRooms implements PairHalf {
  readonly mode = 'prefill';
  #transferMs = 0;
  #transferBytes = 0;
  readonly #engine: Engine;
  readonly #rooms = new Map<string, Room>();
  readonly #senders = new Map<Generation, Sender>();
  /** By room: until when it is remembered. */
  readonly #failed = new Map<string, number>();
  #lineFreeMs = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  stats(): RoomStats {
    let waitingPartners = 0;
    for (const room of this.#rooms.values()) waitingPartners += room.waiting.length;
    return { transferMs: this.#transferMs, transferBytes: this.#transferBytes, rooms: this.#rooms.size, waitingPartners };
  }

  open(generation: Generation): void {
    const sender: Sender = { generation, partner: null, isMet: false, isDelivering: false, timer: null };
    const id = place(generation);
    if (this.#hasFailed(id)) {
      this.#failed.delete(id);
      this.#fail(sender, 'Prefill bootstrap', UNKNOWN_REASON);
      return;
    }
    const { spec } = generation;
    const implied = rankOfRoom(spec.pair?.room ?? '0', this.#engine.options.dpSize);
    if (spec.rank !== implied && spec.pair?.prefillRank === null) {
      this.#fail(sender, 'Prefill bootstrap', wrongRank(spec.pair.room ?? '', spec.rank, implied));
      return;
    }
    const room = this.#room(id);
    room.senders.push(sender);
    this.#senders.set(generation, sender);
    const partner = generation.spec.pair?.host === FAKE_HOST ? NO_PARTNER : room.waiting.shift();
    if (partner !== undefined) {
      this.#meet(sender, partner);
      return;
    }
    const timeoutMs = this.#engine.options.disaggregationBootstrapTimeoutSecs * 1000;
    sender.timer = this.#engine.clock.after(timeoutMs, () =>
      this.#fail(sender, 'Prefill bootstrap', timedOut(generation.spec.pair?.room ?? '', timeoutMs, 'Bootstrapping')),
    );
  }

  send(generation: Generation, kv: KvHandOver): void {
    const { options, clock } = this.#engine;
    strikePair(this.#engine, generation, 'before-kv', () => {
      const bytes = generation.promptTokens * options.kvBytesPerToken;
      const ms = this.#engine.scaled(options.kvTransferLatencyMs + (bytes * 8) / (options.kvTransferGbitPerSec * 1e6));
      this.#lineFreeMs = Math.max(clock.nowMs(), this.#lineFreeMs) + ms;
      this.#transferMs = ms;
      this.#transferBytes = bytes;
      clock.after(this.#lineFreeMs - clock.nowMs(), () => this.#engine.link.send(() => this.#hand(generation, kv)));
    });
  }

  /** The transfer of the KV of `generation` has ended. */
  #hand(generation: Generation, kv: KvHandOver): void {
    const sender = this.#senders.get(generation);
    if (sender === undefined) return;
    if (sender.partner === null) {
      this.#fail(sender, 'Prefill transfer', lostDecode(place(generation)));
      return;
    }
    sender.isDelivering = true;
    sender.partner.deliver(kv, () => {
      sender.isDelivering = false;
      strikePair(this.#engine, generation, 'after-kv', () => this.#engine.tell(generation, (scheduler) => scheduler.sent(generation)));
    });
  }

  phaseOf({ stage }: Generation): PairFailure {
    return stage === 'transfer' ? 'Prefill transfer' : 'Prefill bootstrap';
  }

  drop(generation: Generation): void {
    const sender = this.#senders.get(generation);
    if (sender === undefined) return;
    this.#senders.delete(generation);
    sender.timer?.cancel();
    const id = place(generation);
    const room = this.#room(id);
    room.senders.splice(room.senders.indexOf(sender), 1);
    // If one request of a room fails, all fail; the decode half is not notified.
    if (generation.finish?.type === 'abort') this.#failAll(room);
    this.#tidy(id, room);
  }

  // ---------------------------------------------------------------- from decode

  /** A decode half asks for the KV of `id`. */
  attach(id: string, partner: DecodePartner): void {
    if (this.#hasFailed(id)) {
      partner.refuse(UNKNOWN_REASON);
      return;
    }
    const room = this.#room(id);
    const sender = room.senders.find((known) => !known.isMet);
    if (sender === undefined) room.waiting.push(partner);
    else this.#meet(sender, partner);
  }

  /** The connection of a decode half has ended without an abort. */
  detach(id: string, partner: DecodePartner): void {
    const room = this.#rooms.get(id);
    if (room === undefined) return;
    const at = room.waiting.indexOf(partner);
    if (at >= 0) room.waiting.splice(at, 1);
    for (const sender of [...room.senders]) {
      if (sender.partner !== partner) continue;
      sender.partner = null;
      if (sender.isDelivering) this.#fail(sender, 'Prefill transfer', lostDecode(partner.id));
    }
    this.#tidy(id, room);
  }

  /** A decode half has aborted. */
  abort(id: string, partnerId: string): void {
    const room = this.#room(id);
    const at = room.waiting.findIndex((partner) => partner.id === partnerId);
    if (at >= 0) room.waiting.splice(at, 1);
    if (room.senders.length > 0) this.#failAll(room);
    else {
      this.#failed.delete(id);
      this.#failed.set(id, this.#engine.clock.nowMs() + FAILED_ROOM_MS);
      if (this.#failed.size > MOST_FAILED_ROOMS) this.#failed.delete([...this.#failed.keys()][0]!);
    }
    this.#tidy(id, room);
  }

  // ----------------------------------------------------------------

  #meet(sender: Sender, partner: DecodePartner): void {
    sender.timer?.cancel();
    sender.partner = partner;
    sender.isMet = true;
    this.#engine.tell(sender.generation, (scheduler) => scheduler.partnerArrived(sender.generation));
  }

  #failAll(room: Room): void {
    for (const sender of [...room.senders]) this.#fail(sender, sender.isMet ? 'Prefill transfer' : 'Prefill bootstrap', UNKNOWN_REASON);
  }

  /** Ends the request with 500; `drop` follows. */
  #fail({ generation }: Sender, phase: PairFailure, reason: string): void {
    const message = pairFailure(phase, generation, reason);
    this.#engine.log(message);
    this.#engine.tell(generation, (scheduler) => scheduler.abort(generation, message, 500));
  }

  #hasFailed(id: string): boolean {
    const until = this.#failed.get(id);
    if (until === undefined) return false;
    if (until > this.#engine.clock.nowMs()) return true;
    this.#failed.delete(id);
    return false;
  }

  #room(id: string): Room {
    let room = this.#rooms.get(id);
    if (room === undefined) {
      room = { senders: [], waiting: [] };
      this.#rooms.set(id, room);
    }
    return room;
  }

  #tidy(id: string, room: Room): void {
    if (room.senders.length === 0 && room.waiting.length === 0 && this.#rooms.get(id) === room) this.#rooms.delete(id);
  }
}

const NO_PARTNER: DecodePartner = { id: 'no partner', deliver: (_kv, written) => written(), refuse: () => {} };

/** Name of a room on a data-parallel rank: halves that name different ranks do not find each other. */
export function placeOf(room: string, rank: number): string {
  return `${room}@${rank}`;
}

function place({ spec }: Generation): string {
  return placeOf(spec.pair?.room ?? '', spec.rank);
}
