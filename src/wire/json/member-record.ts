/** Where in a request body the members of its outermost object lie that somebody asked for: what a splice needs to know. */
import { type FieldNames, NO_FIELD } from './field-names.ts';

/**
 * More members with names of the set than this are not remembered (`isFull`): a body of nothing but repetitions must not cost
 * more memory than itself.
 */
const MAX_ENTRIES = 1024;
/** field, cutFrom, valueStart, valueEnd */
const ENTRY = 4;

/**
 * Filled by `RequestScan.scan`, valid until the next one that is given the same record. Of a document that is not `ok` it holds
 * a part. All offsets are into the scanned buffer.
 *
 *     { "a" : 1 , "room" : 7 , "b" : 2 }
 *      ^        ^          ^ ^
 *      |        |          | valueEnd
 *      insertAt cutFrom    valueStart            cutFrom of the first member is its own opening quote
 */
export class MemberRecord {
  readonly names: FieldNames;
  /** Right after the opening brace; -1 when the document is no object. */
  insertAt = -1;
  /** Members of the object, those included that nobody asked for. */
  memberCount = 0;
  /** Entries: members whose name is in the set, in document order; repetitions are entries of their own. */
  count = 0;
  /** Entry 0 is the first of all members. */
  startsWithEntry = false;
  /** There were more than are remembered. */
  isFull = false;
  #entries = new Int32Array(16 * ENTRY);

  constructor(names: FieldNames) {
    this.names = names;
  }

  reset(insertAt: number): void {
    this.insertAt = insertAt;
    this.memberCount = 0;
    this.count = 0;
    this.startsWithEntry = false;
    this.isFull = false;
  }

  /** The next member: its raw key is `buf[keyStart..keyEnd)`, without quotes; `comma` is the index of the comma before it, -1 for the first. */
  add(buf: Buffer, comma: number, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.memberCount++;
    const field = this.names.find(buf, keyStart, keyEnd);
    if (field === NO_FIELD) return;
    if (this.count === MAX_ENTRIES) {
      this.isFull = true;
      return;
    }
    if (this.memberCount === 1) this.startsWithEntry = true;
    const at = this.count++ * ENTRY;
    if (at === this.#entries.length) this.#grow();
    this.#entries[at] = field;
    this.#entries[at + 1] = comma < 0 ? keyStart - 1 : comma;
    this.#entries[at + 2] = valueStart;
    this.#entries[at + 3] = valueEnd;
  }

  field(entry: number): number {
    return this.#entries[entry * ENTRY]!;
  }

  /** From here to `valueEnd` goes what takes the member out of the object: the comma before it with it, if there is one. */
  cutFrom(entry: number): number {
    return this.#entries[entry * ENTRY + 1]!;
  }

  valueStart(entry: number): number {
    return this.#entries[entry * ENTRY + 2]!;
  }

  valueEnd(entry: number): number {
    return this.#entries[entry * ENTRY + 3]!;
  }

  /** The last entry of a field, which is the one that counts; -1 if there is none. */
  last(field: number): number {
    for (let entry = this.count - 1; entry >= 0; entry--) if (this.#entries[entry * ENTRY] === field) return entry;
    return -1;
  }

  #grow(): void {
    const larger = new Int32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }
}
