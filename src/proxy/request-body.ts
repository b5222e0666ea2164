/**
 * The body of one request while the router holds it: whole up to the replay limit, so that it can be scanned and sent
 * again; beyond that only its beginning is held, and the rest streams through (see exchange.ts).
 *
 *   buf:  | headroom | body ........ | free |       The headroom takes the head of the worker's request, so that
 *         0          HEADROOM        end             head and body leave in one write without another copy.
 */

/** Room in front of the body for a request head. Measured: heads of OpenAI clients come out at 150-400 bytes. */
export const HEADROOM = 1024;

const EMPTY = Buffer.alloc(0);

/** Bytes held by all bodies together; beyond the limit bodies are held less and streamed sooner. */
export class BodyBudget {
  readonly limitBytes: number;
  heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }
}

export class RequestBody {
  buf: Buffer = EMPTY;
  start: number = HEADROOM;
  end: number = HEADROOM;
  /** Length from Content-Length, or -1 for a chunked body. */
  readonly declaredBytes: number;
  /** All of it has come. */
  complete = false;
  /** Part of it is gone to the worker without being held: it cannot be sent again. */
  streamed = false;
  readonly #budget: BodyBudget;
  #accounted = 0;

  constructor(declaredBytes: number, budget: BodyBudget) {
    this.declaredBytes = declaredBytes;
    this.#budget = budget;
  }

  get heldBytes(): number {
    return this.end - this.start;
  }

  /** Copies as many of the bytes as `limitBytes` allows; returns the offset of the first byte not taken. */
  hold(buf: Buffer, start: number, end: number, limitBytes: number): number {
    const room = this.#budget.heldBytes < this.#budget.limitBytes ? limitBytes : Math.min(limitBytes, 65536);
    const take = Math.min(end - start, room - this.heldBytes);
    if (take <= 0) return start;
    if (this.end + take > this.buf.length) this.#grow(take, room);
    buf.copy(this.buf, this.end, start, start + take);
    this.end += take;
    return start + take;
  }

  /** Forgets the bytes. The buffer may still be in a socket's queue, so it is not reused. */
  release(): void {
    this.#budget.heldBytes -= this.#accounted;
    this.#accounted = 0;
    this.buf = EMPTY;
    this.start = HEADROOM;
    this.end = HEADROOM;
  }

  /** A declared length is believed up to the limit: pages that are never written cost no memory. */
  #grow(more: number, limitBytes: number): void {
    const need = this.heldBytes + more;
    const known = this.declaredBytes >= 0 ? Math.min(this.declaredBytes, limitBytes) : 0;
    const size = HEADROOM + Math.max(need, known, this.declaredBytes < 0 ? Math.min(limitBytes, 2 * need) : 0);
    const bigger = Buffer.allocUnsafe(size);
    if (this.end > this.start) this.buf.copy(bigger, this.start, this.start, this.end);
    this.buf = bigger;
    this.#budget.heldBytes += size - this.#accounted;
    this.#accounted = size;
  }
}
