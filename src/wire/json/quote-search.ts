/**
 * A search for the quote that ends a JSON string, 16 bytes at a time: a small WebAssembly module with vector instructions,
 * written out below, since JavaScript has none. Needs no build step and no native addon.
 *
 * In C:
 *
 *   uint32_t find(uint32_t at, uint32_t end) {
 *     do {
 *       q  = load16(at)     == '"'     each of 16 bytes: is it a quote,
 *       b1 = load16(at - 1) == '\\'    is the byte before it a backslash,
 *       b2 = load16(at - 2) == '\\'    and the one before that?
 *       stop = q & ~(b1 & ~b2)         a quote after exactly one backslash, the common case, costs nothing more
 *       if (any(stop)) {
 *         mask = bits(stop);
 *         do {
 *           quote = at + index_of_lowest_bit(mask);
 *           before = quote - 1;
 *           while (memory[before] == '\\') before--;
 *           if ((quote - before) & 1) return quote;   an even number of backslashes: this one ends the string
 *           mask &= mask - 1;
 *         } while (mask);
 *       }
 *       at += 16;
 *     } while (at < end);
 *     return end;
 *   }
 */

/** The search looks at this many bytes before the place where it starts. */
export const SEARCH_BEHIND_BYTES = 2;

export interface QuoteSearch {
  /** What is searched: the caller puts bytes here. 64 KiB. */
  readonly memory: Buffer;
  /**
   * Offset of the first quote at or after `at` with an even number of backslashes before it; `end` or more if there is none before
   * `end`. `at` is at least SEARCH_BEHIND_BYTES, `end` at most 64 KiB - 16. The backslashes are counted in memory: some byte
   * before `at` that is no backslash must be there.
   */
  find(at: number, end: number): number;
}

/** The part of the global that is used; the types of Node 20 leave it out. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

const I32 = 0x7f;
const V128 = 0x7b;
const VECTOR = 0xfd;

// Indices of parameters and locals.
const AT = 0;
const END = 1;
const QUOTES = 2;
const BACKSLASHES = 3;
const STOP = 4;
const MASK = 5;
const QUOTE_AT = 6;
const BEFORE = 7;

const getLocal = (index: number) => [0x20, index];
const setLocal = (index: number) => [0x21, index];
const teeLocal = (index: number) => [0x22, index];
/** A constant of 0..63: one byte in LEB128. */
const small = (value: number) => [0x41, value];
/** A constant of 64..127: signed LEB128 takes two bytes. */
const medium = (value: number) => [0x41, 0x80 | value, 0x00];
const loop = [0x03, 0x40];
const ifTrue = [0x04, 0x40];
const end = 0x0b;
/** To the block that is `levels` out; to a loop means its start. */
const branch = (levels: number) => [0x0c, levels];
const branchIf = (levels: number) => [0x0d, levels];
const giveBack = 0x0f;
const loadByte = [0x2d, 0, 0];
const equal = 0x46;
const below = 0x49; // unsigned
const trailingZeros = 0x68;
const add = 0x6a;
const subtract = 0x6b;
const and = 0x71;
const splatBytes = [VECTOR, 0x0f];
const equalBytes = [VECTOR, 0x23];
const andNot = [VECTOR, 0x4f]; // first & ~second
const anyBit = [VECTOR, 0x53];
const bitmask = [VECTOR, 0x64];
/** Loads 16 bytes from AT - SEARCH_BEHIND_BYTES + offset, unaligned. */
const loadBehind = (offset: number) => [...getLocal(AT), ...small(SEARCH_BEHIND_BYTES), subtract, VECTOR, 0x00, 0x00, offset];

const CODE = [
  ...[2, 3, V128, 3, I32], // locals: QUOTES, BACKSLASHES, STOP; MASK, QUOTE_AT, BEFORE
  ...[...small(0x22), ...splatBytes, ...setLocal(QUOTES)],
  ...[...medium(0x5c), ...splatBytes, ...setLocal(BACKSLASHES)],
  ...loop, // over blocks of 16 bytes
  ...[...loadBehind(2), ...getLocal(QUOTES), ...equalBytes],
  ...[...loadBehind(1), ...getLocal(BACKSLASHES), ...equalBytes],
  ...[...loadBehind(0), ...getLocal(BACKSLASHES), ...equalBytes],
  ...[...andNot, ...andNot, ...teeLocal(STOP), ...anyBit],
  ...ifTrue,
  ...[...getLocal(STOP), ...bitmask, ...setLocal(MASK)],
  ...loop, // over the stops of a block
  ...[...getLocal(AT), ...getLocal(MASK), trailingZeros, add, ...teeLocal(QUOTE_AT), ...small(1), subtract, ...setLocal(BEFORE)],
  ...loop, // back over backslashes
  ...[...getLocal(BEFORE), ...loadByte, ...medium(0x5c), equal],
  ...[...ifTrue, ...getLocal(BEFORE), ...small(1), subtract, ...setLocal(BEFORE), ...branch(1), end],
  end,
  ...[...getLocal(QUOTE_AT), ...getLocal(BEFORE), subtract, ...small(1), and],
  ...[...ifTrue, ...getLocal(QUOTE_AT), giveBack, end],
  ...[...getLocal(MASK), ...getLocal(MASK), ...small(1), subtract, and, ...teeLocal(MASK), ...branchIf(0)],
  ...[end, end],
  ...[...getLocal(AT), ...small(16), add, ...teeLocal(AT), ...getLocal(END), below, ...branchIf(0)],
  end,
  ...[...getLocal(END), end],
];

/** Unsigned LEB128 of a number below 16,384. */
const count = (value: number) => (value < 128 ? [value] : [0x80 | (value & 0x7f), value >> 7]);
const section = (id: number, ...content: number[]) => [id, ...count(content.length), ...content];
const exported = (name: string, ...what: number[]) => [name.length, ...Buffer.from(name, 'latin1'), ...what];

const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, 1, 0x60, 2, I32, I32, 1, I32), // one type: (i32, i32) -> i32
  ...section(3, 1, 0), // one function of that type
  ...section(5, 1, 0, 1), // one memory of one page
  ...section(7, 2, ...exported('memory', 2, 0), ...exported('find', 0, 0)),
  ...section(10, 1, ...count(CODE.length), ...CODE),
]);

/** A search with memory of its own; null where the machine has no vector instructions. */
export function instantiateQuoteSearch(): QuoteSearch | null {
  if (!WebAssembly.validate(MODULE)) return null;
  const { memory, find } = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    find(at: number, end: number): number;
  }; // exactly what the module above exports
  return { memory: Buffer.from(memory.buffer), find };
}
