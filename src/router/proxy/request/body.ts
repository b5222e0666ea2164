/**
 * The body of one request while the router holds it: whole up to the replay limit, so that it can be scanned and sent
 * again; beyond that only its beginning is held, and the rest streams through (exchange/single.ts).
 *
 *   buf:  | front | body ........ | free |       The upstream may write what its protocol needs into the front, once, so that
 *         0       start           end             head and body leave in one write without another copy.
 */
import type { BodyMemory } from './body-memory.ts';

/** What is held of a body when the memory of all bodies is used up. */
const LEAST_HELD_BYTES = 64 * 1024;

const EMPTY = Buffer.alloc(0);

export class RequestBody {
  buf: Buffer = EMPTY;
  start: number;
  end: number;
  /** Length from Content-Length, or -1 for a chunked body. */
  readonly declaredBytes: number;
  /** All of it has come. */
  complete = false;
  /** Part of it is gone to the worker without being held: it cannot be sent again. */
  streamed = false;
  readonly #memory: BodyMemory;
  /** Something has been written into the front, and may still be in the queue of a socket. */
  #isFrontTaken = false;
  #isAlias = false;
  #isAliased = false;

  constructor(declaredBytes: number, memory: BodyMemory) {
    this.declaredBytes = declaredBytes;
    this.#memory = memory;
    this.start = memory.frontBytes;
    this.end = memory.frontBytes;
  }

  get heldBytes(): number {
    return this.end - this.start;
  }

  /** Copies as many of the bytes as `limitBytes` allows; returns the offset of the first byte not taken. */
  hold(buf: Buffer, start: number, end: number, limitBytes: number): number {
    const room = this.#room(limitBytes);
    const take = Math.min(end - start, room - this.heldBytes);
    if (take <= 0) return start;
    if (this.end + take > this.buf.length) this.#grow(take, room);
    buf.copy(this.buf, this.end, start, start + take);
    this.end += take;
    return start + take;
  }

  /** Copies all of the bytes, whatever the limits: a body that streams and has no connection yet. The caller reads no further. */
  append(buf: Buffer, start: number, end: number): void {
    const more = end - start;
    // Room for a whole read at once: it may come in many small chunks.
    if (this.end + more > this.buf.length) this.#grow(Math.max(more, 65536), 0);
    buf.copy(this.buf, this.end, start, end);
    this.end += more;
  }

  /**
   * Where the next bytes of a body of known length can be read to directly, at most `bytes` of them; null when they
   * would not fit. Tell with `placed` how many came.
   */
  space(bytes: number, limitBytes: number): Buffer | null {
    if (this.declaredBytes < 0 || this.declaredBytes > this.#room(limitBytes)) return null;
    if (this.end + bytes > this.buf.length) this.#grow(bytes, limitBytes);
    return this.buf.subarray(this.end, this.end + bytes);
  }

  placed(bytes: number): void {
    this.end += bytes;
  }

  /** Where `bytes` of the protocol that end at the body can be written; -1: there is no room, or it was taken before. */
  takeFront(bytes: number): number {
    if (this.#isFrontTaken || bytes > this.start || this.buf.length < this.start) return -1;
    this.#isFrontTaken = true;
    return this.start - bytes;
  }

  /** Makes the body `bytes` long at once, whatever the limits; the caller writes them from `start` on. Of an empty body. */
  reserve(bytes: number): void {
    this.buf = this.#memory.take(this.start + bytes);
    this.end = this.start + bytes;
  }

  /** The same bytes for another request at the same time. Does not count as memory held; the front stays with this one. */
  alias(): RequestBody {
    const other = new RequestBody(this.declaredBytes, this.#memory);
    other.#isAlias = true;
    this.#isAliased = true;
    other.buf = this.buf;
    other.start = this.start;
    other.end = this.end;
    other.complete = this.complete;
    other.#isFrontTaken = true;
    return other;
  }

  /** Forgets the bytes. `isFree`: no socket has them in its queue any more. */
  release(isFree: boolean): void {
    if (this.buf !== EMPTY && !this.#isAlias) this.#memory.give(this.buf, isFree && !this.#isAliased);
    this.buf = EMPTY;
    this.start = this.#memory.frontBytes;
    this.end = this.start;
  }

  #room(limitBytes: number): number {
    return this.#memory.isShort ? Math.min(limitBytes, LEAST_HELD_BYTES) : limitBytes;
  }

  /** A declared length is believed up to the limit: pages that are never written cost no memory. */
  #grow(more: number, limitBytes: number): void {
    const need = this.heldBytes + more;
    const likely = this.declaredBytes >= 0 ? Math.min(this.declaredBytes, limitBytes) : Math.min(2 * need, limitBytes);
    const bigger = this.#memory.take(this.start + Math.max(need, likely));
    if (this.end > this.start) this.buf.copy(bigger, this.start, this.start, this.end);
    if (this.buf !== EMPTY) this.#memory.give(this.buf, true);
    this.buf = bigger;
  }
}
