/** An answer of a worker on its way to a client: head, framing and what must happen when it ends too early. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { ResponseHead } from '../../../wire/http1/response-head.ts';
import type { ClientConnection } from '../client/connection.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import type { Pieces } from '../upstream/seam.ts';
import { AnswerWriter } from './answer-writer.ts';
import { cutEvent } from './cut-event.ts';
import { type ClientFraming, clientHeadText, connectionField, framingFor, isRelayedEventStream } from './response-fields.ts';

export class RelayedAnswer {
  /** The body is an event stream. */
  readonly isEvents: boolean;
  /** The client's connection can carry another request after it. */
  readonly persist: boolean;
  readonly #connection: ClientConnection;
  readonly #record: RequestRecord;
  readonly #framing: ClientFraming;
  readonly #writer: AnswerWriter;

  /** `length`: of the body, where it is not the one that the worker told; -1: what is written has an unknown length. */
  constructor(connection: ClientConnection, record: RequestRecord, head: ResponseHead, length: number = head.contentLength) {
    const { minor } = record.head;
    const framing = head.contentLength >= 0 && length < 0 ? (minor === 1 ? 'chunked' : 'until-close') : framingFor(head, minor);
    this.#connection = connection;
    this.#record = record;
    this.#framing = length >= 0 && head.hasBody ? 'length' : framing;
    this.persist = this.#framing !== 'until-close' && connection.persists(record.head);
    this.isEvents = isRelayedEventStream(head);
    const text = clientHeadText(head, this.#framing, record.requestId, connectionField(minor, this.persist), length);
    this.#writer = new AnswerWriter(connection, this.#framing, text, this.isEvents);
    record.status = head.status;
  }

  /** Bytes written, head included. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** The client takes no more now; `drained` when it does again. */
  get stalled(): boolean {
    return this.#writer.stalled;
  }

  drained(): void {
    this.#writer.stalled = false;
  }

  pieces(buf: Buffer, start: number, end: number, pieces: Pieces): void {
    this.#writer.pieces(buf, start, end, pieces);
  }

  data(buf: Buffer, start: number, end: number): void {
    this.#writer.data(buf, start, end);
  }

  flush(): void {
    this.#writer.flush();
  }

  /** All of it has come. `finish` follows when the exchange is settled. */
  end(): void {
    this.#writer.end();
  }

  finish(): void {
    this.#connection.finish(this.persist);
  }

  /** What is whole leaves, and for an event stream an event that says what happened. `abort` follows when the exchange is settled. */
  cut(code: ErrorCode, message: string): void {
    if (this.isEvents && this.#framing !== 'length') this.#writer.cut(cutEvent(this.#record.route.endpoint, code, message));
    else this.#writer.flush();
  }

  /** An end of the connection that no client takes for the end of the answer. */
  abort(): void {
    this.#connection.abort(this.#framing === 'until-close');
  }
}
