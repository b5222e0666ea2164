/**
 * Walks a chunked body read by read, finds where its payload lies and checks its framing strictly. It copies nothing: what it
 * reports are places in the buffer of the read.
 *
 *   SIZE_START --hex--> SIZE --CR--> SIZE_LF --LF--> DATA (size > 0) --> DATA_CR --CR--> DATA_LF --LF--> SIZE_START
 *                        | ;          ^        \
 *                        v            |         `---> TRAILER_START (size 0) --CR--> END_LF --LF--> DONE
 *                       EXTENSION --CR'                ^    | token
 *                                                      |    v
 *                                          TRAILER_LF -'   TRAILER_NAME --:--> TRAILER_VALUE --CR--> TRAILER_LF
 *
 * Every byte that has no arrow is BAD_CHUNK, and nothing leaves that state but reset().
 */
import { COLON, CR, FIELD_VALUE, HEX_VALUE, LF, LOWER_TOKEN, SEMICOLON } from './bytes.ts';
import { BAD_EXTENSION, mayEndExtension, NAME_START, nextExtensionState } from './chunk-extension.ts';
import { hashName, hashNameByte } from './field-names.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';

/** The bytes seen so far cannot become a valid chunked body, whatever follows. */
export const BAD_CHUNK = -2;

const SIZE_START = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER_NAME = 8;
const TRAILER_VALUE = 9;
const TRAILER_LF = 10;
const END_LF = 11;
const DONE = 12;
const BROKEN = 13;

const NOT_HEX = 255;
/** 15 digits stay exact in 60 bits everywhere; sizes beyond 2^53-1 are refused as well, because here they would not be exact. */
const MAX_SIZE_DIGITS = 15;
/** Of all extensions of one chunk, from the first `;` to the last byte before CRLF. */
export const MAX_EXTENSION_BYTES = 256;
const FIRST_PIECES = 16;
/**
 * Trailers must not speak about framing or the connection (RFC 9110 6.5.1): llhttp refuses or obeys some of these, and what two
 * parsers treat differently is refused. By hash alone: a collision refuses a trailer that nobody sends.
 */
const FORBIDDEN_TRAILERS: ReadonlySet<number> = new Set(
  ['content-length', 'transfer-encoding', 'connection', 'proxy-connection', 'upgrade'].map(hashName),
);
/** `0` CR LF CR LF. */
const PLAIN_TERMINATOR_BYTES = 5;

export class ChunkedFramer {
  /** Payload of the last feed: start, end of each piece in its buffer, in order. Only the first 2 * pieceCount entries are valid. */
  pieces: Int32Array = new Int32Array(2 * FIRST_PIECES);
  pieceCount = 0;
  /** Sum of the pieces of the last feed. */
  payloadBytes = 0;
  /** Chunks whose size line ended in the last feed; the last chunk (size 0) is not counted. */
  chunks = 0;
  /** The last feed had an extension; those concern one connection only (RFC 9112 7.1.1) and are not passed on. */
  private extended = false;
  private beganAtBoundary = true;
  /** Where the terminator begins in the buffer of the last feed; -1: it did not begin there. */
  terminatorStart = -1;
  /** The terminator lies wholly in the last feed and is exactly `0` CR LF CR LF. */
  plainTerminator = false;

  private state = SIZE_START;
  /** Of the chunk whose size line is read; then the payload bytes still to come. */
  private remaining = 0;
  private sizeDigits = 0;
  private extensionBytes = 0;
  private extensionState = NAME_START;
  private trailerBytes = 0;
  private trailerNameHash = 0;
  /** Where the current size line begins in the buffer of this feed; -1: in an earlier one. */
  private sizeLineStart = -1;

  /** Ready for the next body. */
  reset(): void {
    this.beginFeed();
    this.state = SIZE_START;
    this.remaining = 0;
    this.trailerBytes = 0;
  }

  /** The next byte begins a size line. */
  get atBoundary(): boolean {
    return this.state === SIZE_START;
  }

  /** The last chunk and the trailers have been read: the body is complete. */
  get done(): boolean {
    return this.state === DONE;
  }

