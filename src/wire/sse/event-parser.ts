/** Parses a stream of server-sent events as a browser does, piece by piece. For observers, tests and clients; a relay needs only the tail. */

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

export interface SseEvent {
  /** `message` unless the event named another. */
  readonly type: string;
  /** The data lines, joined with LF. */
  readonly data: string;
  /** The last `id` that the stream has set, '' if none. */
  readonly lastEventId: string;
}

export interface EventSink {
  onEvent(event: SseEvent): void;
}

export const DEFAULT_MAX_EVENT_BYTES = 1 << 20;

/**
 * Source: WHATWG HTML, 9.2.5 and 9.2.6. Lines end with LF, CR LF or CR; a leading byte order mark is skipped; an event that the
 * stream does not finish with a blank line is never reported. Beyond the standard: an event of more than
 * `maxEventBytes` bytes (all its lines together) is left out and counted, so memory is bounded.
 */
export class EventParser {
  /** Events that were longer than allowed and therefore not reported. */
  droppedEvents = 0;
  /** What the last valid `retry` field said, in milliseconds; null if there was none. */
  retryMs: number | null = null;

  readonly #sink: EventSink;
  readonly #maxEventBytes: number;
  #isFirstLine = true;
  /** The last line ended with the CR that was the last byte of a piece: an LF at the start of the next belongs to it. */
  #skipLf = false;
  /** Start of a line whose end has not come yet. */
  #line: Buffer = Buffer.alloc(0);
  #lineBytes = 0;
  /** Bytes of the event so far, line ends not counted. */
  #eventBytes = 0;
  #isDropping = false;
  #type = '';
  #data = '';
  #hasData = false;
  #id = '';

  constructor(sink: EventSink, maxEventBytes: number = DEFAULT_MAX_EVENT_BYTES) {
    this.#sink = sink;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Takes the next piece, `piece[start..end)`; reports the events that end in it. Keeps no reference to it. */
  push(piece: Buffer, start = 0, end: number = piece.length): void {
    // A view of its own, so that no search runs on into what else a shared receive buffer holds.
    this.#take(start === 0 && end === piece.length ? piece : piece.subarray(start, end));
  }

  #take(buf: Buffer): void {
    const end = buf.length;
    let at = 0;
    if (this.#skipLf && at < end) {
      if (buf[at] === LF) at++;
      this.#skipLf = false;
    }
    // Most streams hold no CR: it is looked for once per piece, not once per line.
    let lf = find(buf, LF, at, end);
    let cr = find(buf, CR, at, end);
    while (lf < end || cr < end) {
      const lineEnd = Math.min(lf, cr);
      this.#endLine(buf, at, lineEnd);
      at = lineEnd + 1;
      if (lineEnd === cr) {
        if (at === end) this.#skipLf = true;
        else if (buf[at] === LF) at++;
        cr = find(buf, CR, at, end);
      }
      if (lf < at) lf = find(buf, LF, at, end);
    }
    this.#keep(buf, at, end);
  }

  /** Remembers a part of a line, unless its event has become too long. */
  #keep(buf: Buffer, from: number, to: number): void {
    const bytes = to - from;
    this.#lineBytes += bytes;
    this.#eventBytes += bytes;
    if (this.#eventBytes > this.#maxEventBytes) this.#isDropping = true;
    if (this.#isDropping || bytes === 0) return;
    if (this.#lineBytes > this.#line.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(256, this.#lineBytes * 2));
      this.#line.copy(larger, 0, 0, this.#lineBytes - bytes);
      this.#line = larger;
    }
    buf.copy(this.#line, this.#lineBytes - bytes, from, to);
  }

  /** A line ends at `to`; what it began with may lie in `#line`. */
  #endLine(buf: Buffer, from: number, to: number): void {
    if (this.#lineBytes > 0) {
      this.#keep(buf, from, to);
      const bytes = this.#lineBytes;
      this.#lineBytes = 0;
      this.#takeLine(this.#line, 0, bytes);
      return;
    }
    this.#eventBytes += to - from;
    if (this.#eventBytes > this.#maxEventBytes) this.#isDropping = true;
    this.#takeLine(buf, from, to);
  }

  #takeLine(line: Buffer, from: number, to: number): void {
    let at = from;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (!this.#isDropping && BYTE_ORDER_MARK.every((byte, i) => at + i < to && line[at + i] === byte)) at += BYTE_ORDER_MARK.length;
    }
    if (at === to) this.#endEvent();
    else if (!this.#isDropping && line[at] !== COLON) this.#takeField(line, at, to);
  }

  #takeField(line: Buffer, from: number, to: number): void {
    const colon = find(line, COLON, from, to);
    const name = line.toString('latin1', from, colon);
    const valueAt = colon + 1 < to && line[colon + 1] === SPACE ? colon + 2 : Math.min(colon + 1, to);
    switch (name) {
      case 'data': {
        const value = line.toString('utf8', valueAt, to);
        this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
        this.#hasData = true;
        return;
      }
      case 'event':
        this.#type = line.toString('utf8', valueAt, to);
        return;
      case 'id':
        if (find(line, 0, valueAt, to) === to) this.#id = line.toString('utf8', valueAt, to);
        return;
      case 'retry': {
        const digits = line.toString('latin1', valueAt, to);
        if (/^[0-9]{1,15}$/.test(digits)) this.retryMs = Number(digits);
      }
    }
  }

  #endEvent(): void {
    const type = this.#type || 'message';
    const data = this.#data;
    const isReported = this.#hasData && !this.#isDropping;
    if (this.#isDropping) this.droppedEvents++;
    this.#type = '';
    this.#data = '';
    this.#hasData = false;
    this.#isDropping = false;
    this.#eventBytes = 0;
    // Last, so that the parser is in order even if the sink throws.
    if (isReported) this.#sink.onEvent({ type, data, lastEventId: this.#id });
  }
}

/** Index of `byte` in `buf[from..to)`, or `to`. */
function find(buf: Buffer, byte: number, from: number, to: number): number {
  if (from >= to) return to;
  const at = buf.indexOf(byte, from);
  return at < 0 || at > to ? to : at;
}
