/**
 * Parses a request head strictly: what could be read in two ways is refused, because strictness is what makes framing of our
 * own safe. Bytes that findHeadEnd let pass are required; sockets, timeouts and body limits are elsewhere.
 */
import { isValidAuthority } from './authority.ts';
import { LOWER_TOKEN, SPACE, TARGET } from './bytes.ts';
import { FieldFacts, readFieldLines } from './field-lines.ts';
import { MAX_HEAD_BYTES, skipEmptyLines } from './head-end.ts';
import { HeadError } from './head-error.ts';

export const MAX_TARGET_BYTES = 16384;

/**
 * One request head. Strings are latin1 and may be views of one string that holds the whole head: copy what is kept for long.
 */
export class RequestHead {
  readonly method: string;
  /** Origin-form (an absolute-form is reduced to it), or `*` for OPTIONS. Never decoded, never normalised. */
  readonly target: string;
  /** `target` up to the first `?`. */
  readonly path: string;
  /** `target` after the first `?`; empty without one. */
  readonly query: string;
  readonly minor: 0 | 1;
  /** Flat: lower-case name, value; in order; all fields, those of framing and Host included. */
  readonly fields: readonly string[];
  /** Of an absolute-form target, else Host; may be empty. */
  readonly authority: string;
  /** -1: none given. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** The client is willing to send another request on this connection. */
  readonly keepAlive: boolean;
  /** The client waits for `100 Continue` (HTTP/1.1 only, as RFC 9110 10.1.1 asks). */
  readonly expectContinue: boolean;

  constructor(method: string, target: string, minor: 0 | 1, authority: string, facts: FieldFacts) {
    const mark = target.indexOf('?');
    this.method = method;
    this.target = target;
    this.path = mark < 0 ? target : target.substring(0, mark);
    this.query = mark < 0 ? '' : target.substring(mark + 1);
    this.minor = minor;
    this.fields = facts.fields;
    this.authority = authority;
    this.contentLength = facts.contentLength;
    this.chunked = facts.chunked;
    this.keepAlive = !facts.close && (minor === 1 || facts.keepAlive);
    this.expectContinue = minor === 1 && facts.expect !== undefined;
  }

  /** The first value of the field with this lower-case name. */
  find(name: string): string | undefined {
    const fields = this.fields;
    for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
    return undefined;
  }
}

/** Parses buf[start, end), where `end` is what findHeadEnd returned for `start`. */
export function parseRequestHead(buf: Buffer, start: number, end: number): RequestHead | HeadError {
  if (end - start > MAX_HEAD_BYTES) return headTooLarge(buf, start, end);
  const first = skipEmptyLines(buf, start, end);
  const text = buf.toString('latin1', first, end);

  let at = first;
  while (LOWER_TOKEN[buf[at]!] !== 0) at += 1;
  if (buf[at] !== SPACE) return new HeadError(400, 'The request line is not "method target version".');
  const method = text.substring(0, at - first);
  const targetStart = at + 1;
  at = targetStart;
  while (TARGET[buf[at]!] === 1) at += 1;
  if (at - targetStart > MAX_TARGET_BYTES) return targetTooLong();
  if (buf[at] !== SPACE) {
    return new HeadError(
      400,
      'The request target holds a space, a fragment or a byte that is not visible ASCII, or no version follows it.',
    );
  }
  const rawTarget = text.substring(targetStart - first, at - first);

  const lineEnd = text.indexOf('\r', at - first);
  const version = text.substring(at + 1 - first, lineEnd);
  const minor = version === 'HTTP/1.1' ? 1 : version === 'HTTP/1.0' ? 0 : -1;
  if (minor < 0) {
    return /^HTTP\/\d(?:\.\d)?$/.test(version)
      ? new HeadError(505, 'The version of HTTP is neither 1.0 nor 1.1.')
      : new HeadError(400, 'The request line does not end in "HTTP/1.x".');
  }
  if (method === 'CONNECT' || method === 'TRACE') return new HeadError(405, `The method ${method} is not served.`);

  const facts = new FieldFacts();
  const problem = readFieldLines(buf, first, first + lineEnd + 2, text, facts);
  if (problem !== undefined) return problem;
  return judge(method, rawTarget, minor as 0 | 1, facts);
}

/** What can be said only after all fields are known. */
function judge(method: string, rawTarget: string, minor: 0 | 1, facts: FieldFacts): RequestHead | HeadError {
  if (minor === 0 && facts.chunked) return new HeadError(400, 'Transfer-Encoding does not exist in HTTP/1.0.');
  if (facts.expect !== undefined && facts.expect.toLowerCase() !== '100-continue') {
    return new HeadError(417, 'Expect is not "100-continue".');
  }
  if (facts.host === undefined && minor === 1) return new HeadError(400, 'Host is missing.');
  // An empty Host is legal: RFC 9112 3.2 asks for it where the target has no authority.
  const isHostValid = facts.host === undefined || facts.host === '' || isValidAuthority(facts.host);
  if (!isHostValid) return new HeadError(400, 'Host is not a valid authority.');

  if (rawTarget.charCodeAt(0) === 0x2f) return new RequestHead(method, rawTarget, minor, facts.host ?? '', facts);
  if (rawTarget === '*' && method === 'OPTIONS') return new RequestHead(method, '*', minor, facts.host ?? '', facts);
  return reduceAbsoluteForm(method, rawTarget, minor, facts);
}

function reduceAbsoluteForm(method: string, rawTarget: string, minor: 0 | 1, facts: FieldFacts): RequestHead | HeadError {
  const scheme = /^https?:\/\//i.exec(rawTarget);
  if (scheme === null) return new HeadError(400, 'The request target is neither a path nor an http address.');
  const rest = rawTarget.slice(scheme[0].length);
  const authorityEnd = rest.search(/[/?]/);
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  if (authority.includes('@')) return new HeadError(400, 'The request target holds user info.');
  if (!isValidAuthority(authority)) return new HeadError(400, 'The request target has no valid authority.');
  const tail = authorityEnd < 0 ? '' : rest.slice(authorityEnd);
  // RFC 9112 3.2.4: OPTIONS for an authority without a path is about the server as a whole.
  const empty = method === 'OPTIONS' ? '*' : '/';
  const target = tail === '' ? empty : tail.startsWith('?') ? `/${tail}` : tail;
  return new RequestHead(method, target, minor, authority, facts);
}

function targetTooLong(): HeadError {
  return new HeadError(414, `The request target is longer than ${MAX_TARGET_BYTES} bytes.`);
}

/** For whoever has MAX_HEAD_BYTES at `start` and no end of a head: 414 when the request line alone is too long, else 431. */
export function headTooLarge(buf: Buffer, start: number, end: number): HeadError {
  const first = Math.max(start, skipEmptyLines(buf, start, end));
  const hasShortLine = buf.subarray(first, Math.min(end, first + MAX_TARGET_BYTES)).includes('\r\n');
  return hasShortLine ? new HeadError(431, `The head is larger than ${MAX_HEAD_BYTES} bytes.`) : targetTooLong();
}