  /**
   * The last feed began at a chunk boundary and ended at one (or at the end of the body, with a plain terminator), and had no
   * extensions: the bytes that it consumed can be passed on as they are, framing included.
   */
  get wholeChunks(): boolean {
    return this.beganAtBoundary && !this.extended && (this.state === SIZE_START || (this.state === DONE && this.plainTerminator));
  }

  /**
   * Walks buf[start, end) and returns where it stopped: `end`, or just past the body when `done`; BAD_CHUNK when the framing is
   * broken (what the fields say then is void). Must not be called again after `done` without reset().
   */
  feed(buf: Buffer, start: number, end: number): number {
    this.beginFeed();
    let at = start;
    while (at < end) {
      if (this.state === SIZE_START) {
        at = this.takeWholeChunks(buf, at, end);
        if (at === end) break;
      }
      at = this.step(buf, at, end);
      if (at < 0) {
        this.state = BROKEN;
        return BAD_CHUNK;
      }
      if (this.state === DONE) {
        this.plainTerminator = this.terminatorStart >= 0 && at - this.terminatorStart === PLAIN_TERMINATOR_BYTES;
        break;
      }
    }
    return at;
  }

  /**
   * Where the payload of the chunk begins that is all of buf[start, end), when no part of a chunk is open: it ends 2 bytes before
   * `end`. -1: ask feed(). Changes nothing, for a whole chunk ends where it began: before a size line.
   */
  wholeChunk(buf: Buffer, start: number, end: number): number {
    if (this.state !== SIZE_START) return -1;
    let size = 0;
    let at = start;
    for (let digit = HEX_VALUE[buf[at]!]!; digit !== NOT_HEX; digit = HEX_VALUE[buf[at]!]!) {
      size = size * 16 + digit;
      if (++at >= end) return -1;
    }
    if (size === 0 || at - start > MAX_SIZE_DIGITS || at + size + 4 !== end) return -1;
    return buf[at] === CR && buf[at + 1] === LF && buf[end - 2] === CR && buf[end - 1] === LF ? at + 2 : -1;
  }

  private beginFeed(): void {
    this.pieceCount = 0;
    this.payloadBytes = 0;
    this.chunks = 0;
    this.extended = false;
    this.beganAtBoundary = this.state === SIZE_START;
    this.terminatorStart = -1;
    this.plainTerminator = false;
    this.sizeLineStart = -1;
  }

