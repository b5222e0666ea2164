/** Reads the field lines of a head, requests and responses alike, and notes what they say about framing and the connection. */
import { COLON, CR, LOWER_TOKEN, SPACE, TAB } from './bytes.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  findKnownName,
  HOST,
  hashNameByte,
  KEEP_ALIVE,
  knownName,
  TRANSFER_ENCODING,
  UNKNOWN_NAME,
} from './field-names.ts';
import { HeadError } from './head-error.ts';

export const MAX_FIELDS = 128;

/** What the fields of one head say; filled by readFieldLines. */
export class FieldFacts {
  /** Flat: lower-case name, value (latin1, outer white space removed), in the order of the head. */
  readonly fields: string[] = [];
  /** -1: not given. */
  contentLength = -1;
  chunked = false;
  /** Connection lists `close` / `keep-alive`. */
  close = false;
  keepAlive = false;
  host: string | undefined = undefined;
  expect: string | undefined = undefined;
  /** From `Keep-Alive: timeout=SECONDS`; -1: not given. */
  keepAliveTimeoutMs = -1;
}

/**
 * Reads the lines in buf[at, end), where `end` is just past the empty line and `text` is buf[start, end) as latin1.
 * Returns what is wrong, or undefined.
 */
export function readFieldLines(buf: Buffer, start: number, at: number, text: string, facts: FieldFacts): HeadError | undefined {
  const fields = facts.fields;
  let line = at;
  while (buf[line] !== CR) {
    if (fields.length === 2 * MAX_FIELDS) return new HeadError(431, `The head has more than ${MAX_FIELDS} fields.`);

    let hash = 0;
    let colon = line;
    for (let byte = LOWER_TOKEN[buf[colon]!]!; byte !== 0; byte = LOWER_TOKEN[buf[colon]!]!) {
      hash = hashNameByte(hash, byte);
      colon += 1;
    }
    if (colon === line || buf[colon] !== COLON) return new HeadError(400, whyBadName(buf, line, colon));

    let valueStart = colon + 1;
    while (buf[valueStart] === SPACE || buf[valueStart] === TAB) valueStart += 1;
    const lineEnd = text.indexOf('\r', valueStart - start) + start;
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SPACE || buf[valueEnd - 1] === TAB)) valueEnd -= 1;
    const value = text.substring(valueStart - start, valueEnd - start);

    const id = findKnownName(buf, line, colon, hash);
    if (id === UNKNOWN_NAME) {
      fields.push(text.substring(line - start, colon - start).toLowerCase(), value);
    } else {
      fields.push(knownName(id), value);
      if (id <= KEEP_ALIVE) {
        // Tabs around the value are legal, but llhttp then reads `chunked` as unknown and takes the body to be without framing.
        const isFraming = id === CONTENT_LENGTH || id === TRANSFER_ENCODING;
        if (isFraming && text.slice(colon + 1 - start, lineEnd - start).includes('\t')) {
          return new HeadError(400, 'A tab stands in Content-Length or Transfer-Encoding.');
        }
        const problem = note(facts, id, value);
        if (problem !== undefined) return problem;
      }
    }
    line = lineEnd + 2;
  }
  if (facts.chunked && facts.contentLength >= 0) return new HeadError(400, 'Content-Length and Transfer-Encoding are both present.');
  return undefined;
}

function whyBadName(buf: Buffer, line: number, stop: number): string {
  const byte = buf[stop];
  const isBlank = byte === SPACE || byte === TAB;
  if (stop === line) return isBlank ? 'A field line begins with white space.' : 'A field line has no name.';
  return isBlank ? 'White space stands before the colon of a field.' : 'A field name is not a token.';
}

function note(facts: FieldFacts, id: number, value: string): HeadError | undefined {
  switch (id) {
    case HOST:
      if (facts.host !== undefined) return new HeadError(400, 'Host is given more than once.');
      facts.host = value;
      return undefined;
    case CONTENT_LENGTH:
      if (facts.contentLength >= 0) return new HeadError(400, 'Content-Length is given more than once.');
      facts.contentLength = parseLength(value);
      return facts.contentLength < 0 ? new HeadError(400, 'Content-Length is not a plain number below 2^53.') : undefined;
    case TRANSFER_ENCODING:
      if (facts.chunked) return new HeadError(400, 'Transfer-Encoding is given more than once.');
      // Codings are case-insensitive (RFC 9112 7). Nearly all senders write lower case, which needs no new string.
      if (value !== 'chunked' && value.toLowerCase() !== 'chunked') {
        return new HeadError(400, 'Transfer-Encoding is not "chunked" alone.');
      }
      facts.chunked = true;
      return undefined;
    case CONNECTION:
      noteConnection(facts, value);
      return undefined;
    case EXPECT:
      // A second Expect makes a list of two, which is not 100-continue either.
      facts.expect = facts.expect === undefined ? value : `${facts.expect}, ${value}`;
      return undefined;
    case KEEP_ALIVE:
      noteKeepAlive(facts, value);
      return undefined;
    default:
      return undefined;
  }
}

/** Plain digits within 2^53-1, else -1. Leading zeros are plain digits. */
function parseLength(value: string): number {
  if (value.length === 0) return -1;
  let length = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

function noteConnection(facts: FieldFacts, value: string): void {
  if (value === 'keep-alive') {
    facts.keepAlive = true;
    return;
  }
  for (const option of value.toLowerCase().split(',')) {
    const name = option.trim();
    if (name === 'close') facts.close = true;
    if (name === 'keep-alive') facts.keepAlive = true;
  }
}

/** Seconds beyond this are no use as a hint and could overflow a timer. */
const MAX_HINT_DIGITS = 6;

function noteKeepAlive(facts: FieldFacts, value: string): void {
  for (const parameter of value.toLowerCase().split(',')) {
    const text = parameter.trim();
    if (!text.startsWith('timeout=')) continue;
    const seconds = text.slice('timeout='.length);
    if (seconds.length <= MAX_HINT_DIGITS && parseLength(seconds) >= 0) facts.keepAliveTimeoutMs = parseLength(seconds) * 1000;
  }
}
