/** Writes chunked framing for bodies that are framed by us. */
import { CR, LF } from './bytes.ts';

/** Room that writeChunkHeader may need: 14 hexadecimal digits for 2^53-1, and CRLF. */
export const MAX_CHUNK_HEADER_BYTES = 16;

/** What follows the bytes of a chunk. */
export const CHUNK_END = '\r\n';

/** The last chunk and an empty trailer section. */
export const LAST_CHUNK = '0\r\n\r\n';

const DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** Writes the size line of a chunk of `bytes` (1 or more: a chunk of 0 ends the body) at `at`; returns the index just past it. */
export function writeChunkHeader(buf: Buffer, at: number, bytes: number): number {
  let digits = 1;
  for (let rest = bytes; rest >= 16; rest = Math.floor(rest / 16)) digits += 1;
  let rest = bytes;
  for (let digitAt = at + digits - 1; digitAt >= at; digitAt -= 1) {
    buf[digitAt] = DIGITS[rest % 16]!;
    rest = Math.floor(rest / 16);
  }
  buf[at + digits] = CR;
  buf[at + digits + 1] = LF;
  return at + digits + 2;
}

/** The size line of a chunk of `bytes` (1 or more) as text. */
export function chunkHeaderText(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}