  /** The usual case: chunks that lie in buf[at, end) as a whole. Returns where the first one begins that needs step(). */
  private takeWholeChunks(buf: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      let size = 0;
      let line = at;
      for (let digit = HEX_VALUE[buf[line]!]!; digit !== NOT_HEX; digit = HEX_VALUE[buf[line]!]!) {
        size = size * 16 + digit;
        line += 1;
        if (line === end) return at;
      }
      const data = line + 2;
      const stop = data + size;
      if (size === 0 || line - at > MAX_SIZE_DIGITS || stop + 2 > end) return at;
      if (buf[line] !== CR || buf[line + 1] !== LF || buf[stop] !== CR || buf[stop + 1] !== LF) return at;
      this.chunks += 1;
      this.addPiece(data, stop);
      at = stop + 2;
    }
    return at;
  }

  private addPiece(start: number, stop: number): void {
    const at = 2 * this.pieceCount;
    if (at === this.pieces.length) {
      // At most one piece per 6 bytes of a read, so the size of reads bounds this.
      const larger = new Int32Array(2 * at);
      larger.set(this.pieces);
      this.pieces = larger;
    }
    this.pieces[at] = start;
    this.pieces[at + 1] = stop;
    this.pieceCount += 1;
    this.payloadBytes += stop - start;
  }

  /** One byte (of DATA: all there is) through the state machine; returns the next index, or BAD_CHUNK. */
  private step(buf: Buffer, at: number, end: number): number {
    const byte = buf[at]!;
    switch (this.state) {
      case SIZE_START:
      case SIZE:
      case EXTENSION:
      case SIZE_LF:
        return this.stepSizeLine(byte, at);
      case DATA:
        return this.takeData(at, end);
      case DATA_CR:
        return this.expect(byte, CR, DATA_LF, at);
      case DATA_LF:
        return this.expect(byte, LF, SIZE_START, at);
      default:
        return this.stepTrailer(byte, at);
    }
  }

  private expect(byte: number, expected: number, next: number, at: number): number {
    if (byte !== expected) return BAD_CHUNK;
    this.state = next;
    return at + 1;
  }

  private takeData(at: number, end: number): number {
    const stop = end - at < this.remaining ? end : at + this.remaining;
    this.addPiece(at, stop);
    this.remaining -= stop - at;
    if (this.remaining === 0) this.state = DATA_CR;
    return stop;
  }

  private stepSizeLine(byte: number, at: number): number {
    if (this.state === SIZE_LF) return this.endSizeLine(byte, at);
    if (this.state === EXTENSION) return this.stepExtension(byte, at);
    const digit = HEX_VALUE[byte]!;
    if (this.state === SIZE_START) {
      if (digit === NOT_HEX) return BAD_CHUNK;
      this.sizeLineStart = at;
      this.sizeDigits = 1;
      this.remaining = digit;
      this.state = SIZE;
      return at + 1;
    }
    if (digit !== NOT_HEX) {
      this.sizeDigits += 1;
      this.remaining = this.remaining * 16 + digit;
      return this.sizeDigits > MAX_SIZE_DIGITS || this.remaining > Number.MAX_SAFE_INTEGER ? BAD_CHUNK : at + 1;
    }
    if (byte !== SEMICOLON) return this.expect(byte, CR, SIZE_LF, at);
    this.extended = true;
    this.extensionBytes = 1;
    this.extensionState = NAME_START;
    this.state = EXTENSION;
    return at + 1;
  }

  private stepExtension(byte: number, at: number): number {
    if (byte === CR) return mayEndExtension(this.extensionState) ? this.expect(byte, CR, SIZE_LF, at) : BAD_CHUNK;
    this.extensionBytes += 1;
    this.extensionState = nextExtensionState(this.extensionState, byte);
    return this.extensionState === BAD_EXTENSION || this.extensionBytes > MAX_EXTENSION_BYTES ? BAD_CHUNK : at + 1;
  }

  private endSizeLine(byte: number, at: number): number {
    if (byte !== LF) return BAD_CHUNK;
    if (this.remaining === 0) {
      this.terminatorStart = this.sizeLineStart;
      this.state = TRAILER_START;
    } else {
      this.chunks += 1;
      this.state = DATA;
    }
    return at + 1;
  }

  /** Trailers are checked like field lines, counted, and dropped. */
  private stepTrailer(byte: number, at: number): number {
    this.trailerBytes += 1;
    if (this.trailerBytes > MAX_HEAD_BYTES) return BAD_CHUNK;
    switch (this.state) {
      case TRAILER_START:
        if (byte === CR) return this.expect(byte, CR, END_LF, at);
        if (LOWER_TOKEN[byte] === 0) return BAD_CHUNK;
        this.trailerNameHash = hashNameByte(0, LOWER_TOKEN[byte]!);
        this.state = TRAILER_NAME;
        return at + 1;
      case TRAILER_NAME:
        return this.stepTrailerName(byte, at);
      case TRAILER_VALUE:
        if (FIELD_VALUE[byte] === 1) return at + 1;
        return this.expect(byte, CR, TRAILER_LF, at);
      case TRAILER_LF:
        return this.expect(byte, LF, TRAILER_START, at);
      case END_LF:
        return this.expect(byte, LF, DONE, at);
      default:
        // DONE or BROKEN: the caller did not stop.
        return BAD_CHUNK;
    }
  }

  private stepTrailerName(byte: number, at: number): number {
    const lower = LOWER_TOKEN[byte]!;
    if (lower !== 0) {
      this.trailerNameHash = hashNameByte(this.trailerNameHash, lower);
      return at + 1;
    }
    if (FORBIDDEN_TRAILERS.has(this.trailerNameHash)) return BAD_CHUNK;
    return this.expect(byte, COLON, TRAILER_VALUE, at);
  }
}
