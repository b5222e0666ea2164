/** Walks over the members of one object inside a document that has been scanned. */
import { keyIs } from './key-match.ts';
import { skipSpace, ValueSkipper } from './value-skipper.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;

/**
 * Usage: `open`, then `next` until it answers false. Every offset is into the buffer, and holds until the next call. One walk
 * serves any number of objects, one after the other.
 */
export class MemberWalk {
  /** The raw key without its quotes. */
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #skipper = new ValueSkipper();
  #buf: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #first = true;

  /** `buf[from..end)` begins with a value; false if that is no object. */
  open(buf: Buffer, from: number, end: number): boolean {
    const at = skipSpace(buf, from, end);
    if (at >= end || buf[at] !== BRACE_OPEN) return false;
    this.#skipper.open(buf, end);
    this.#buf = buf;
    this.#at = at + 1;
    this.#end = end;
    this.#first = true;
    return true;
  }

  /** Goes to the next member; false at the end of the object, and where it stops being JSON. */
  next(): boolean {
    const buf = this.#buf;
    const end = this.#end;
    let at = skipSpace(buf, this.#at, end);
    if (at >= end) return this.#close();
    if (this.#first) this.#first = false;
    else if (buf[at] === COMMA) at = skipSpace(buf, at + 1, end);
    else return this.#close();
    if (at >= end || buf[at] !== QUOTE) return this.#close();
    const afterColon = this.#skipper.key(buf, at, end);
    if (afterColon < 0) return this.#close();
    this.keyStart = at + 1;
    this.keyEnd = afterColon - 2;
    while (buf[this.keyEnd] !== QUOTE) this.keyEnd--; // back over white space before the colon
    this.valueStart = skipSpace(buf, afterColon, end);
    this.valueEnd = this.#skipper.skip(buf, this.valueStart, end);
    if (this.valueEnd < 0) return this.#close();
    this.#at = this.valueEnd;
    return true;
  }

  /** Does the key of this member read `name`, with escapes or without? */
  keyReads(name: Buffer): boolean {
    return keyIs(this.#buf, this.keyStart, this.keyEnd, name);
  }

  #close(): boolean {
    this.#skipper.close();
    return false;
  }
}
