/** Byte values and byte classes of HTTP/1.1, as tables: one load per byte where a chain of comparisons would be slower. */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

function table(value: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => value(byte));
}

const isTokenByte = (byte: number): boolean => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte));

/** The lower-case byte of each `tchar` (RFC 9110 5.6.2), 0 for every other byte. */
export const LOWER_TOKEN: Uint8Array = table((byte) => {
  if (!isTokenByte(byte)) return 0;
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
});

/** 1 for bytes that a field value may hold: tab, space, visible ASCII, obs-text (RFC 9110 5.5). */
export const FIELD_VALUE: Uint8Array = table((byte) => (byte === TAB || (byte >= 0x20 && byte !== 0x7f) ? 1 : 0));

/** 1 for bytes that a request target may hold: visible ASCII without `#`. Others must be percent-encoded (RFC 3986 2). */
export const TARGET: Uint8Array = table((byte) => (byte > 0x20 && byte < 0x7f && byte !== 0x23 ? 1 : 0));

/** The value of a hexadecimal digit, 255 for every other byte. */
export const HEX_VALUE: Uint8Array = table((byte) => {
  const text = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(text) ? Number.parseInt(text, 16) : 255;
});
