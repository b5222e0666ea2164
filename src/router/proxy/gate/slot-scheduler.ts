/**
 * Decides who gets a slot next: classes of requests, each with its own queue, share a number of slots. Pure: no timer, no clock.
 *
 *   enter --a slot is free and nobody goes first--> open --release--> over
 *     |-----its queue has room--> waits --next--> open
 *     |                             |--nextLate--> late
 *     |                             '--leave (its client left)--> over
 *     '-----its queue is full--> full
 *
 * Rank 0 is the highest class. Three rules, in this order:
 *
 * 1. Within a class the first that came is the first that goes. Nobody passes a waiting request of its own class.
 * 2. A class keeps slots for itself (`reserved`). Those that it does not use are held back from lower classes, until the head of a lower
 *    queue has waited for its `starvationMs`.
 * 3. Of the heads that may have the slot, the one goes whose class is furthest below its share; equal ones go by rank. The share is that
 *    of the `weight`, among the classes that wait now: while all of them wait, a class gets weight / sum of weights of the slots
 *    (start-time fair queueing). A class that was idle has saved up nothing.
 *
 *   virtual time:   pass[rank] += 1 / weight for each slot given; the lowest pass goes next; an idle class comes back at the pass of the
 *                   slot that was given last
 */
import { type Linked, LinkedList } from '../../../base/core/linked-list.ts';
import type { TokenBucket } from './token-bucket.ts';

export interface ClassRules {
  /** Requests that may wait. */
  readonly queueSize: number;
  /** How long each of them may wait. */
  readonly queueTimeoutMs: number;
  /** After that time slots that are held back for higher classes are given to the head of the queue too. */
  readonly starvationMs: number;
  /** Above 0. */
  readonly weight: number;
}

/** A request that asks for a slot. */
export interface Entry<E> extends Linked<E> {
  /** Of its class. */
  readonly rank: number;
  /** When it came; set by the scheduler. */
  enteredMs: number;
  /** Its slot is one that higher classes keep for themselves: it has waited for `starvationMs`. Set by the scheduler. */
  isLent: boolean;
}

interface Line<E extends Entry<E>> {
  rules: ClassRules;
  readonly queue: LinkedList<E>;
  reserved: number;
  inUse: number;
  pass: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const NOBODY = -1;

export class SlotScheduler<E extends Entry<E>> {
  readonly #lines: readonly Line<E>[];
  /** Every slot costs a token besides; null: no limit on the rate. */
  #bucket: TokenBucket | null;
  #slots: number;
  #inUse = 0;
  /** The pass of the slot that was given last. */
  #virtual = 0;

  constructor(classes: readonly ClassRules[], slots: number, bucket: TokenBucket | null = null) {
    this.#lines = classes.map((rules) => ({ rules, queue: new LinkedList(), reserved: 0, inUse: 0, pass: 0 }));
    this.#slots = slots;
    this.#bucket = bucket;
  }

  /** Slots, whether they are in use or not. */
  get slots(): number {
    return this.#slots;
  }

  inUse(rank: number): number {
    return this.#lines[rank]!.inUse;
  }

  waiting(rank: number): number {
    return this.#lines[rank]!.queue.size;
  }

  /** `reserved`: slots kept for each class, all together at most `slots`. If fewer are left than are in use, nobody loses one. */
  resize(slots: number, reserved: readonly number[]): void {
    this.#slots = slots;
    for (const [rank, line] of this.#lines.entries()) line.reserved = reserved[rank] ?? 0;
  }

  /** Other rules for the same classes. Who waits keeps its place, even if the queue is shorter now. */
  setRules(classes: readonly ClassRules[], bucket: TokenBucket | null): void {
    for (const [rank, line] of this.#lines.entries()) line.rules = classes[rank] ?? line.rules;
    this.#bucket = bucket;
  }

  enter(entry: E, nowMs: number): 'open' | 'waits' | 'full' {
    const line = this.#lines[entry.rank]!;
    const { queue, rules } = line;
    entry.enteredMs = nowMs;
    entry.isLent = false;
    if (queue.size === 0) line.pass = Math.max(line.pass, this.#virtual);
    queue.add(entry);
    if (queue.first === entry && this.#choose(nowMs) === entry.rank) {
      this.#give(line, entry, nowMs);
      return 'open';
    }
    if (queue.size <= rules.queueSize) return 'waits';
    queue.delete(entry);
    return 'full';
  }

  /** Leaves the queue. False: it is in none. */
  leave(entry: E): boolean {
    return this.#lines[entry.rank]!.queue.delete(entry);
  }

  /** Gives the slot of an open entry back. */
  release(entry: E): void {
    this.#lines[entry.rank]!.inUse--;
    this.#inUse--;
  }

  /** Gives a slot to the entry whose turn it is; null: nobody can have one now. */
  next(nowMs: number): E | null {
    const rank = this.#choose(nowMs);
    if (rank === NOBODY) return null;
    const line = this.#lines[rank]!;
    const entry = line.queue.first;
    if (entry === null) return null;
    entry.isLent = this.#slots - this.#inUse <= this.#heldBack(rank);
    this.#give(line, entry, nowMs);
    return entry;
  }

  /** Takes one entry out of its queue whose time is over; null: none. */
  nextLate(nowMs: number): E | null {
    for (const { queue, rules } of this.#lines) {
      const head = queue.first;
      if (head === null || nowMs - head.enteredMs < rules.queueTimeoutMs) continue;
      queue.delete(head);
      return head;
    }
    return null;
  }

  /** When `next` or `nextLate` has something, if nothing else happens before. */
  dueMs(nowMs: number): number {
    const isFree = this.#slots > this.#inUse;
    const tokenMs = nowMs + (this.#bucket?.waitMs(nowMs) ?? 0);
    let dueMs = this.#choose(nowMs) === NOBODY ? NEVER : nowMs;
    for (const { queue, rules } of this.#lines) {
      const head = queue.first;
      if (head === null) continue;
      dueMs = Math.min(dueMs, head.enteredMs + rules.queueTimeoutMs);
      if (!isFree) continue;
      if (tokenMs > nowMs) dueMs = Math.min(dueMs, tokenMs);
      else dueMs = Math.min(dueMs, head.enteredMs + rules.starvationMs);
    }
    return Math.max(dueMs, nowMs);
  }

  /** The class whose head gets the next slot. */
  #choose(nowMs: number): number {
    const free = this.#slots - this.#inUse;
    if (free <= 0 || (this.#bucket !== null && this.#bucket.waitMs(nowMs) > 0)) return NOBODY;
    const lines = this.#lines;
    let best = NOBODY;
    for (let rank = 0; rank < lines.length; rank++) {
      const { queue, rules, pass } = lines[rank]!;
      const head = queue.first;
      if (head === null || (best !== NOBODY && pass >= lines[best]!.pass)) continue;
      if (free > this.#heldBack(rank) || nowMs - head.enteredMs >= rules.starvationMs) best = rank;
    }
    return best;
  }

  /** Slots that the classes above `rank` keep and do not use. */
  #heldBack(rank: number): number {
    let heldBack = 0;
    for (let higher = 0; higher < rank; higher++) {
      const { reserved, inUse } = this.#lines[higher]!;
      heldBack += Math.max(0, reserved - inUse);
    }
    return heldBack;
  }

  #give(line: Line<E>, entry: E, nowMs: number): void {
    line.queue.delete(entry);
    this.#bucket?.take(nowMs);
    this.#virtual = line.pass;
    line.pass += 1 / line.rules.weight;
    line.inUse++;
    this.#inUse++;
  }
}
