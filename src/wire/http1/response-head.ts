/** Parses the head of a worker's answer with the strictness of request-head.ts; every fault is 502 and a poisoned socket. */
import { FieldFacts, readFieldLines } from './field-lines.ts';
import { MAX_HEAD_BYTES } from './head-end.ts';
import { HeadError } from './head-error.ts';

/**
 * One response head. The body, if `hasBody`, is framed by exactly one of: `chunked`, `contentLength >= 0`, `untilClose`.
 */
export class ResponseHead {
  readonly status: number;
  readonly minor: 0 | 1;
  /** As sent; may be empty. */
  readonly reason: string;
  /** Flat: lower-case name, value (latin1); in order; repeated fields kept. */
  readonly fields: readonly string[];
  /** -1: none given. May be set without a body (HEAD, 304). */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** False for answers to HEAD, 1xx, 204 and 304, whatever their fields say. */
  readonly hasBody: boolean;
  /** The body ends when the worker closes the connection. */
  readonly untilClose: boolean;
  /** The connection may be used again after this message. */
  readonly keepAlive: boolean;
  /** How long the worker keeps an idle connection, from `Keep-Alive: timeout`; -1: not said. */
  readonly keepAliveTimeoutMs: number;
  /** What a relay made of status line and fields: kept here because heads repeat (response-head-memo.ts). */
  relayText: string | null = null;

  constructor(status: number, minor: 0 | 1, reason: string, requestMethod: string, facts: FieldFacts) {
    this.status = status;
    this.minor = minor;
    this.reason = reason;
    this.fields = facts.fields;
    this.contentLength = facts.contentLength;
    this.chunked = facts.chunked;
    this.hasBody = requestMethod !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
    this.untilClose = this.hasBody && !facts.chunked && facts.contentLength < 0;
    this.keepAlive = !this.untilClose && !facts.close && (minor === 1 || facts.keepAlive);
    this.keepAliveTimeoutMs = facts.keepAliveTimeoutMs;
  }

  /** The first value of the field with this lower-case name. */
  find(name: string): string | undefined {
    const fields = this.fields;
    for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
    return undefined;
  }
}

/** Changes values of the flat field list of a head that has just been parsed. */
export type EditFields = (fields: string[]) => void;

const STATUS_START = 'HTTP/1.1 '.length;

/**
 * Parses buf[start, end), where `end` is what findHeadEnd returned for `start`. Interim answers (1xx) are returned like others, for
 * the caller to swallow; 101 is refused, because nobody asks for it. `edit` is called for a valid head.
 */
export function parseResponseHead(
  buf: Buffer,
  start: number,
  end: number,
  requestMethod: string,
  edit: EditFields | null = null,
): ResponseHead | HeadError {
  if (end - start > MAX_HEAD_BYTES) return malformed(`The head is larger than ${MAX_HEAD_BYTES} bytes.`);
  const text = buf.toString('latin1', start, end);
  const lineEnd = text.indexOf('\r');

  const minor = text.startsWith('HTTP/1.1 ') ? 1 : text.startsWith('HTTP/1.0 ') ? 0 : -1;
  if (minor < 0) return malformed('The status line does not begin with "HTTP/1.x ".');
  const status = readStatus(text);
  if (status < 100 || status > 599) return malformed('The status is not a number from 100 to 599.');
  // Some servers leave out the space before an empty reason phrase; that cannot be read in two ways.
  const afterStatus = STATUS_START + 3;
  if (lineEnd !== afterStatus && text.charCodeAt(afterStatus) !== 0x20) return malformed('The status is not followed by a space.');
  if (status === 101) return malformed('101 arrived unasked.');
  const reason = text.slice(afterStatus + 1, lineEnd);

  const facts = new FieldFacts();
  const problem = readFieldLines(buf, start, start + lineEnd + 2, text, facts);
  if (problem !== undefined) return malformed(problem.message);
  if (minor === 0 && facts.chunked) return malformed('Transfer-Encoding does not exist in HTTP/1.0.');
  if (minor === 0 && status < 200) return malformed('Interim answers do not exist in HTTP/1.0.');
  edit?.(facts.fields);
  return new ResponseHead(status, minor as 0 | 1, reason, requestMethod, facts);
}

function readStatus(text: string): number {
  let status = 0;
  for (let at = STATUS_START; at < STATUS_START + 3; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

function malformed(message: string): HeadError {
  return new HeadError(502, message);
}
