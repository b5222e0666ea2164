/** Looks into one array of a document that has been scanned: how many elements, and what the first one is. */
import { skipSpace, ValueSkipper } from './value-skipper.ts';

const COMMA = 0x2c;
const BRACKET_CLOSE = 0x5d;

/** Index of the first byte of the first element of the array at `from`, or of its closing bracket when it is empty. */
export function firstElement(buf: Buffer, from: number, end: number): number {
  return skipSpace(buf, from + 1, end);
}

/** Counts elements; keeps a stack for nested values, so make one and use it for all bodies. */
export class ElementCounter {
  readonly #skipper = new ValueSkipper();

  /** Number of elements of the valid array `buf[from..end)`. */
  count(buf: Buffer, from: number, end: number): number {
    let at = firstElement(buf, from, end);
    if (buf[at] === BRACKET_CLOSE) return 0;
    const skipper = this.#skipper;
    skipper.open(buf, end);
    let elements = 1;
    for (;;) {
      at = skipSpace(buf, skipper.skip(buf, at, end), end);
      if (buf[at] !== COMMA) break;
      elements++;
      at++;
    }
    skipper.close();
    return elements;
  }
}
