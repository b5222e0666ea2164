/** One request that the router answers itself: holds the (small) body, calls the handler, writes what it returns. */
import type { ErrorCode } from '../../../base/core/errors.ts';
import type { LocalResponse, LocalRoute, SlicedResponse } from '../../../base/core/local-route.ts';
import type { ClientConnection } from '../client/connection.ts';
import { answerFrame, errorResponse, localResponse } from '../client/whole-answer.ts';
import type { ProxyContext } from '../context.ts';
import type { RequestRecord } from '../routing/request-record.ts';
import { pathParams } from '../routing/routes.ts';
import type { ServerExchange } from './server-exchange.ts';
import { SlicedAnswer } from './sliced-answer.ts';

/** Bodies of the control API are small. */
const MAX_BODY_BYTES = 1024 * 1024;

export class LocalExchange implements ServerExchange {
  readonly #ctx: ProxyContext;
  readonly #connection: ClientConnection;
  readonly #record: RequestRecord;
  readonly #local: LocalRoute;
  #parts: Buffer[] = [];
  /** Of an answer that comes in slices. */
  #sliced: SlicedAnswer | null = null;
  #isOver = false;

  constructor(ctx: ProxyContext, connection: ClientConnection, record: RequestRecord, local: LocalRoute) {
    this.#ctx = ctx;
    this.#connection = connection;
    this.#record = record;
    this.#local = local;
  }

  bodyData(buf: Buffer, start: number, end: number): void {
    this.#record.bytesIn += end - start;
    if (this.#record.bytesIn > MAX_BODY_BYTES) {
      this.bodyFailed('payload_too_large', `the body of this route is limited to ${MAX_BODY_BYTES} bytes`);
      return;
    }
    this.#parts.push(Buffer.from(buf.subarray(start, end)));
  }

  bodySpace(): null {
    return null;
  }

  bodyPlaced(): void {}

  bodyEnd(): void {
    this.#connection.setDue(this.#ctx.settings.requestTimeoutMs);
    const { head } = this.#record;
    const body = Buffer.concat(this.#parts);
    this.#parts = [];
    try {
      const answer = this.#local.handle({
        method: head.method,
        path: head.path,
        query: new URLSearchParams(head.query),
        params: pathParams(this.#local.path, head.path),
        authorization: head.find('authorization') ?? null,
        body,
      });
      if (answer instanceof Promise) answer.then((value) => this.#answer(value)).catch((error: unknown) => this.#broken(error));
      else if ('slices' in answer) this.#answerInSlices(answer).catch((error: unknown) => this.#broken(error));
      else this.#answer(answer);
    } catch (error) {
      this.#broken(error);
    }
  }

  bodyFailed(code: ErrorCode, message: string): void {
    if (this.#isOver) return;
    const { head } = this.#record;
    this.#record.errorCode = code;
    if (this.#sliced?.hasBegun === true) {
      this.#cut(this.#sliced);
      return;
    }
    const persist = this.#connection.persists(head);
    this.#write(errorResponse(code, message, answerFrame(this.#record, persist, this.#ctx.date)), persist);
  }

  clientGone(): void {
    if (this.#isOver) return;
    this.#record.outcome = 'client-gone';
    this.#settle(this.#sliced?.bytes ?? 0);
  }

  clientDrained(): void {
    if (this.#isOver) return;
    this.#ctx.touch();
    this.#connection.setDue(this.#ctx.settings.requestTimeoutMs);
    this.#sliced?.drained();
  }

  duePassed(): void {
    if (this.#sliced?.isWaiting === true) {
      // The client has taken nothing for as long as a request may last.
      this.#record.outcome = 'client-gone';
      this.#cut(this.#sliced);
      return;
    }
    this.bodyFailed('internal_error', 'the router did not answer in time');
  }

  #answer(response: LocalResponse): void {
    if (this.#isOver) return;
    const { head } = this.#record;
    this.#record.status = response.status;
    const persist = this.#connection.persists(head);
    this.#write(localResponse(response, answerFrame(this.#record, persist, this.#ctx.date)), persist);
  }

  async #answerInSlices(response: SlicedResponse): Promise<void> {
    const { head } = this.#record;
    // A client of HTTP/1.0 knows no chunks: its answer ends with the connection.
    const isChunked = head.minor === 1;
    const persist = isChunked && this.#connection.persists(head);
    const sliced = new SlicedAnswer(this.#connection, response, answerFrame(this.#record, persist, this.#ctx.date), isChunked);
    this.#sliced = sliced;
    if (!(await sliced.write())) return;
    this.#settle(sliced.bytes);
    this.#connection.finish(persist);
  }

  /** The answer ends in the middle, in a way that no client takes for its end. */
  #cut(sliced: SlicedAnswer): void {
    this.#settle(sliced.bytes);
    this.#connection.abort(!sliced.isChunked);
  }

  #broken(error: unknown): void {
    this.#ctx.logger.error({ err: error, path: this.#local.path, request_id: this.#record.requestId }, 'a route of the router failed');
    this.bodyFailed('internal_error', 'the router failed to answer; its log has the details');
  }

  #write(answer: Buffer, persist: boolean): void {
    this.#connection.write(answer);
    this.#settle(answer.length);
    this.#connection.finish(persist);
  }

  #settle(bytesOut: number): void {
    this.#isOver = true;
    this.#ctx.touch();
    this.#record.bytesOut = bytesOut;
    if (this.#sliced?.hasBegun === true) this.#record.status = this.#sliced.status;
    this.#sliced?.end();
    this.#ctx.settled(this.#record, undefined, 0);
  }
}
