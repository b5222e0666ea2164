/** Where whole events end in a stream of server-sent events, for a relay that must not pass on half an event. */

const LF = 0x0a;
const CR = 0x0d;

/**
 * The state after the last byte seen. A boundary is a place where the stream could end without cutting an event: its
 * start, and after each blank line. A line ends with LF, CR LF or CR (Source: WHATWG HTML, 9.2.5).
 *
 *             other byte                    LF, CR                   LF, CR
 *   BOUNDARY ────────────> INSIDE_LINE ────────────> LINE_START ────────────> BOUNDARY
 *    ^     |                ^                           |
 *    └─────┘ LF, CR         └───────────────────────────┘ other byte
 *
 * The `_CR` states remember that the last byte was a CR: an LF that follows belongs to it and changes nothing.
 */
type State = 0 | 1 | 2 | 3 | 4;
const INSIDE_LINE: State = 0;
const LINE_START: State = 1;
const LINE_START_CR: State = 2;
const BOUNDARY: State = 3;
const BOUNDARY_CR: State = 4;

/** Follows one stream over arbitrary pieces. Keeps no bytes. Usually looks at the last two bytes of a piece. */
export class EventTail {
  #state: State = BOUNDARY;

  /** True when what was seen so far ends with a whole event (or nothing was seen yet). */
  get isAtBoundary(): boolean {
    return this.#state >= BOUNDARY;
  }

  /**
   * Takes the next piece, `buf[start..end)`, and answers the offset up to which it belongs to whole events: pass on what was
   * held back before and the bytes in front of the offset, hold back the rest. `start` when no event ends in this
   * piece: then all of it is to be held back.
   */
  push(buf: Buffer, start: number, end: number): number {
    if (end <= start) return start;
    let whole = end;
    while (whole > start && !this.#isBoundary(buf, start, whole)) whole--;
    const last = buf[end - 1];
    if (last === LF) this.#state = whole === end ? BOUNDARY : LINE_START;
    else if (last === CR) this.#state = whole === end ? BOUNDARY_CR : LINE_START_CR;
    else this.#state = INSIDE_LINE;
    return whole;
  }

  /** Back to the start of a stream. */
  reset(): void {
    this.#state = BOUNDARY;
  }

  /** Is the place after `buf[at - 1]` a boundary? `at` is above `start`; the state still is that before the piece. */
  #isBoundary(buf: Buffer, start: number, at: number): boolean {
    const last = buf[at - 1];
    if (last !== LF && last !== CR) return false;
    let lineEnd = at - 1;
    if (last === LF) {
      if (lineEnd > start) {
        if (buf[lineEnd - 1] === CR) lineEnd--;
      } else if (this.#state === LINE_START_CR || this.#state === BOUNDARY_CR) {
        return this.#state === BOUNDARY_CR;
      }
    }
    if (lineEnd === start) return this.#state !== INSIDE_LINE;
    const before = buf[lineEnd - 1];
    return before === LF || before === CR;
  }
}
