/** Finds where JSON strings end, in one buffer after another. The contents of strings are not judged. */
import { instantiateQuoteSearch, type QuoteSearch, SEARCH_BEHIND_BYTES } from './quote-search.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Keys and short words end within this many bytes; a loop over them is cheaper than a native search (about 14 ns per call). */
const NEAR_BYTES = 12;

/**
 * A native search runs at 50 to 100 GB/s but stops at every quote, and code in prompts has an escaped quote every 20 to 50 bytes.
 * So many of them within so few bytes, and the text is copied window by window to where vector instructions skip them
 * (15 GB/s, whatever the density; a native search is faster again above about 200 bytes per quote).
 */
const DENSE_QUOTES = 4;
const DENSE_BYTES = 512;
const WINDOW_BYTES = 32_768;
/** Below this the copy does not pay. */
const LEAST_WINDOW_BYTES = 512;

const EMPTY = Buffer.alloc(0);

/**
 *      from                                         windowEnd            end
 *   ───"│···················│════════════════════════════│···················│
 *        near, native search │ the same bytes in `memory`  native search again, until it meets dense quotes
 */
export class StringScanner {
  readonly #search: QuoteSearch | null;
  #buf: Buffer = EMPTY;
  #end = 0;
  /** Up to here the bytes are in memory; below any offset asked for while they are not. */
  #windowEnd = 0;
  /** Offset in the buffer minus offset in memory. */
  #shift = 0;

  /** `search` is for tests: null leaves the vector instructions out, as on machines that have none. */
  constructor(search: QuoteSearch | null = instantiateQuoteSearch()) {
    this.#search = search;
  }

  /** The strings to come lie in `buf` before `end`, are asked for in their order, and do not change until `close`. */
  open(buf: Buffer, end: number): void {
    this.#buf = buf;
    this.#end = end;
    this.#windowEnd = 0;
  }

  /** Lets go of the buffer. */
  close(): void {
    this.#buf = EMPTY;
  }

  /**
   * Index of the quote that closes the string whose contents start at `from`, right after its opening quote; or -1 if none
   * does before the end. A quote closes if an even number of backslashes stands before it. Looks at each byte a bounded
   * number of times, since a run of backslashes ends at the quote before it.
   */
  find(from: number): number {
    const buf = this.#buf;
    const near = Math.min(from + NEAR_BYTES, this.#end);
    let at = from;
    while (at < near) {
      const byte = buf[at]!;
      if (byte === QUOTE) return at;
      at += byte === BACKSLASH ? 2 : 1;
    }
    return at < this.#windowEnd ? this.#findInWindow(from, at) : this.#findNatively(from, at);
  }

  #findNatively(from: number, start: number): number {
    const buf = this.#buf;
    const end = this.#end;
    let at = start;
    let denseFrom = start;
    let quotes = 0;
    while (at < end) {
      const quote = buf.indexOf(QUOTE, at);
      if (quote < 0 || quote >= end) return -1;
      if (this.#closes(from, quote)) return quote;
      at = quote + 1;
      if (++quotes < DENSE_QUOTES) continue;
      if (at - denseFrom <= DENSE_BYTES && this.#moveWindow(at)) return this.#findInWindow(from, at);
      denseFrom = at;
      quotes = 0;
    }
    return -1;
  }

  #findInWindow(from: number, start: number): number {
    const search = this.#search!;
    const shift = this.#shift;
    const quote = search.find(start - shift, this.#windowEnd - shift) + shift;
    if (quote < this.#windowEnd) return quote;
    return this.#findNatively(from, this.#windowEnd);
  }

  /** Puts what follows the quote at `at - 1` into the window; that quote goes with it and ends every count of backslashes. False if that is not possible or does not pay. */
  #moveWindow(at: number): boolean {
    const search = this.#search;
    if (search === null || this.#end - at < LEAST_WINDOW_BYTES) return false;
    const from = at - SEARCH_BEHIND_BYTES;
    const to = Math.min(at + WINDOW_BYTES, this.#end);
    this.#buf.copy(search.memory, 0, from, to);
    this.#shift = from;
    this.#windowEnd = to;
    return true;
  }

  #closes(from: number, quote: number): boolean {
    const buf = this.#buf;
    let run = quote - 1;
    while (run >= from && buf[run] === BACKSLASH) run--;
    return ((quote - run) & 1) === 1;
  }
}
