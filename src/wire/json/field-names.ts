/** A closed set of keys that a scan looks for, and which of them a raw key is. */
import { keyIs } from './key-match.ts';

const BACKSLASH = 0x5c;
/** A character may be written as `\u006d`. */
const UNICODE_ESCAPE_BYTES = 6;

/** No name of the set. */
export const NO_FIELD = -1;

/**
 * Names are ASCII letters, digits and `_`; a field is known by its index in the list that was given. Most keys are told apart
 * by their length alone.
 */
export class FieldNames {
  readonly #names: readonly Buffer[];
  /** Indices by length of name; empty for lengths that no name has. */
  readonly #byLength: readonly (readonly number[])[];
  readonly #longest: number;

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name, 'latin1'));
    this.#longest = Math.max(0, ...names.map((name) => name.length));
    this.#byLength = Array.from({ length: this.#longest + 1 }, (_, length) =>
      names.flatMap((name, index) => (name.length === length ? [index] : [])),
    );
  }

  /** The field whose name the raw key `buf[from..to)` (without quotes) reads, written plainly or with escapes; or NO_FIELD. */
  find(buf: Buffer, from: number, to: number): number {
    const length = to - from;
    if (length <= this.#longest) for (const field of this.#byLength[length]!) if (keyIs(buf, from, to, this.#names[field]!)) return field;
    if (length > this.#longest * UNICODE_ESCAPE_BYTES) return NO_FIELD;
    for (let at = from; at < to; at++) if (buf[at] === BACKSLASH) return this.#findEscaped(buf, from, to);
    return NO_FIELD;
  }

  #findEscaped(buf: Buffer, from: number, to: number): number {
    return this.#names.findIndex((name) => keyIs(buf, from, to, name));
  }
}
