/** Reads the answer to one request with our parser: interim answers are swallowed, the end of the bytes is a closed connection. */
import { findHeadEnd, MAX_HEAD_BYTES, NEED_MORE } from '../../../src/wire/http1/head-end.ts';
import { HeadError } from '../../../src/wire/http1/head-error.ts';
import { parseResponseHead, type ResponseHead } from '../../../src/wire/http1/response-head.ts';
import { BodyReader } from './read-body.ts';
import type { Reading } from './reading.ts';

/** Reads buf in steps that end at `stops` (ascending; the last one is buf.length). At most one message comes out. */
export function readResponse(buf: Buffer, method: string, stops: readonly number[] = [buf.length]): Reading {
  let at = 0;
  let seen = 0;
  let head: ResponseHead | undefined;
  let body: BodyReader | undefined;
  const refused = (why: string): Reading => ({ messages: [], end: 'refused', why });
  for (const stop of stops) {
    while (body === undefined) {
      const headEnd = findHeadEnd(buf, at, Math.max(at, seen), stop);
      if (headEnd === NEED_MORE && stop - at <= MAX_HEAD_BYTES) break;
      if (headEnd < 0) return refused('Bytes that cannot become a head.');
      const parsed = parseResponseHead(buf, at, headEnd, method);
      if (parsed instanceof HeadError) return refused(parsed.message);
      at = headEnd;
      if (parsed.status < 200) continue;
      head = parsed;
      body = new BodyReader(head.hasBody && head.chunked, bodyBytes(head));
    }
    seen = stop;
    if (body === undefined || body.isDone) continue;
    const next = body.take(buf, at, stop);
    if (next < 0) return refused('Broken chunked framing.');
    at = next;
  }
  if (head === undefined || body === undefined || !(body.isDone || head.untilClose)) return { messages: [], end: 'partial', why: '' };
  const message = { start: `${head.status} ${head.reason}`, fields: head.fields, body: body.body };
  return { messages: [message], end: head.keepAlive ? 'complete' : 'closed', why: '' };
}

function bodyBytes(head: ResponseHead): number {
  if (!head.hasBody) return 0;
  return head.untilClose ? Number.POSITIVE_INFINITY : head.contentLength;
}
