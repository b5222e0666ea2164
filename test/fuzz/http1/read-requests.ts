/** Reads a stream of requests with our parser, as a connection would: what came so far, then a little more. */
import { findHeadEnd, MAX_HEAD_BYTES, NEED_MORE } from '../../../src/wire/http1/head-end.ts';
import { HeadError } from '../../../src/wire/http1/head-error.ts';
import { headTooLarge, parseRequestHead, type RequestHead } from '../../../src/wire/http1/request-head.ts';
import { BodyReader } from './read-body.ts';
import type { Reading, ReadingEnd, ReadMessage } from './reading.ts';

/** Reads buf in steps that end at `stops` (ascending; the last one is buf.length). */
export function readRequests(buf: Buffer, stops: readonly number[] = [buf.length]): Reading {
  const reader = new RequestReader(buf);
  for (const stop of stops) {
    reader.advance(stop);
    if (reader.end !== undefined) break;
  }
  return reader.result();
}

class RequestReader {
  end: ReadingEnd | undefined = undefined;
  private readonly buf: Buffer;
  private readonly messages: ReadMessage[] = [];
  private why = '';
  private at = 0;
  private seen = 0;
  private head: RequestHead | undefined = undefined;
  private body: BodyReader | undefined = undefined;

  constructor(buf: Buffer) {
    this.buf = buf;
  }

  result(): Reading {
    const isBetween = this.head === undefined && this.at === this.seen;
    return { messages: this.messages, end: this.end ?? (isBetween ? 'complete' : 'partial'), why: this.why };
  }

  advance(stop: number): void {
    while (this.end === undefined) {
      if (this.head === undefined && !this.readHead(stop)) break;
      if (this.end !== undefined || !this.readBody(stop)) break;
    }
    this.seen = stop;
  }

  private refuse(why: string): void {
    this.end = 'refused';
    this.why = why;
  }

  private readHead(stop: number): boolean {
    const headEnd = findHeadEnd(this.buf, this.at, Math.max(this.at, this.seen), stop);
    if (headEnd === NEED_MORE) {
      if (stop - this.at > MAX_HEAD_BYTES) this.refuse(headTooLarge(this.buf, this.at, stop).message);
      return false;
    }
    if (headEnd < 0) {
      this.refuse('Bytes that cannot become a head.');
      return false;
    }
    const head = parseRequestHead(this.buf, this.at, headEnd);
    if (head instanceof HeadError) {
      this.refuse(head.message);
      return false;
    }
    this.head = head;
    this.body = new BodyReader(head.chunked, Math.max(0, head.contentLength));
    this.at = headEnd;
    return true;
  }

  private readBody(stop: number): boolean {
    const { head, body } = this;
    if (head === undefined || body === undefined) return false;
    if (!body.isDone) {
      const next = body.take(this.buf, this.at, stop);
      if (next < 0) {
        this.refuse('Broken chunked framing.');
        return false;
      }
      this.at = next;
    }
    if (!body.isDone) return false;
    this.messages.push({ start: `${head.method} ${head.target}`, fields: head.fields, body: body.body });
    this.head = undefined;
    if (!head.keepAlive) this.end = 'closed';
    return true;
  }
}
