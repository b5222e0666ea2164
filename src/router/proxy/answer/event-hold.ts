/** The beginning of an event that waits for its end, so that a client never gets half of one. Of one event stream. */
import { EventTail } from '../../../wire/sse/event-tail.ts';

const LF = 10;
const CR = 13;
/** An event that is longer passes in pieces. */
const MAX_HELD_BYTES = 64 * 1024;
const NO_BYTES = Buffer.alloc(0);

export class EventHold {
  /** Part of an event has left without its end. */
  midEvent = false;
  /** Own copy of the beginning of an event. */
  #held: Buffer = NO_BYTES;
  #tail: EventTail | null = null;

  /** The common case, decided by a look at the last bytes: nothing is held, and buf[start, end) ends with an empty line. */
  endsWithEvent(buf: Buffer, start: number, end: number): boolean {
    if (this.midEvent || this.#held.length > 0 || end - start < 4 || buf[end - 1] !== LF) return false;
    return buf[end - 2] === LF || (buf[end - 2] === CR && buf[end - 3] === LF);
  }

  /** Where the last event ends that is whole with buf[start, end); at most `start`: none is. */
  wholeEnd(buf: Buffer, start: number, end: number): number {
    this.#tail ??= new EventTail();
    return this.#tail.push(buf, start, end);
  }

  /** Keeps a copy of the beginning of an event. False: it is too long to be held, or has begun to leave. */
  keep(buf: Buffer, start: number, end: number): boolean {
    if (this.midEvent || this.#held.length + (end - start) > MAX_HELD_BYTES) return false;
    const more = buf.subarray(start, end);
    this.#held = this.#held.length === 0 ? Buffer.from(more) : Buffer.concat([this.#held, more]);
    return true;
  }

  /** What was kept; nothing is held any more. */
  take(): Buffer {
    const held = this.#held;
    this.#held = NO_BYTES;
    return held;
  }
}
