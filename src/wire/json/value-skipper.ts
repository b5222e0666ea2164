/**
 * Walks over one JSON value in a buffer without building anything, and checks the grammar on the way: structure, numbers
 * and literals exactly as JSON.parse, string contents not at all. `NaN`, `Infinity` and `-Infinity` are values as well: Python writes
 * and reads them. No recursion.
 */
import { StringScanner } from './string-scanner.ts';

/** What should have stood where the document is wrong; a closed set, in words for a message. */
export type Expected =
  | 'a value'
  | 'a key in quotes'
  | 'a colon'
  | 'a comma or a closing brace'
  | 'a comma or a closing bracket'
  | 'a digit'
  | 'true, false or null'
  | 'less nesting'
  | 'the end of the document';

/**
 * Arrays and objects inside each other. JSON.parse knows no limit, the engines' parsers stop at about a thousand; the limit
 * bounds the memory that a hostile body can claim (one byte per level).
 */
export const MAX_DEPTH = 131_072;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const UPPER_I = 0x49;
const UPPER_N = 0x4e;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const ARRAY = 0;
const OBJECT = 1;

const TRUE = Buffer.from('true', 'latin1');
const FALSE = Buffer.from('false', 'latin1');
const NULL = Buffer.from('null', 'latin1');
const NAN = Buffer.from('NaN', 'latin1');
const INFINITY = Buffer.from('Infinity', 'latin1');

/** Index of the first byte at or after `at` that is not JSON white space, at most `end`. */
export function skipSpace(buf: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end) {
    const byte = buf[i]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return i;
    i++;
  }
  return i;
}

/**
 * In an array, at an element that starts with 1 to 9: walks over elements that are plain integers, to the start of the last
 * one or of the first that is something else. Lists of token ids are long; this reads them two to three times as fast.
 */
function skipIntegers(buf: Buffer, from: number, end: number): number {
  let element = from;
  let at = from + 1;
  for (;;) {
    while (at < end && buf[at]! >= ZERO && buf[at]! <= NINE) at++;
    if (at >= end || buf[at] !== COMMA) return element;
    at++;
    if (at < end && buf[at] === 0x20) at++;
    if (at >= end || buf[at]! <= ZERO || buf[at]! > NINE) return element;
    element = at;
    at++;
  }
}

/**
 * Every method takes an index and answers the index after what it walked over, or -1; then `expected` says what is missing at
 * `problemAt`, and null stands for "the buffer ended first".
 *
 *            ┌────────────── , ──────────────┐
 *            v                               |
 *   ──> value expected ── scalar, [], {} ──> value ended ── ] or } ──> value ended one level up
 *            |  ^  ^                                                     └─ outermost: done
 *            [  └──┘        { and , in an object: key, colon, then value expected
 */
export class ValueSkipper {
  expected: Expected | null = null;
  problemAt = 0;
  /** ARRAY or OBJECT per open container; grows up to MAX_DEPTH. */
  #kinds = new Uint8Array(256);
  readonly #strings: StringScanner;

  constructor(strings: StringScanner = new StringScanner()) {
    this.#strings = strings;
  }

  /** To be called before a document is walked over: it lies in `buf` and ends at `end`. */
  open(buf: Buffer, end: number): void {
    this.#strings.open(buf, end);
  }

  /** Lets go of the document. */
  close(): void {
    this.#strings.close();
  }

