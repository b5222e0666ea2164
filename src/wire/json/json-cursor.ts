/** Goes forward through a JSON document and into the values that matter, looking at each byte once and building nothing. */
import type { FieldNames } from './field-names.ts';
import { keyIs } from './key-match.ts';
import { skipSpace, ValueSkipper } from './value-skipper.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const EMPTY = Buffer.alloc(0);

/**
 * Every method answers false where the document is not what it expects, cut or wrong; the caller then stops. Commas and the ends
 * of containers are not checked closely: this is for documents that have been scanned, or that an engine wrote.
 * One cursor serves any number of documents, one after the other.
 *
 *     if (cursor.enterObject()) while (cursor.nextKey()) if (cursor.keyReads(NAME)) ...; else if (!cursor.skip()) break;
 *
 * After `nextKey` and `nextElement` the cursor stands at a value, which is to be skipped or entered.
 */
export class JsonCursor {
  /** Offset into the buffer. */
  at = 0;
  /** The raw key that `nextKey` found, without its quotes. */
  keyStart = 0;
  keyEnd = 0;
  readonly #skipper = new ValueSkipper();
  #buf: Buffer = EMPTY;
  #end = 0;

  /** Begins at `buf[from..end)`, which does not change until `close`. */
  open(buf: Buffer, from: number, end: number): void {
    this.#skipper.open(buf, end);
    this.#buf = buf;
    this.#end = end;
    this.at = skipSpace(buf, from, end);
  }

  /** Lets go of the document. */
  close(): void {
    this.#skipper.close();
    this.#buf = EMPTY;
  }

  /** First byte of the value at which the cursor stands; 0 at the end of the document. */
  get byte(): number {
    return this.at < this.#end ? this.#buf[this.at]! : 0;
  }

  enterObject(): boolean {
    return this.#enter(BRACE_OPEN);
  }

  enterArray(): boolean {
    return this.#enter(BRACKET_OPEN);
  }

  /** To the value of the next member; false after the last, with the cursor behind the object. */
  nextKey(): boolean {
    const byte = this.#nextIn(BRACE_CLOSE);
    if (byte !== QUOTE) return false;
    const afterColon = this.#skipper.key(this.#buf, this.at, this.#end);
    if (afterColon < 0) return false;
    this.keyStart = this.at + 1;
    this.keyEnd = afterColon - 2;
    while (this.#buf[this.keyEnd] !== QUOTE) this.keyEnd--; // back over white space before the colon
    this.at = skipSpace(this.#buf, afterColon, this.#end);
    return true;
  }

  /** To the next element; false after the last, with the cursor behind the array. */
  nextElement(): boolean {
    return this.#nextIn(BRACKET_CLOSE) !== 0;
  }

  /** Walks over the value. */
  skip(): boolean {
    const end = this.#skipper.skip(this.#buf, this.at, this.#end);
    if (end < 0) return false;
    this.at = end;
    return true;
  }

  /** Does the key read `name`, with escapes or without? */
  keyReads(name: Buffer): boolean {
    return keyIs(this.#buf, this.keyStart, this.keyEnd, name);
  }

  /** Which of the names the key is, or NO_FIELD. */
  keyIn(names: FieldNames): number {
    return names.find(this.#buf, this.keyStart, this.keyEnd);
  }

  #enter(open: number): boolean {
    if (this.byte !== open) return false;
    this.at++;
    return true;
  }

  /** The byte after white space and a comma; 0 at the end of the container, which is walked over, and at the end of the document. */
  #nextIn(close: number): number {
    this.at = skipSpace(this.#buf, this.at, this.#end);
    if (this.byte === COMMA) this.at = skipSpace(this.#buf, this.at + 1, this.#end);
    const { byte } = this;
    if (byte !== close) return byte;
    this.at++;
    return 0;
  }
}
