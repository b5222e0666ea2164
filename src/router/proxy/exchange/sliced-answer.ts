/**
 * Writes an answer of the router that comes in slices, each when the client has taken the one before.
 *
 *   IDLE --first slice made--> WRITING <--client drained / client takes no more--> WAITING
 *     |                           |                                                   |
 *     '--client gone, cut-------- +---------------------------------------------------'--> OVER
 */
import type { SlicedResponse } from '../../../base/core/local-route.ts';
import type { ClientConnection } from '../client/connection.ts';
import { type AnswerFrame, slicedHead } from '../client/whole-answer.ts';

export class SlicedAnswer {
  /** Bytes written so far, framing included. */
  bytes = 0;
  /** False: the answer ends with the connection. */
  readonly isChunked: boolean;
  readonly #connection: ClientConnection;
  readonly #response: SlicedResponse;
  readonly #isHead: boolean;
  /** What goes out with the next bytes. */
  #head: string;
  #resume: (() => void) | null = null;
  #isOver = false;

  constructor(connection: ClientConnection, response: SlicedResponse, frame: AnswerFrame, isChunked: boolean) {
    this.#connection = connection;
    this.#response = response;
    this.#isHead = frame.isHead;
    this.isChunked = isChunked;
    this.#head = slicedHead(response, frame, isChunked);
  }

  get status(): number {
    return this.#response.status;
  }

  /** The head has left, so the answer can no longer become another one. */
  get hasBegun(): boolean {
    return this.bytes > 0;
  }

  /** The client takes less than it is given. */
  get isWaiting(): boolean {
    return this.#resume !== null;
  }

  /** Resolves with true when the answer is whole, with false when `end` was called before; rejects when a slice cannot be made. */
  async write(): Promise<boolean> {
    if (!this.#isHead) {
      for await (const slice of this.#response.slices) {
        if (this.#isOver) return false;
        if (slice === '' || this.#writeSlice(slice)) continue;
        await this.#drained();
        if (this.#isOver) return false;
      }
    }
    if (this.#isOver) return false;
    this.#writeText(this.isChunked && !this.#isHead ? `${this.#head}0\r\n\r\n` : this.#head);
    this.#isOver = true;
    return true;
  }

  /** The client takes more again. */
  drained(): void {
    this.#resume?.();
    this.#resume = null;
  }

  /** Nothing is written any more. */
  end(): void {
    this.#isOver = true;
    this.drained();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  #writeSlice(slice: string): boolean {
    const body = Buffer.from(slice);
    const before = this.isChunked ? `${this.#head}${body.length.toString(16)}\r\n` : this.#head;
    const bytes = Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(this.isChunked ? '\r\n' : '')]);
    this.#head = '';
    this.bytes += bytes.length;
    return this.#connection.write(bytes);
  }

  #writeText(text: string): void {
    if (text === '') return;
    this.#head = '';
    this.bytes += text.length;
    this.#connection.write(Buffer.from(text, 'latin1'));
  }
}