  /** Walks over one value with white space before it. */
  skip(buf: Buffer, from: number, end: number): number {
    let at = from;
    let depth = 0;
    for (;;) {
      at = skipSpace(buf, at, end);
      if (at >= end) return this.cut(end);
      let byte = buf[at]!;
      if (byte > ZERO && byte <= NINE && depth > 0 && this.#kinds[depth - 1] === ARRAY) {
        at = skipIntegers(buf, at, end);
        byte = buf[at]!;
      }
      if (byte === QUOTE) {
        at = this.#strings.find(at + 1) + 1;
        if (at === 0) return this.cut(end);
      } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
        at = skipSpace(buf, at + 1, end);
        if (at < end && buf[at] === byte + 2) {
          at++; // empty: in ASCII a closing brace or bracket comes two after the opening one
        } else {
          if (depth === this.#kinds.length && !this.#deepen()) return this.wrong('less nesting', at);
          this.#kinds[depth++] = byte === BRACE_OPEN ? OBJECT : ARRAY;
          if (byte === BRACE_OPEN) {
            at = this.key(buf, at, end);
            if (at < 0) return -1;
          }
          continue;
        }
      } else {
        at = this.#scalar(buf, at, end, byte);
        if (at < 0) return -1;
      }
      for (;;) {
        if (depth === 0) return at;
        at = skipSpace(buf, at, end);
        if (at >= end) return this.cut(end);
        const next = buf[at]!;
        if (this.#kinds[depth - 1] === OBJECT) {
          if (next === COMMA) {
            at = this.key(buf, at + 1, end);
            if (at < 0) return -1;
            break;
          }
          if (next !== BRACE_CLOSE) return this.wrong('a comma or a closing brace', at);
        } else {
          if (next === COMMA) {
            at++;
            break;
          }
          if (next !== BRACKET_CLOSE) return this.wrong('a comma or a closing bracket', at);
        }
        depth--;
        at++;
      }
    }
  }

  /** Walks over a key and its colon, with white space before each. */
  key(buf: Buffer, from: number, end: number): number {
    let at = skipSpace(buf, from, end);
    if (at >= end) return this.cut(end);
    if (buf[at] !== QUOTE) return this.wrong('a key in quotes', at);
    at = this.#strings.find(at + 1);
    return at < 0 ? this.cut(end) : this.colon(buf, at + 1, end);
  }

  colon(buf: Buffer, from: number, end: number): number {
    const at = skipSpace(buf, from, end);
    if (at >= end) return this.cut(end);
    return buf[at] === COLON ? at + 1 : this.wrong('a colon', at);
  }

  /** Notes that the buffer ended inside the document. */
  cut(end: number): -1 {
    this.expected = null;
    this.problemAt = end;
    return -1;
  }

  /** Notes what is missing where. */
  wrong(expected: Expected, at: number): -1 {
    this.expected = expected;
    this.problemAt = at;
    return -1;
  }

  #deepen(): boolean {
    if (this.#kinds.length >= MAX_DEPTH) return false;
    const kinds = new Uint8Array(this.#kinds.length * 2);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    return true;
  }

  #scalar(buf: Buffer, at: number, end: number, byte: number): number {
    if (byte === LOWER_T) return this.#literal(buf, at, end, TRUE);
    if (byte === LOWER_F) return this.#literal(buf, at, end, FALSE);
    if (byte === LOWER_N) return this.#literal(buf, at, end, NULL);
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return this.#number(buf, at, end);
    if (byte === UPPER_N) return this.#literal(buf, at, end, NAN, 'a value');
    if (byte === UPPER_I) return this.#literal(buf, at, end, INFINITY, 'a value');
    return this.wrong('a value', at);
  }

  #literal(buf: Buffer, from: number, end: number, word: Buffer, expected: Expected = 'true, false or null'): number {
    for (let i = 1; i < word.length; i++) {
      if (from + i >= end) return this.cut(end);
      if (buf[from + i] !== word[i]) return this.wrong(expected, from);
    }
    return from + word.length;
  }

  /** -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
  #number(buf: Buffer, from: number, end: number): number {
    let at = buf[from] === MINUS ? from + 1 : from;
    if (at > from && at < end && buf[at] === UPPER_I) return this.#literal(buf, at, end, INFINITY, 'a digit');
    if (at < end && buf[at] === ZERO) at++;
    else {
      at = this.#digits(buf, at, end);
      if (at < 0) return -1;
    }
    if (at < end && buf[at] === DOT) {
      at = this.#digits(buf, at + 1, end);
      if (at < 0) return -1;
    }
    if (at < end && (buf[at]! | 0x20) === 0x65) {
      at++;
      if (at < end && (buf[at] === MINUS || buf[at] === 0x2b)) at++;
      at = this.#digits(buf, at, end);
    }
    return at;
  }

  /** One digit or more. */
  #digits(buf: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && buf[at]! >= ZERO && buf[at]! <= NINE) at++;
    if (at > from) return at;
    return at >= end ? this.cut(end) : this.wrong('a digit', at);
  }
}
