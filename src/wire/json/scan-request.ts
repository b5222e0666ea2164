/**
 * Finds in the raw bytes of a request body what routing needs: model, stream, and where the prompt lies. Nothing is decoded
 * or built; a body of 60 KB costs a few microseconds.
 *
 * What is judged: structure, numbers and literals as by JSON.parse, white space after the document included. A byte order mark,
 * `NaN`, `Infinity` and `-Infinity` pass as well: Python's parsers take them. What is not: the contents of strings (escapes, control characters, UTF-8), which the engine
 * judges. So a document that JSON.parse accepts is always `ok` and read the same; one that it refuses can be `ok` here
 * only because of the contents of a string, and the fields found are then those that stand between the quotes.
 */
import { keyIs } from './key-match.ts';
import type { MemberRecord } from './member-record.ts';
import { MAX_PROMPT_FIELDS, type PromptFields } from './prompt-fields.ts';
import { type Expected, skipSpace, ValueSkipper } from './value-skipper.ts';

/**
 * `ok`: a whole document. `truncated`: right so far, but it goes on after the end of the buffer (for a body that is
 * complete this means: not valid). `invalid`: no continuation makes it right.
 */
export type ScanStatus = 'ok' | 'truncated' | 'invalid';

/** `other`: present, but neither a boolean nor null; the engine may still read it as one. */
export type StreamFlag = 'true' | 'false' | 'absent' | 'other';

const QUOTE = 0x22;
const COMMA = 0x2c;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const MODEL = Buffer.from('model', 'latin1');
const STREAM = Buffer.from('stream', 'latin1');

const ABSENT = -1;
const IS_MODEL = -1;
const IS_STREAM = -2;
const IS_ELSE = -3;

/** One scratch object for any number of bodies; every field holds until the next `scan`. */
export class RequestScan {
  status: ScanStatus = 'truncated';
  /** False when the document is no object: then nothing is found in it. */
  isObject = false;
  stream: StreamFlag = 'absent';
  /** Raw contents of the string `model` without its quotes, as offsets into the buffer; -1 when absent or no string. */
  modelStart: number = ABSENT;
  modelEnd: number = ABSENT;
  /**
   * Start,end pairs (offsets into the buffer, end exclusive) of the prompt, in prompt order: the contents of a string without
   * its quotes, anything else whole. A field that is null counts as absent. In a truncated document the last
   * value found may end at the end of the buffer.
   */
  readonly ranges: Int32Array = new Int32Array(2 * MAX_PROMPT_FIELDS);
  /** Number of pairs in `ranges`. */
  rangeCount = 0;
  /** When invalid: offset into the buffer, and what should have been there. */
  problemAt = 0;
  expected: Expected | null = null;

  readonly #skipper = new ValueSkipper();
  /** Start,end by index in `PromptFields.names`; ABSENT while not found. */
  readonly #found = new Int32Array(2 * MAX_PROMPT_FIELDS);

  /**
   * Scans `buf[start..end)`. Of fields that occur more than once the last counts, as in JSON.parse. A record is told of every
   * member of the outermost object.
   */
  scan(buf: Buffer, start: number, end: number, fields: PromptFields, record: MemberRecord | null = null): ScanStatus {
    this.isObject = false;
    this.stream = 'absent';
    this.modelStart = ABSENT;
    this.modelEnd = ABSENT;
    this.#found.fill(ABSENT);
    this.#skipper.open(buf, end);
    const first = skipSpace(buf, hasByteOrderMark(buf, start, end) ? start + 3 : start, end);
    this.isObject = first < end && buf[first] === BRACE_OPEN;
    record?.reset(this.isObject ? first + 1 : -1);
    let at = this.isObject ? this.#members(buf, first + 1, end, fields, record) : this.#skipper.skip(buf, first, end);
    if (at >= 0) {
      at = skipSpace(buf, at, end);
      if (at < end) at = this.#skipper.wrong('the end of the document', at);
    }
    this.#skipper.close();
    this.#collect(fields);
    this.expected = at < 0 ? this.#skipper.expected : null;
    this.problemAt = at < 0 ? this.#skipper.problemAt : 0;
    this.status = at >= 0 ? 'ok' : this.expected === null ? 'truncated' : 'invalid';
    return this.status;
  }

