/** Compares a raw JSON key with a name that is known beforehand. */

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** A character written as `\u006d`. */
const UNICODE_ESCAPE_BYTES = 6;

/**
 * True if the key whose raw bytes are `from..to` (without quotes) reads `name`, written plainly or with `\u` escapes. Names
 * are ASCII letters and `_`, which have no short escapes. A key with an escape that is not valid never matches.
 */
export function keyIs(buf: Buffer, from: number, to: number, name: Buffer): boolean {
  const length = name.length;
  if (to - from === length) {
    for (let i = 0; i < length; i++) if (buf[from + i] !== name[i]) return false;
    return true;
  }
  const surplus = to - from - length;
  return surplus > 0 && surplus % (UNICODE_ESCAPE_BYTES - 1) === 0 && escapedKeyIs(buf, from, to, name);
}

function escapedKeyIs(buf: Buffer, from: number, to: number, name: Buffer): boolean {
  let at = from;
  for (let i = 0; i < name.length; i++) {
    if (at >= to) return false;
    if (buf[at] !== BACKSLASH) {
      if (buf[at++] !== name[i]) return false;
      continue;
    }
    if (at + UNICODE_ESCAPE_BYTES > to || buf[at + 1] !== LOWER_U) return false;
    let code = 0;
    for (let k = 2; k < UNICODE_ESCAPE_BYTES; k++) code = code * 16 + hexValue(buf[at + k]!);
    if (code !== name[i]) return false; // also when a digit was none: NaN equals nothing
    at += UNICODE_ESCAPE_BYTES;
  }
  return at === to;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}
