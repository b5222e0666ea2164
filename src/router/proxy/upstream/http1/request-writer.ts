/** Writes requests to one connection to a worker. A whole request leaves at the end of the turn, together with those to other workers. */
import type net from 'node:net';
import type { EndOfTurn, EndOfTurnTask } from '../../../../base/runtime/end-of-turn.ts';
import type { RequestBody } from '../../request/body.ts';
import type { UpstreamRequest } from '../seam.ts';
import { type HeadTarget, requestHeadText } from './request-head-text.ts';

export class RequestWriter implements EndOfTurnTask {
  readonly #socket: net.Socket;
  readonly #target: HeadTarget;
  readonly #endOfTurn: EndOfTurn;
  /** A whole request that leaves at the end of the turn. */
  #outgoing: Buffer | null = null;
  #isClosed = false;

  constructor(socket: net.Socket, target: HeadTarget, endOfTurn: EndOfTurn) {
    this.#socket = socket;
    this.#target = target;
    this.#endOfTurn = endOfTurn;
  }

  /** Everything has left. */
  get isEmpty(): boolean {
    return !this.#isClosed && this.#outgoing === null && this.#socket.writableLength === 0;
  }

  /** Writes the head and the held part of the body. */
  write(request: UpstreamRequest): void {
    const { body } = request;
    const head = requestHeadText(request, this.#target);
    if (body === null) {
      this.#socket.write(head, 'latin1');
      return;
    }
    // The held part of a chunked body leaves as its first chunk.
    const isChunk = !body.complete && body.declaredBytes < 0 && body.heldBytes > 0;
    const text = isChunk ? `${head}${body.heldBytes.toString(16)}\r\n` : head;
    const front = isChunk ? -1 : body.takeFront(text.length);
    if (front >= 0) {
      // The head goes in front of the body: one write, no copy of the body.
      body.buf.write(text, front, 'latin1');
      const bytes = body.buf.subarray(front, body.end);
      if (body.streamed) this.#socket.write(bytes);
      else this.#writeAtEndOfTurn(bytes);
      return;
    }
    this.#socket.cork();
    this.#socket.write(text, 'latin1');
    if (body.heldBytes > 0) this.#socket.write(body.buf.subarray(body.start, body.end));
    if (isChunk) this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
  }

  #writeAtEndOfTurn(bytes: Buffer): void {
    this.#outgoing = bytes;
    this.#endOfTurn.add(this);
  }

  endOfTurn(): void {
    const bytes = this.#outgoing;
    this.#outgoing = null;
    if (bytes !== null && !this.#isClosed) this.#socket.write(bytes);
  }

  /** More of a streamed body, copied. False: wait until the worker takes more. */
  writeBody(body: RequestBody, buf: Buffer, start: number, end: number): boolean {
    if (this.#isClosed) return false;
    if (body.declaredBytes >= 0) return this.#socket.write(Buffer.from(buf.subarray(start, end)));
    const size = `${(end - start).toString(16)}\r\n`;
    const chunk = Buffer.allocUnsafe(size.length + (end - start) + 2);
    chunk.write(size, 0, 'latin1');
    buf.copy(chunk, size.length, start, end);
    chunk[chunk.length - 2] = 13;
    chunk[chunk.length - 1] = 10;
    return this.#socket.write(chunk);
  }

  /** The streamed body is whole. */
  endBody(body: RequestBody | null): void {
    if (!this.#isClosed && (body === null || body.declaredBytes < 0)) this.#socket.write('0\r\n\r\n', 'latin1');
  }

  /** Drops what waits for the end of the turn and every later part of a body. */
  close(): void {
    this.#isClosed = true;
  }
}
