/** Finds where a message head ends, and refuses early what can never become one. */
import { CR, FIELD_VALUE, LF, LOWER_TOKEN } from './bytes.ts';

/** No complete head yet: read more, then call again. */
export const NEED_MORE = -1;
/** The bytes seen so far cannot become a valid head, whatever follows. */
export const BAD_HEAD = -2;

/** The largest head, and the largest trailer section, that is read. Whoever accumulates bytes enforces it (431). */
export const MAX_HEAD_BYTES = 65536;

/**
 * Empty lines before a request line that are skipped: RFC 9112 2.2 asks for at least one, because old clients send
 * a CRLF after a body. More than two are refused, so that empty lines cannot be sent for ever.
 */
const MAX_LEADING_EMPTY_LINES = 2;

/** Index of the first byte after leading empty lines (at most `end`), NEED_MORE or BAD_HEAD. */
export function skipEmptyLines(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] === CR) {
    if (at - start >= 2 * MAX_LEADING_EMPTY_LINES) return BAD_HEAD;
    if (at + 1 >= end) return NEED_MORE;
    if (buf[at + 1] !== LF) return BAD_HEAD;
    at += 2;
  }
  return at;
}

/**
 * Index just past the CRLFCRLF that ends the head which begins at `start`, NEED_MORE, or BAD_HEAD as soon as no bytes to come
 * could make it valid: the first byte is no token character (a TLS hello, a field line of spaces), an LF without CR, a CR
 * without LF, a control character other than tab.
 *
 * `from` resumes: bytes in [start, from) were looked at by an earlier call with the same `start` that returned NEED_MORE. Pass
 * the `end` of that call, or `start` the first time.
 *
 * The parsers of this folder rely on these checks: in [start, result) every CR is followed by LF, every LF follows a CR, and no
 * other control character but tab is left.
 */
export function findHeadEnd(buf: Buffer, start: number, from: number, end: number): number {
  const first = buf[start] === CR ? skipEmptyLines(buf, start, end) : start;
  if (first < 0) return first;
  if (first >= end) return NEED_MORE;
  if (LOWER_TOKEN[buf[first]!] === 0) return BAD_HEAD;

  let at = Math.max(from, first);
  // A CR that was the last byte of the earlier call still waits for its LF.
  if (at > first && buf[at - 1] === CR) at -= 1;
  for (;;) {
    // Four bytes per turn: half the time of one per turn, and every byte of every head passes here.
    while (
      at + 4 <= end &&
      (FIELD_VALUE[buf[at]!]! & FIELD_VALUE[buf[at + 1]!]! & FIELD_VALUE[buf[at + 2]!]! & FIELD_VALUE[buf[at + 3]!]!) === 1
    ) {
      at += 4;
    }
    if (at >= end) return NEED_MORE;
    const byte = buf[at]!;
    if (FIELD_VALUE[byte] === 1) {
      at += 1;
      continue;
    }
    if (byte !== CR) return BAD_HEAD;
    if (at + 1 >= end) return NEED_MORE;
    if (buf[at + 1] !== LF) return BAD_HEAD;
    if (buf[at - 1] === LF) return at + 2;
    at += 2;
  }
}
