/** Cuts a stream of server-sent events into lines, whatever the pieces it comes in. For who changes data and passes on the rest. */
import { HeldBytes } from './held-bytes.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const DATA = Buffer.from('data', 'latin1');

export interface LineSink {
  /** The line is `buf[from..to)`, its end `buf[to..next)`: LF, CR, or nothing at the end of the stream. Valid only during the call. */
  onLine(buf: Buffer, from: number, to: number, next: number): void;
}

/** Together the lines are all bytes of the stream. CR LF comes as a line that ends with CR and an empty one that ends with LF. */
export class EventLines {
  readonly #sink: LineSink;
  readonly #maxLineBytes: number;
  /** Start of a line whose end has not come yet. */
  readonly #held = new HeldBytes();

  constructor(sink: LineSink, maxLineBytes: number) {
    this.#sink = sink;
    this.#maxLineBytes = maxLineBytes;
  }

  /** Takes `piece[start..end)`, reports the lines that end in it; false if a line is longer than allowed: then nothing more may come. */
  push(piece: Buffer, start: number, end: number): boolean {
    // A view of its own, so that no search runs on into what else a shared receive buffer holds.
    const buf = start === 0 && end === piece.length ? piece : piece.subarray(start, end);
    let at = 0;
    let lf = find(buf, LF, 0);
    let cr = find(buf, CR, 0);
    while (lf < buf.length || cr < buf.length) {
      const to = Math.min(lf, cr);
      if (!this.#line(buf, at, to)) return false;
      at = to + 1;
      if (to === cr) cr = find(buf, CR, at);
      else lf = find(buf, LF, at);
    }
    return at === buf.length || this.#held.push(buf, at, buf.length, this.#maxLineBytes);
  }

  /** Reports what came after the last line end. */
  end(): void {
    const rest = this.#held.take();
    if (rest.length > 0) this.#sink.onLine(rest, 0, rest.length, rest.length);
  }

  #line(buf: Buffer, from: number, to: number): boolean {
    if (this.#held.length === 0) {
      if (to - from > this.#maxLineBytes) return false;
      this.#sink.onLine(buf, from, to, to + 1);
      return true;
    }
    if (!this.#held.push(buf, from, to + 1, this.#maxLineBytes + 1)) return false;
    const line = this.#held.take();
    this.#sink.onLine(line, 0, line.length - 1, line.length);
    return true;
  }
}

/** Where the value of a `data` field starts in the line `buf[from..to)`, after one space if there is one; -1: no such field. */
export function dataStart(buf: Buffer, from: number, to: number): number {
  const colon = from + DATA.length;
  if (colon >= to || buf[colon] !== COLON) return -1;
  for (let i = 0; i < DATA.length; i++) if (buf[from + i] !== DATA[i]) return -1;
  return colon + 1 < to && buf[colon + 1] === SPACE ? colon + 2 : colon + 1;
}

function find(buf: Buffer, byte: number, from: number): number {
  const at = buf.indexOf(byte, from);
  return at < 0 ? buf.length : at;
}