  /**
   * The model of the last scan as a string; null when there is none, or it holds an escape that is not valid.
   * `buf` is the buffer that was scanned.
   */
  decodeModel(buf: Buffer): string | null {
    if (this.modelStart === ABSENT) return null;
    const raw = buf.toString('utf8', this.modelStart, this.modelEnd);
    if (!raw.includes('\\')) return raw;
    try {
      return String(JSON.parse(`"${raw}"`));
    } catch {
      return null; // The engine gets the body and refuses it.
    }
  }

  /** From after the opening brace to after the closing one; -1 as the skipper. */
  #members(buf: Buffer, from: number, end: number, fields: PromptFields, record: MemberRecord | null): number {
    const skipper = this.#skipper;
    let comma = -1;
    let at = skipSpace(buf, from, end);
    if (at < end && buf[at] === BRACE_CLOSE) return at + 1;
    for (;;) {
      const key = skipSpace(buf, at, end) + 1;
      at = skipper.key(buf, at, end);
      if (at < 0) return -1;
      const keyEnd = endOfKey(buf, at);
      const field = this.#fieldOf(buf, key, keyEnd, fields);
      const value = skipSpace(buf, at, end);
      at = skipper.skip(buf, value, end);
      if (field !== IS_ELSE && (at >= 0 || skipper.expected === null)) this.#keep(buf, field, value, at, end);
      if (at < 0) return -1;
      record?.add(buf, comma, key, keyEnd, value, at);
      at = skipSpace(buf, at, end);
      if (at >= end) return skipper.cut(end);
      const byte = buf[at]!;
      if (byte === BRACE_CLOSE) return at + 1;
      if (byte !== COMMA) return skipper.wrong('a comma or a closing brace', at);
      comma = at++;
    }
  }

  /** Which field the raw key `key..to` is. */
  #fieldOf(buf: Buffer, key: number, to: number, fields: PromptFields): number {
    if (keyIs(buf, key, to, MODEL)) return IS_MODEL;
    if (keyIs(buf, key, to, STREAM)) return IS_STREAM;
    for (let i = 0; i < fields.names.length; i++) if (keyIs(buf, key, to, fields.names[i]!)) return i;
    return IS_ELSE;
  }

  /** Remembers a value; `to` is -1 when the buffer ended inside it. */
  #keep(buf: Buffer, field: number, from: number, to: number, end: number): void {
    const byte = from < end ? buf[from]! : 0;
    const isString = byte === QUOTE;
    if (field === IS_STREAM) {
      this.stream = to < 0 || byte === LOWER_N ? 'absent' : byte === LOWER_T ? 'true' : byte === LOWER_F ? 'false' : 'other';
    } else if (field === IS_MODEL) {
      // Half a name is no name: a truncated model counts as absent.
      this.modelStart = isString && to >= 0 ? from + 1 : ABSENT;
      this.modelEnd = isString && to >= 0 ? to - 1 : ABSENT;
    } else {
      const isThere = from < end && byte !== LOWER_N;
      this.#found[2 * field] = !isThere ? ABSENT : isString ? from + 1 : from;
      this.#found[2 * field + 1] = !isThere ? ABSENT : to < 0 ? end : isString ? to - 1 : to;
    }
  }

  #collect(fields: PromptFields): void {
    let count = 0;
    const found = this.#found;
    for (let i = 0; i < fields.names.length; i++) {
      if (found[2 * i] === ABSENT) continue;
      this.ranges[2 * count] = found[2 * i]!;
      this.ranges[2 * count + 1] = found[2 * i + 1]!;
      count++;
      if (fields.take === 'first') break;
    }
    this.rangeCount = count;
  }
}

function hasByteOrderMark(buf: Buffer, start: number, end: number): boolean {
  return end - start >= 3 && buf[start] === 0xef && buf[start + 1] === 0xbb && buf[start + 2] === 0xbf;
}

/** Index of the quote that ends a key, from the index after its colon. */
function endOfKey(buf: Buffer, afterColon: number): number {
  let to = afterColon - 2;
  while (buf[to] !== QUOTE) to--; // back over white space before the colon
  return to;
}

/** Says what is wrong with an invalid document, for the client's 400: `expected a colon at byte 17`. `start` as given to scan. */
export function describeProblem(scan: RequestScan, start: number): string {
  return scan.expected === null ? 'the document ends too early' : `expected ${scan.expected} at byte ${scan.problemAt - start}`;
}
