/** Reads heads in tests the way a connection does: first where they end, then what they say. */
import { BAD_HEAD, findHeadEnd, NEED_MORE } from '../../src/wire/http1/head-end.ts';
import type { HeadError } from '../../src/wire/http1/head-error.ts';
import { parseRequestHead, type RequestHead } from '../../src/wire/http1/request-head.ts';
import { parseResponseHead, type ResponseHead } from '../../src/wire/http1/response-head.ts';

/** The text (latin1) must hold a whole head that begins at 0. 'bad bytes': refused before its end was found. */
export function readRequestHead(text: string): RequestHead | HeadError | 'bad bytes' {
  const buf = Buffer.from(text, 'latin1');
  const end = endOf(buf);
  return end === BAD_HEAD ? 'bad bytes' : parseRequestHead(buf, 0, end);
}

/** As readRequestHead, for the answer to a request with `method`. */
export function readResponseHead(text: string, method = 'GET'): ResponseHead | HeadError | 'bad bytes' {
  const buf = Buffer.from(text, 'latin1');
  const end = endOf(buf);
  return end === BAD_HEAD ? 'bad bytes' : parseResponseHead(buf, 0, end, method);
}

function endOf(buf: Buffer): number {
  const end = findHeadEnd(buf, 0, 0, buf.length);
  if (end === NEED_MORE) throw new Error(`not a whole head: ${JSON.stringify(buf.toString('latin1'))}`);
  return end;
}
